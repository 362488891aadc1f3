"""The checks of synthesisers: those of every stream, and that ``check`` and ``stream`` refuse alike."""

from collections.abc import Iterator
from itertools import product
from typing import Any

from adapters.contract import tts
from adapters.contract.checks.rig import Check, Rig, read
from adapters.contract.checks.streams import CHECKS
from adapters.contract.errors import AdapterError, InvalidRequest

UNKNOWN = "no such thing"
"""No engine has a voice or a language of this name."""

SPEEDS = (0.25, 1.0, 4.0, 0.0, -1.0, 100.0, float("nan"))
LANGUAGES = (None, "en", "de", "zz", UNKNOWN)

Refusal = tuple[type[AdapterError], str, str | None]


async def check_early_refusal(rig: Rig) -> None:
    """What ``check`` refuses ``stream`` refuses in the same way; what it accepts is spoken.

    A request that ``stream`` alone refuses has no voice, speed or language of its own: the refusal has another reason.
    """
    for request in (rig.request(0), rig.request(1), *_variants(rig)):
        await _compare(rig, request, early=True)
    for failure in rig.failures:
        request = failure.request()
        await _compare(rig, request, early=(request.voice, request.speed, request.language) != (None, 1.0, None))


async def _compare(rig: Rig, request: tts.Request, *, early: bool) -> None:
    told, raised = _refusal_of_check(rig, request), await _refusal_of_stream(rig, request)
    if early or told is not None:
        assert told == raised, f"{request!r}: check says {told}, stream says {raised}"


def _variants(rig: Rig) -> Iterator[tts.Request]:
    """A short text in known and unknown voices, languages and speeds."""
    info: tts.Info = rig.engine.info
    voices = (None, info.default_voice, *info.voices[:2], *list(info.aliases)[:1], UNKNOWN)
    for voice, language in product(dict.fromkeys(voices), LANGUAGES):
        yield tts.Request(text="One.", voice=voice, language=language)
    for speed in SPEEDS:
        yield tts.Request(text="One.", speed=speed)


def _refusal_of_check(rig: Rig, request: tts.Request) -> Refusal | None:
    try:
        rig.engine.check(request)
    except AdapterError as error:
        return _refusal(error)
    return None


async def _refusal_of_stream(rig: Rig, request: tts.Request) -> Refusal | None:
    try:
        events: list[Any] = await read(rig.engine.stream(request))
    except AdapterError as error:
        return _refusal(error)
    assert any(isinstance(event, tts.AudioChunk) for event in events), f"{request!r} was accepted and is silent"
    return None


def _refusal(error: AdapterError) -> Refusal:
    return type(error), error.message, error.param if isinstance(error, InvalidRequest) else None


SYNTHESISER_CHECKS: tuple[Check, ...] = (*CHECKS, check_early_refusal)
