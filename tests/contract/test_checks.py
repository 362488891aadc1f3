"""The checks themselves: correct engines pass, and each check catches engines that break the contract in one way."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

import pytest

from adapters.contract import checks, llm, stt, tts
from adapters.contract.checks import detectors, streams, synthesisers
from adapters.contract.engine import Started
from tests.contract import broken_detectors, broken_engines, broken_synthesisers, llm_rigs
from tests.contract.broken_engines import FINISHED

BROKEN: dict[checks.Check, tuple[type[broken_engines.Engine], ...]] = {
    streams.check_grammar: (broken_engines.Silent, broken_engines.Lingering),
    streams.check_lazy: (broken_engines.Eager, broken_engines.EagerLater),
    streams.check_early_close: (broken_engines.Leaking,),
    streams.check_cancel: (broken_engines.Leaking,),
    streams.check_two_streams: (broken_engines.Mixing, broken_engines.Remembering),
    streams.check_slow_reader: (
        broken_engines.Running,
        broken_engines.TakingTooMuch,
        broken_engines.Stuck,
        broken_engines.Leaking,
    ),
    streams.check_failures: (
        broken_engines.Wrong,
        broken_engines.Tolerant,
        broken_engines.Foreign,
        broken_engines.Wordless,
    ),
    streams.check_close_engine: (broken_engines.ClosedOnce,),
}
BROKEN_SYNTHESISERS = (
    broken_synthesisers.Credulous,
    broken_synthesisers.Strict,
    broken_synthesisers.OtherWords,
    broken_synthesisers.OtherClass,
    broken_synthesisers.Mute,
)
BROKEN_DETECTORS: dict[checks.DetectorCheck, tuple[type[broken_detectors.Detector], ...]] = {
    detectors.check_any_cut: (broken_detectors.Blockwise,),
    detectors.check_story: (broken_detectors.Repeating, broken_detectors.Foreseeing, broken_detectors.Forgetting),
    detectors.check_silence: (broken_detectors.Hearing,),
    detectors.check_two_detectors: (broken_detectors.Shared,),
    detectors.check_metering: (
        broken_detectors.Blockwise,
        broken_detectors.Percentages,
        broken_detectors.Deaf,
        broken_detectors.Sparing,
    ),
}


def test_every_check_is_seen_to_fail() -> None:
    assert set(BROKEN) == set(checks.CHECKS)
    assert {*BROKEN, synthesisers.check_early_refusal} == set(checks.SYNTHESISER_CHECKS)
    assert set(BROKEN_DETECTORS) == set(checks.DETECTOR_CHECKS)


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("engine", [broken_engines.Engine, broken_engines.Alone, broken_engines.TakingAll])
async def test_a_correct_engine_passes(check: checks.Check, engine: type[broken_engines.Engine]) -> None:
    await check(broken_engines.Rig(engine()))


@pytest.mark.parametrize(
    ("check", "engine"), [(check, engine) for check, engines in BROKEN.items() for engine in engines]
)
async def test_a_broken_engine_is_caught(check: checks.Check, engine: type[broken_engines.Engine]) -> None:
    with pytest.raises((AssertionError, RuntimeError)):
        await check(broken_engines.Rig(engine()))


class ReadAhead:
    """A shipped engine, read ahead without a bound."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.info = engine.info

    async def stream(self, request: Any) -> AsyncGenerator[Any, None]:
        read: asyncio.Queue[Any] = asyncio.Queue()

        async def ahead() -> None:
            async with aclosing(self.engine.stream(request)) as events:
                async for event in events:
                    read.put_nowait(event)
                    await asyncio.sleep(0)

        task = asyncio.create_task(ahead())
        try:
            while True:
                yield await read.get()
        finally:
            task.cancel()
            await asyncio.wait([task])


@pytest.mark.parametrize("name", ["chat-completions", "echo", "responses-api"])
async def test_a_shipped_engine_that_is_read_ahead_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "QUIET_POLLS", 1000)  # on a busy machine it only pauses: it goes on in the end
    async with llm_rigs.RIGS[name]() as rig:
        rig.engine = ReadAhead(rig.engine)
        with pytest.raises(AssertionError, match="the source runs ahead of its reader"):
            await streams.check_slow_reader(rig)


