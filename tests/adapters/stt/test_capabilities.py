"""What an engine cannot do is refused, and what has no effect is named."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.contract import stt
from adapters.contract.errors import Unsupported
from adapters.stt import capabilities

INFO = stt.Info(sample_rate=16_000, languages=("en", "de", *"abcdefghijk"))


async def nothing() -> AsyncIterator[bytes]:
    yield b""


def request(**wanted: Any) -> stt.Request:
    return stt.Request(audio=nothing(), **wanted)


@pytest.mark.parametrize("param", ["word_times", "segment_times", "translate"])
def test_what_it_lacks_is_refused_with_the_way_out(param: str) -> None:
    able = stt.Info(sample_rate=16_000, word_times=True, segment_times=True, translation=True)
    capabilities.check(able, request(**{param: True}), adapter="x", way_out="do this")
    capabilities.check(INFO, request(), adapter="x", way_out="do this")
    with pytest.raises(Unsupported, match=r"; do this\.$") as raised:
        capabilities.check(INFO, request(**{param: True}), adapter="x", way_out="do this")
    assert raised.value.param == param


def test_languages() -> None:
    known = [capabilities.known_language(INFO, name, adapter="x") for name in (None, "de", "de-AT", "EN_us")]
    assert known == [None, "de", "de", "en"]
    anything = stt.Info(sample_rate=16_000)
    assert capabilities.known_language(anything, "tlh", adapter="x") == "tlh"
    with pytest.raises(Unsupported, match="not understand 'fr-FR', only en, de, a, b, c, d, e, f, g, h and others"):
        capabilities.known_language(INFO, "fr-FR", adapter="x")


def test_only_what_is_set_is_named_as_ignored() -> None:
    names = ("prompt", "temperature")
    assert capabilities.ignored(request(), names) == ()
    assert capabilities.ignored(request(prompt="", temperature=0.0), names) == ("temperature",)
    assert capabilities.ignored(request(prompt="x", temperature=0.1), ("prompt",)) == ("prompt",)
