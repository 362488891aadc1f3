"""The headers of an answer quote others safely, and say nothing that is not known."""

import math
from typing import Any
from urllib.parse import unquote

import pytest

from gateway.http.headers import LONGEST_VALUE_BYTES, AnswerHead, headers_of
from gateway.telemetry.timings import Timings

NEVER = Timings(stt=None, llm_first=None, tts_first=None, first_audio=None, total=0.5)


def headers(**fields: Any) -> dict[str, str]:
    plain: dict[str, Any] = {
        "response_id": "resp_1",
        "conversation_id": None,
        "transcript": None,
        "ignored": (),
        "timings": NEVER,
    }
    return headers_of(AnswerHead(**{**plain, **fields}))


def quoted(transcript: str) -> dict[str, str]:
    return headers(transcript=transcript)


@pytest.mark.parametrize("character", ["a", "é", "语", "🙂", "\r", " ", ","])
def test_a_long_transcript_is_cut_at_a_character(character: str) -> None:
    size = len(quoted(character)["x-transcript"])
    fitting = math.floor(1500 / size)
    whole = quoted(character * fitting)
    assert "x-transcript-truncated" not in whole
    assert unquote(whole["x-transcript"], errors="strict") == character * fitting
    cut = quoted(character * (fitting + 1))
    assert cut["x-transcript-truncated"] == "true"
    assert unquote(cut["x-transcript"], errors="strict") == character * fitting
    assert cut["x-transcript"].isascii()
    assert cut["x-transcript"].isprintable()


def test_ignored_parameters_are_listed_as_tokens() -> None:
    assert "x-ignored-parameters" not in headers()
    listed = headers(ignored=("top_k", "a b\r\n", "名"))
    assert listed["x-ignored-parameters"] == "top_k, a%20b%0D%0A, %E5%90%8D"
    assert len(headers(ignored=("parameter",) * 1_000)["x-ignored-parameters"]) <= LONGEST_VALUE_BYTES


def test_only_stages_that_are_over_are_in_the_headers() -> None:
    timings = Timings(stt=0.1234, llm_first=None, tts_first=0.01, first_audio=None, total=0.9876)
    assert headers(timings=timings)["server-timing"] == "stt;dur=123.4, tts_first;dur=10.0"
    assert "server-timing" not in headers(timings=None)


def test_ids_are_there_when_there_are_any() -> None:
    assert headers()["x-response-id"] == "resp_1"
    assert "x-conversation-id" not in headers()
    assert headers(conversation_id="conv_1")["x-conversation-id"] == "conv_1"
    assert "x-transcript" not in headers()