async def test_a_correct_synthesiser_passes() -> None:
    for check in checks.SYNTHESISER_CHECKS:
        await check(broken_synthesisers.Rig(broken_synthesisers.Synthesiser()))


@pytest.mark.parametrize("engine", BROKEN_SYNTHESISERS)
async def test_a_synthesiser_whose_check_and_stream_disagree_is_caught(
    engine: type[broken_synthesisers.Synthesiser],
) -> None:
    with pytest.raises(AssertionError):
        await synthesisers.check_early_refusal(broken_synthesisers.Rig(engine()))


@pytest.mark.parametrize("check", checks.DETECTOR_CHECKS, ids=lambda check: check.__name__)
def test_a_correct_detector_passes(check: checks.DetectorCheck) -> None:
    check(broken_detectors.Rig(broken_detectors.Detector))


@pytest.mark.parametrize(
    ("check", "kind"), [(check, kind) for check, kinds in BROKEN_DETECTORS.items() for kind in kinds]
)
def test_a_broken_detector_is_caught(check: checks.DetectorCheck, kind: type[broken_detectors.Detector]) -> None:
    with pytest.raises(AssertionError):
        check(broken_detectors.Rig(kind))


TEXT = llm.TextDelta(text="hm")
CALL = llm.ToolCallStarted(call_id="1", name="look")
ARGUMENTS = llm.ToolCallDelta(call_id="1", arguments="{}")
CALLED = llm.ToolCallFinished(call_id="1", name="look", arguments="{}")


def faulty(arguments: str, invalid: str | None = None) -> list[Any]:
    finished = llm.ToolCallFinished(call_id="1", name="look", arguments=arguments, invalid=invalid)
    return [CALL, llm.ToolCallDelta(call_id="1", arguments=arguments), finished]


@pytest.mark.parametrize(
    "events",
    [
        [],
        [TEXT, FINISHED],
        [Started(), TEXT],
        [Started(), Started(), FINISHED],
        [Started(), FINISHED, FINISHED],
        [Started(), llm.TextDelta(text=""), FINISHED],
        [Started(), CALL, FINISHED],
        [Started(), CALL, CALL, ARGUMENTS, CALLED, FINISHED],
        [Started(), CALL, CALLED, FINISHED],
        [Started(), CALL, ARGUMENTS, llm.ToolCallFinished(call_id="1", name="see", arguments="{}"), FINISHED],
        *([Started(), *faulty(arguments), FINISHED] for arguments in ("{", "[]")),
        [Started(), tts.AudioChunk(pcm=b"\0\0"), FINISHED],
        [Started(), TEXT, llm.Finished(reason="stop", usage=None)],
    ],
)
def test_a_malformed_answer_is_caught(events: list[Any]) -> None:
    with pytest.raises((AssertionError, KeyError)):
        checks.llm_grammar(events)


def test_a_whole_tool_call_is_well_formed() -> None:
    checks.llm_grammar([Started(), TEXT, CALL, ARGUMENTS, CALLED, FINISHED])
    checks.llm_grammar([Started(), *faulty("{", "The arguments are not JSON."), FINISHED])


HEARD = stt.Finished(language=None, seconds=1.0)


@pytest.mark.parametrize(
    "between",
    [
        [],
        [stt.PartialTranscript(stable="a")],
        [stt.PartialTranscript(stable="ab"), stt.PartialTranscript(stable="a"), stt.FinalTranscript(text="ab")],
        [stt.PartialTranscript(stable="x"), stt.FinalTranscript(text="ab")],
        [stt.FinalTranscript(text="a"), stt.FinalTranscript(text="a")],
    ],
)
def test_a_malformed_transcript_is_caught(between: list[Any]) -> None:
    with pytest.raises(AssertionError):
        checks.stt_grammar([Started(), *between, HEARD])


@pytest.mark.parametrize("pcm", [b"", b"\0"])
def test_a_malformed_chunk_is_caught(pcm: bytes) -> None:
    with pytest.raises(AssertionError):
        checks.tts_grammar([Started(), tts.AudioChunk(pcm=pcm), tts.Finished(seconds=0.0, characters=1)])


def test_a_parser_that_depends_on_the_split_is_caught() -> None:
    def lines(chunks: Iterable[bytes]) -> list[Any]:
        return [line for chunk in chunks for line in chunk.split(b"\n")]

    with pytest.raises(AssertionError):
        checks.check_any_split(lines, b"one\ntwo\n")
