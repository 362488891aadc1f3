"""The headers of an answer: each with its description for the API and the way to its value, in one table."""

from collections.abc import Callable, Iterable
from urllib.parse import quote

import msgspec

from gateway.telemetry.timings import Timings

LONGEST_VALUE_BYTES = 1500
"""Of a header that quotes others; servers and proxies refuse headers of more than a few kilobytes."""


class AnswerHead(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when the first byte of an answer is sent."""

    response_id: str | None = None
    conversation_id: str | None = None
    transcript: str | None = None
    ignored: tuple[str, ...]
    timings: Timings | None = None


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """A header: ``value`` gives ``None`` where it is left out; one without ``value`` is set elsewhere."""

    name: str
    description: str
    value: Callable[[AnswerHead], str | None] | None = None


def headers_of(head: AnswerHead) -> dict[str, str]:
    """The headers that ``head`` gives."""
    given = {}
    for header in HEADERS:
        if header.value is not None and (value := header.value(head)) is not None:
            given[header.name] = value
    return given


def _quoted(text: str) -> tuple[str, bool]:
    """``text`` percent-encoded, cut at a character where it is too long for a header; whether it was cut."""
    encoded = ""
    for character in text:
        following = quote(character, safe="")
        if len(encoded) + len(following) > LONGEST_VALUE_BYTES:
            return encoded, True
        encoded += following
    return encoded, False


def _listed(names: Iterable[str]) -> str | None:
    """``names`` percent-encoded, as many as fit."""
    listed = ""
    for name in names:
        following = f", {quote(name, safe='')}" if listed else quote(name, safe="")
        if len(listed) + len(following) > LONGEST_VALUE_BYTES:
            break
        listed += following
    return listed or None


def _stages(timings: Timings) -> str | None:
    """The stages that are over, in the form that browsers show."""
    stages = [
        ("stt", timings.stt),
        ("llm_first", timings.llm_first),
        ("tts_first", timings.tts_first),
        ("first_audio", timings.first_audio),
    ]
    return ", ".join([f"{name};dur={seconds * 1000:.1f}" for name, seconds in stages if seconds is not None]) or None


HEADERS = (
    Header(name="x-request-id", description="Names this request in the gateway's log."),
    Header(
        name="x-response-id",
        description="Names this answer: the next turn's previous_response_id.",
        value=lambda head: head.response_id,
    ),
    Header(
        name="x-conversation-id",
        description="The conversation that the turn is kept in; left out when it is not kept.",
        value=lambda head: head.conversation_id,
    ),
    Header(
        name="x-transcript",
        description="What was heard, percent-encoded UTF-8, at most 1,500 bytes.",
        value=lambda head: None if head.transcript is None else _quoted(head.transcript)[0],
    ),
    Header(
        name="x-transcript-truncated",
        description="true when the transcript is longer than its header.",
        value=lambda head: "true" if head.transcript is not None and _quoted(head.transcript)[1] else None,
    ),
    Header(
        name="x-ignored-parameters",
        description="Parameters that had no effect: unknown, or not honoured by the engines of this route.",
        value=lambda head: _listed(head.ignored),
    ),
    Header(
        name="openai-processing-ms",
        description="Milliseconds until the first byte.",
    ),
    Header(
        name="server-timing",
        description="Milliseconds of the stages stt, llm_first, tts_first and first_audio.",
        value=lambda head: None if head.timings is None else _stages(head.timings),
    ),
)
