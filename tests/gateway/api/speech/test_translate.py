"""What is asked of a speech, and what it costs."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.errors import InvalidRequest
from gateway.access.caller import ANYONE
from gateway.api.speech.schema import SpeechRequest
from gateway.api.speech.translate import speech_turn_request, usage_of_speech
from gateway.turns.speech_turn import SpeechTurnRequest


def test_every_field_arrives() -> None:
    fields = {"input": "Hi", "voice": {"id": "nova"}, "speed": 2.0, "language": "de", "instructions": "Whisper."}
    assert speech_turn_request(msgspec.convert(fields, SpeechRequest), ANYONE, 10) == SpeechTurnRequest(
        caller=ANYONE, text="Hi", voice="nova", speed=2.0, language="de", instructions="Whisper."
    )


@given(st.text(max_size=12))
def test_the_limit_is_in_characters(text: str) -> None:
    if 0 < len(text) <= 10:
        assert speech_turn_request(SpeechRequest(input=text), ANYONE, 10).text == text
        return
    with pytest.raises(InvalidRequest) as refusal:
        speech_turn_request(SpeechRequest(input=text), ANYONE, 10)
    assert refusal.value.param == "input"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("Hello there.", 3), ("你好。", 3), ("Привет, мир!", 4), (" \n", 0), ("A你b", 3), ("it's 5", 4)],
)
def test_input_is_counted_in_words_and_signs(text: str, tokens: int) -> None:
    assert usage_of_speech(SpeechRequest(input=text), 0).input_tokens == tokens


@given(st.text(max_size=50))
def test_no_visible_character_is_free(text: str) -> None:
    tokens = usage_of_speech(SpeechRequest(input=text), 0).input_tokens
    assert bool(tokens) == bool(text.strip())
    assert tokens <= len(text)


def test_output_is_counted_by_its_length_and_instructions_count_too() -> None:
    usage = usage_of_speech(SpeechRequest(input="Hi", instructions="Be kind."), 5.01)
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (4, 101, 105)
