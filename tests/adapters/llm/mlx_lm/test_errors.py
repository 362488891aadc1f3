"""A failure is reported to the reader that it concerns; the engine continues, or says that it has failed."""

import asyncio
from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.errors import Unavailable, UpstreamError
from adapters.llm.mlx_lm.adapter import MlxLanguageModel
from tests.models.training_data import CAPITAL, FOREVER, answer_to
from tests.support.answers import answer, open_answers, request, text_of
from tests.support.mlx_engine import scripted

STORY = "tell me a story"


async def test_a_step_that_fails_is_told_to_those_who_wait_and_the_engine_goes_on(
    engine: MlxLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for failure, kind in (
        (RuntimeError("[malloc] Unable to allocate 9 bytes."), Unavailable),
        (ValueError("what was said"), UpstreamError),
    ):

        def fail(written: int, failure: Exception = failure) -> int:
            if written == 3:
                raise failure
            return 60

        with monkeypatch.context() as patch:
            scripted(patch, fail)
            with pytest.raises(kind) as told:
                await answer(engine, request(FOREVER))
        assert "what was said" not in told.value.message
        assert open_answers(engine) == 0
        assert engine.failure is None
        assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


async def test_a_thread_that_dies_lets_nobody_wait(engine: MlxLanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_written: int) -> int:
        raise SystemExit

    scripted(monkeypatch, fail)
    with pytest.raises(Unavailable, match="SystemExit"):
        await answer(engine, request(CAPITAL))
    assert engine.failure
    with pytest.raises(Unavailable, match="SystemExit"):
        await answer(engine, request(CAPITAL))


async def test_a_lost_device_is_told_to_all_and_for_good(
    engine: MlxLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_written: int) -> int:
        raise RuntimeError("cudaStreamSynchronize(stream) failed: an illegal memory access was encountered")

    scripted(monkeypatch, fail)
    for _ in range(2):
        with pytest.raises(Unavailable, match="has to be restarted"):
            await answer(engine, request(CAPITAL))
    assert engine.failure


SAMPLINGS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "sampled": {"temperature": 0.1},
    "seeded": {"temperature": 0.1, "seed": 1},
    "top_p": {"temperature": 0.1, "top_p": 0.9},
    "penalties": {"frequency_penalty": 0.01, "presence_penalty": 0.01},
}


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS.keys())
async def test_scores_that_are_not_finite_end_that_answer_alone(
    engine: MlxLanguageModel, monkeypatch: pytest.MonkeyPatch, sampling: dict[str, Any], score: float
) -> None:
    asked = request(CAPITAL, sampling=llm.Sampling(**sampling))
    with monkeypatch.context() as patch:
        poison(patch, score)
        both: Any = [answer(engine, asked), answer(engine, request(STORY, max_output_tokens=50))]
        bad, good = await asyncio.gather(*both, return_exceptions=True)
    assert isinstance(bad, UpstreamError)
    assert "not finite" in bad.message
    assert not isinstance(good, BaseException)
    assert text_of(good) == answer_to(STORY)
    assert engine.failure is None
    assert open_answers(engine) == 0
    assert text_of(await answer(engine, asked)) == answer_to(CAPITAL)


async def test_a_tiny_temperature_is_none(engine: MlxLanguageModel) -> None:
    for temperature in (1e-39, 1e-300, 1e-6):
        asked = request(CAPITAL, sampling=llm.Sampling(temperature=temperature))
        assert text_of(await answer(engine, asked)) == answer_to(CAPITAL)


def poison(monkeypatch: pytest.MonkeyPatch, score: float) -> None:
    """Give all tokens this score, from the third one on, in answers that may be as long as the default."""
    from adapters.llm.mlx_lm import sampling  # noqa: PLC0415 - imports mlx

    make = sampling.processors

    def processors(loaded: Any, job: Any, *, seen: int) -> list[Any]:
        def spoil(tokens: Any, logits: Any) -> Any:
            return logits * 0 + score if len(tokens) - seen >= 2 else logits

        wanted = job.settings.max_new_tokens > 50
        return [*make(loaded, job, seen=seen), *([spoil] if wanted else [])]

    monkeypatch.setattr(sampling, "processors", processors)
