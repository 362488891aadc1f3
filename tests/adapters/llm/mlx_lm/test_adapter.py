"""Answers of the trained model to the letter, together and one at a time, and what closing leaves behind."""

from pathlib import Path
from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.errors import Unavailable, Unsupported
from adapters.llm.mlx_lm.adapter import MlxLanguageModel
from tests.models.training_data import CAPITAL, FOREVER, THINKING, answer_to
from tests.support.answers import (
    SWITCH,
    answer,
    end_of,
    open_answers,
    reasoning_of,
    request,
    text_of,
    usage_of,
)
from tests.support.mlx_engine import loaded, script

STORY = "tell me a story"
GREETING = "greet the world"
LIGHTS = "turn on the lights"


def calls_of(events: Any) -> list[tuple[str, str, str | None]]:
    return [(e.name, e.arguments, e.invalid) for e in events if isinstance(e, llm.ToolCallFinished)]


async def test_it_says_what_it_takes(engine: MlxLanguageModel) -> None:
    assert engine.info.tools
    assert not engine.info.images
    assert engine.info.context_tokens == 4096
    assert engine.failure is None


async def test_answers_are_exact_to_the_letter_and_come_in_pieces(engine: MlxLanguageModel) -> None:
    for question in (CAPITAL, STORY, GREETING):
        events = await answer(engine, request(question))
        assert text_of(events) == answer_to(question)
        assert end_of(events).reason == "stop"
        assert len([event for event in events if isinstance(event, llm.TextDelta)]) > 5


async def test_thinking_is_kept_apart_and_counted(engine: MlxLanguageModel) -> None:
    events = await answer(engine, request(CAPITAL, reasoning=llm.Reasoning(effort="high")))
    assert (reasoning_of(events).strip(), text_of(events)) == (THINKING, answer_to(CAPITAL))
    assert 0 < usage_of(events).reasoning_tokens < usage_of(events).output_tokens


async def test_a_tool_is_called_and_its_result_read(engine: MlxLanguageModel) -> None:
    events = await answer(engine, request(LIGHTS, tools=(SWITCH,)))
    assert calls_of(events) == [("switch", '{"on": true}', None)]
    assert end_of(events).reason == "tool_calls"
    made = llm.ToolCall(call_id="call_1", name="switch", arguments='{"on": true}')
    done = llm.ToolResult(call_id="call_1", output="done")
    history = (llm.Message(role="assistant", parts=(made,)), llm.Message(role="tool", parts=(done,)))
    assert text_of(await answer(engine, request(LIGHTS, *history, tools=(SWITCH,)))) == "The lights are on."


async def test_a_call_is_forced_where_the_model_would_talk(engine: MlxLanguageModel) -> None:
    choice = llm.NamedTool(name="switch")
    events = await answer(engine, request(CAPITAL, tools=(SWITCH,), tool_choice=choice, max_output_tokens=30))
    assert [name for name, _, _ in calls_of(events)] == ["switch"]
    assert not text_of(events).strip()


async def test_what_generation_really_emits_is_parsed(
    engine: MlxLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [f'<tool_call>\n{{"name": "switch", "arguments": {{"on": {on}}}}}\n</tool_call>' for on in ("true", "3")]
    script(monkeypatch, engine, f"<think>\nHm, 世界.\n</think>\n\nWell: {''.join(calls)}")
    events = await answer(engine, request(CAPITAL, tools=(SWITCH,), reasoning=llm.Reasoning(effort="high")))
    assert reasoning_of(events).strip() == "Hm, 世界."
    assert text_of(events).strip() == "Well:"
    (right, wrong) = calls_of(events)
    assert right == ("switch", '{"on": true}', None)
    assert wrong[:2] == ("switch", '{"on": 3}')
    assert wrong[2]


async def test_special_tokens_are_never_said(engine: MlxLanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, engine, "one<|im_start|> two<|endoftext|> three")
    assert text_of(await answer(engine, request(CAPITAL))) == "one two three"


async def test_the_limit_of_tokens_ends_an_answer(engine: MlxLanguageModel) -> None:
    events = await answer(engine, request(FOREVER, max_output_tokens=7))
    assert (end_of(events).reason, usage_of(events).output_tokens) == ("length", 7)
    assert answer_to(FOREVER).startswith(text_of(events))


async def test_a_stop_string_ends_an_answer_and_its_generation(engine: MlxLanguageModel) -> None:
    events = await answer(engine, request(FOREVER, sampling=llm.Sampling(stop=("ur fi",))))
    assert (text_of(events), end_of(events).reason) == (" one two three fo", "stop")
    assert open_answers(engine) == 0


async def test_images_are_refused(engine: MlxLanguageModel) -> None:
    image = llm.Message(role="user", parts=(llm.Image(url="data:image/png;base64,AAAA"),))
    with pytest.raises(Unsupported, match="takes no images"):
        await answer(engine, request(image))


async def test_there_are_no_answers_before_loading_nor_after_closing(tiny_qwen: Path) -> None:
    engine = MlxLanguageModel(MlxLanguageModel.Options(model_name=str(tiny_qwen)))
    with pytest.raises(Unavailable):
        await answer(engine, request(CAPITAL))
    await engine.aclose()
    async with loaded(tiny_qwen) as engine:
        await engine.aclose()
        with pytest.raises(Unavailable):
            await answer(engine, request(CAPITAL))
