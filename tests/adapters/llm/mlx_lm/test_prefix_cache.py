"""What was computed of a conversation is not computed again."""

from contextlib import aclosing
from pathlib import Path

from adapters.contract import llm
from adapters.llm.mlx_lm.adapter import MlxLanguageModel
from tests.models.training_data import CAPITAL, FOREVER
from tests.support.answers import answer, message, request, text_of, usage_of
from tests.support.mlx_engine import loaded

STORY = "tell me a story"


async def test_the_beginning_of_a_conversation_is_not_computed_again(engine: MlxLanguageModel) -> None:
    first = await answer(engine, request("my name is Ada"))
    turns = request("my name is Ada", message("assistant", text_of(first)), "what is my name")
    assert usage_of(first).cached_tokens == 0
    for _ in range(2):  # the second time the whole prompt is there, and its last token is read all the same
        second = await answer(engine, turns)
        assert text_of(second) == "Your name is Ada."
        assert 30 <= usage_of(second).cached_tokens < usage_of(second).input_tokens


async def test_an_interrupted_answer_leaves_its_conversation_computed(engine: MlxLanguageModel) -> None:
    async with aclosing(engine.stream(request(FOREVER))) as stream:
        async for event in stream:
            if isinstance(event, llm.TextDelta):
                break
    turns = request(FOREVER, message("assistant", " one"), CAPITAL)
    assert usage_of(await answer(engine, turns)).cached_tokens > 25


async def test_only_the_latest_conversations_are_kept(tiny_qwen: Path) -> None:
    again = []
    for kept in (0, 1, 2):
        async with loaded(tiny_qwen, llm_prefix_cache=kept) as engine:
            for question in (CAPITAL, STORY):
                await answer(engine, request(question))
            again.append(usage_of(await answer(engine, request(CAPITAL))).cached_tokens)
    nothing, common, whole = again
    assert nothing == 0 < common < 30 < whole  # of 39 tokens
