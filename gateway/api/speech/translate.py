"""Pure: a request of this route in neutral words, and what a speech cost on the wire."""

import math
import re

from adapters.contract.errors import InvalidRequest
from gateway.access.caller import Caller
from gateway.api.speech.schema import SpeechRequest
from gateway.text.segmentation.punctuation import UNSPACED
from gateway.turns.speech_turn import SpeechTurnRequest
from gateway.wire.audio import voice_name
from gateway.wire.usage import Usage

TOKENS_PER_SECOND = 20
"""Of audio that is given out: OpenAI counts one token for 50 ms."""

_TEXT_UNIT = re.compile(rf"{UNSPACED.pattern}|(?:(?!{UNSPACED.pattern})\w)+|[^\w\s]")
"""A character of a script without spaces between words, a word, or any other visible character."""


def speech_turn_request(request: SpeechRequest, caller: Caller, most_characters: int) -> SpeechTurnRequest:
    """The speech that ``caller`` asks for. Raises ``InvalidRequest`` for no text, or more than ``most_characters``."""
    if not request.input:
        raise InvalidRequest(
            "Invalid 'input': empty string. Expected a string with minimum length 1, but got an empty string instead.",
            param="input",
            code="empty_string",
        )
    if len(request.input) > most_characters:
        raise InvalidRequest(
            f"Invalid 'input': string too long. Expected a string with maximum length {most_characters}, "
            f"but got a string with length {len(request.input)} instead.",
            param="input",
            code="string_above_max_length",
        )
    return SpeechTurnRequest(
        caller=caller,
        text=request.input,
        voice=voice_name(request.voice),
        speed=request.speed,
        language=request.language,
        instructions=request.instructions,
    )


def usage_of_speech(request: SpeechRequest, seconds: float) -> Usage:
    """What ``seconds`` of speech cost, in counts that anybody can repeat; no engine reports tokens of its own.

    Input tokens are the units of ``input`` and ``instructions``: words, signs, and each character of a script without
    spaces between words. Output tokens are those of the audio at OpenAI's rate of one for 50 ms.
    """
    texts = (request.input, request.instructions or "")
    given = sum(1 for text in texts for _ in _TEXT_UNIT.finditer(text))
    spoken = math.ceil(seconds * TOKENS_PER_SECOND)
    return Usage(input_tokens=given, output_tokens=spoken, total_tokens=given + spoken)
