"""``speech-to-speech ask``: one turn on the terminal, with engines of its own or through a running gateway."""

import asyncio
import logging
import sys
from contextlib import aclosing, closing
from functools import partial
from pathlib import Path
from typing import Self, assert_never

from adapters.contract import llm
from adapters.contract.errors import AdapterError
from adapters.local import weights
from gateway.access.caller import ANYONE
from gateway.audio.decoder_pool import DecoderPool
from gateway.cli.answer_file import AnswerFile, NoAnswer
from gateway.cli.remote_answer import Done, Heard, Sound, Written, gateway_address, remote_answer
from gateway.conversation.build import build_history
from gateway.conversation.history import ConversationRef
from gateway.engines.build import build
from gateway.engines.lifecycle import Gateway
from gateway.http.form import MAX_AUDIO_BYTES
from gateway.pipeline.encoded import encoded
from gateway.pipeline.listen import TranscriptFinished
from gateway.settings.composition import start_notes
from gateway.settings.model import Loaded, SettingsError
from gateway.telemetry.timings import Stopwatch
from gateway.telemetry.turn_log import log_turn
from gateway.turns.conversation_turn import Turns
from gateway.turns.request import TurnRequest
from gateway.turns.result import TurnFinished
from gateway.wire.usage import StageTimes, stage_times

LONGEST_MESSAGE = 500
"""Characters of the message of a failure: a server that is no gateway may answer with a whole page."""


def ask_here(loaded: Loaded, source: str, output: str) -> int:
    """Ask the question in ``source`` (a file, ``-``: standard input), write the answer to ``output``; 1 on failure."""
    recording, file = _read(source), AnswerFile(output)
    gateway = build(loaded)
    gateway.preflight()
    for note in start_notes([gateway.routes[0].route]):
        print(note, file=sys.stderr)
    try:
        asyncio.run(_ask_here(gateway, recording, file))
    except (AdapterError, NoAnswer) as error:
        return failed(str(error))
    return 0


async def _ask_here(gateway: Gateway, recording: bytes, file: AnswerFile) -> None:
    history = build_history(gateway.settings)
    decoder = DecoderPool(max_seconds=gateway.settings.max_audio_seconds)
    tell_downloads()
    try:
        await gateway.warm_up()
        request = TurnRequest(
            caller=ANYONE,
            audio=partial(decoder.decode, recording),
            conversation=ConversationRef(keep=False),
        )
        turn = Turns(history, log_turn).begin(request, gateway.admit(None, ANYONE), Stopwatch())
        with file, Printed() as printed:
            audio = encoded(turn.events(), file.wire_format, turn.sample_rate, audio_only=True)
            async with aclosing(audio) as events:
                async for event, data in events:
                    file.write(data)
                    match event:
                        case TranscriptFinished():
                            printed.heard(event.text)
                        case llm.TextDelta():
                            printed.text(event.text)
                        case TurnFinished():
                            printed.finished(stage_times(event.outcome.timings))
        print(file.summary())
    finally:
        await gateway.aclose()
        await decoder.aclose()
        await history.aclose()


def tell_downloads() -> None:
    """Say on standard error how far downloads of weights are; everything else that is logged stays out of the way."""
    told = logging.StreamHandler(sys.stderr)
    told.setFormatter(logging.Formatter("%(message)s"))
    weights.log.addHandler(told)
    weights.log.setLevel(logging.INFO)


def ask_gateway(url: str, source: str, output: str, fields: dict[str, str], key: str | None = None) -> int:
    """The same turn at the gateway behind ``url`` (…/v1); ``fields`` go along with the recording.

    ``key`` is shown to it. 1 on failure.
    """
    url = gateway_address(url)
    recording, file = _read(source), AnswerFile(output)
    try:
        answer = remote_answer(url, recording, {**fields, "response_format": file.wire_format}, key)
        with file, Printed() as printed, closing(answer) as events:
            for event in events:
                match event:
                    case Sound():
                        file.write(event.data)
                    case Heard():
                        printed.heard(event.text)
                    case Written():
                        printed.text(event.text)
                    case Done():
                        printed.finished(event.times)
                    case _:
                        assert_never(event)
    except NoAnswer as error:
        return failed(str(error))
    print(file.summary())
    return 0


def _read(source: str) -> bytes:
    if source == "-" and sys.stdin is None:
        raise SettingsError("Cannot read '-': standard input is closed.")
    try:
        with sys.stdin.buffer if source == "-" else Path(source).open("rb") as file:
            recording = file.read(MAX_AUDIO_BYTES + 1)  # a device may never end
    except (OSError, ValueError) as error:
        raise SettingsError(f"Cannot read {source!r}: {getattr(error, 'strerror', None) or error}.") from None
    if len(recording) > MAX_AUDIO_BYTES:
        raise SettingsError(f"Cannot ask {source!r}: it is larger than the {MAX_AUDIO_BYTES} bytes of a recording.")
    return recording


def failed(message: str) -> int:
    """Print why a command failed, on a line, and give its exit status."""
    print(f"speech-to-speech: {' '.join(message.split())[:LONGEST_MESSAGE]}", file=sys.stderr)
    return 1


class Printed:
    """What was heard and what is answered, on standard output; leaving it ends a line that a failure left open."""

    def __init__(self) -> None:
        self._line_is_open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        if self._line_is_open:
            print(flush=True)

    def heard(self, text: str) -> None:
        """Print the transcript, and begin the line of the answer."""
        print(f"heard:  {text}\nanswer: ", end="", flush=True)
        self._line_is_open = True

    def text(self, delta: str) -> None:
        """Print more of the answer."""
        print(delta, end="", flush=True)
        self._line_is_open = True

    def finished(self, times: StageTimes) -> None:
        """Print how long the stages took."""
        stages = {
            "recognition": times.stt_ms,
            "model": times.llm_first_ms,
            "synthesis": times.tts_first_ms,
            "first audio after": times.first_audio_ms,
            "all": times.total_ms,
        }
        print(f"\ntime:   {', '.join(f'{stage} {ms:.0f} ms' for stage, ms in stages.items() if ms is not None)}")
        self._line_is_open = False
