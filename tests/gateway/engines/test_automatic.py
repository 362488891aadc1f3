"""Without a choice the best engine is taken that loads, suits the route and keeps up; the others are closed."""

import logging
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import tts
from adapters.contract.errors import AdapterError, Unavailable, UpstreamError
from adapters.options import BadOption
from gateway.engines.automatic import AutomaticEngine, Contestant
from tests.support.loading import Loading
from tests.support.streams import read

REQUEST = tts.Request(text="A sentence.")


class Voice(Loading, scripted.Scripted[Any, Any, Any]):
    """A synthesiser that takes its time."""

    def __init__(self, *, pause: float = 0.0, lacks: str = "", error: Exception | None = None) -> None:
        working = scripted.synthesiser(scripted.ToneVoice(pause=pause))
        Loading.__init__(self, lacks=lacks, error=error)
        scripted.Scripted.__init__(self, working.info, working.script)


async def trial(engine: Any) -> float:
    """Opens a stream, and needs as long as the voice says."""
    events = await read(engine.stream(REQUEST))
    return sum(len(event.pcm) for event in events if isinstance(event, tts.AudioChunk)) / 48_000


def automatic(*voices: Voice) -> AutomaticEngine:
    return AutomaticEngine("tts", [Contestant(name=f"v{n}", engine=voice) for n, voice in enumerate(voices)], trial)


async def test_the_best_is_taken_and_the_others_are_not_even_loaded(caplog: pytest.LogCaptureFixture) -> None:
    first, second = Voice(), Voice()
    engine = automatic(first, second)
    with caplog.at_level(logging.INFO):
        await engine.warm_up()
    assert (engine.name, first.lives, second.lives) == ("v0", ["loaded"], [])
    assert "--tts auto took v0: 0." in caplog.text
    await read(engine.stream(REQUEST))
    assert first.opened == 2


async def test_what_lacks_a_package_is_passed_over_before_anything_loads(caplog: pytest.LogCaptureFixture) -> None:
    first, second = Voice(lacks="pip install it"), Voice()
    engine = automatic(first, second)
    with caplog.at_level(logging.INFO):
        engine.preflight()
        await engine.warm_up()
    assert (engine.name, first.lives, second.lives) == ("v1", [], ["loaded"])
    assert "--tts auto passes over v0: pip install it" in caplog.text
    with pytest.raises(BadOption, match="also"):
        automatic(Voice(lacks="this"), Voice(lacks="also this")).preflight()


@pytest.mark.parametrize("error", [Unavailable("no weights"), OSError("secret path")])
async def test_what_cannot_be_loaded_is_passed_over_and_closed(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = Voice(error=error), Voice()
    engine = automatic(first, second)
    with caplog.at_level(logging.INFO):
        await engine.warm_up()
    assert (engine.name, first.lives) == ("v1", ["loaded", "closed"])
    assert "secret" not in caplog.text


async def test_what_does_not_keep_up_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    slow, second = Voice(pause=0.5), Voice()
    engine = automatic(slow, second)
    with caplog.at_level(logging.INFO):
        await engine.warm_up()
    assert (engine.name, slow.lives, slow.opened) == ("v1", ["loaded", "closed"], 2)
    assert "--tts auto passes over v0: too slow here" in caplog.text


async def test_a_first_try_that_was_slow_does_not_count() -> None:
    first = Voice(pause=0.5)
    fast = scripted.synthesiser().script

    async def warmer(engine: Any) -> float:
        seconds = await trial(engine)
        engine.script = fast
        return seconds

    engine = AutomaticEngine(
        "tts", [Contestant(name="v0", engine=first), Contestant(name="v1", engine=Voice())], warmer
    )
    await engine.warm_up()
    assert engine.name == "v0"


async def test_the_last_is_taken_without_a_trial_unless_it_cannot_be_loaded() -> None:
    slow = Voice(pause=0.5)
    engine = automatic(Voice(error=Unavailable("no weights")), slow)
    await engine.warm_up()
    assert (engine.name, slow.opened) == ("v1", 0)
    with pytest.raises(AdapterError, match="nothing at all"):
        await automatic(Voice(error=Unavailable("no weights")), Voice(error=UpstreamError("nothing at all"))).warm_up()


async def test_what_gives_no_sound_is_passed_over() -> None:
    async def nothing(_engine: Any) -> float:
        return 0.0

    voices = [Voice(), Voice()]
    engine = AutomaticEngine("tts", [Contestant(name=f"v{n}", engine=one) for n, one in enumerate(voices)], nothing)
    await engine.warm_up()
    assert engine.name == "v1"


async def test_it_is_what_was_taken() -> None:
    first, second = Voice(error=Unavailable("no weights")), Voice()
    engine = automatic(first, second)
    await engine.warm_up()
    assert engine.info is second.info
    assert engine.failure is None
    stream = engine.stream(REQUEST)
    await anext(stream)
    assert second.open == 1
    await stream.aclose()
    assert second.open == 0
    await engine.aclose()
    assert (first.lives[-1], second.lives[-1]) == ("closed", "closed")
