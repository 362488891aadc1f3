"""A failure is reported to the reader that it concerns; the engine continues, or says that it has failed."""

import pytest

from adapters.contract.errors import Unavailable, UpstreamError
from adapters.llm.mlx_lm.adapter import MlxLanguageModel
from tests.models.training_data import CAPITAL, FOREVER, answer_to
from tests.support.answers import answer, open_answers, request, text_of
from tests.support.mlx_engine import scripted


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
