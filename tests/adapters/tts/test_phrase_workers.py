"""Utterances spoken phrase by phrase in worker processes: texts that end them, models that do not load."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.contract import tts
from adapters.contract.errors import Unavailable, UpstreamError
from adapters.tts.phrase_workers import PhraseWorkers, Speaker

RATE = 16_000

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def spoken(workers: PhraseWorkers, text: str) -> tuple[bytes, tts.Finished]:
    request = tts.Request(text=text)
    async with aclosing(workers.stream(request, Speaker(voice="v"), RATE)) as stream:
        _, *chunks, finished = [event async for event in stream]
    assert isinstance(finished, tts.Finished)
    return b"".join(event.pcm for event in chunks if isinstance(event, tts.AudioChunk)), finished


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers() -> AsyncIterator[PhraseWorkers]:
    """Workers that make 10 ms of a loud tone of each character, divided by the speed, and end at "crash"."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        workers = PhraseWorkers("tone_worker:synthesiser", "tone", adapter="tone")
        async with aclosing(workers):
            await workers.warm_up()
            yield workers


async def test_each_phrase_is_spoken(workers: PhraseWorkers) -> None:
    pcm, finished = await spoken(workers, "One sentence here. Another sentence here.")
    assert len(pcm) == 2 * 41 * RATE // 100
    assert (round(finished.seconds, 6), finished.characters) == (0.41, 41)


async def test_4096_characters_without_a_full_stop_come_phrase_by_phrase(workers: PhraseWorkers) -> None:
    pcm, _ = await spoken(workers, ("word " * 820)[:4096])
    assert len(pcm) == pytest.approx(2 * 40.96 * RATE, rel=0.01)


async def test_a_text_that_ends_its_worker_fails_alone(workers: PhraseWorkers) -> None:
    failing = asyncio.create_task(spoken(workers, "This will crash."))
    for _ in range(10):
        await spoken(workers, "And this will not.")
    with pytest.raises(UpstreamError, match="failed on a text") as raised:
        await failing
    assert "crash" not in raised.value.message
    await spoken(workers, "Nor will this.")


@pytest.mark.parametrize(
    ("kind", "words"), [("damaged", "^The model is damaged"), ("dead", "its worker process ended")]
)
async def test_a_model_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch, kind: str, words: str) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    async with aclosing(PhraseWorkers("tone_worker:synthesiser", kind, adapter="tone")) as workers:
        with pytest.raises(Unavailable, match=words):
            await workers.warm_up()
