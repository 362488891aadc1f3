"""Answers of the trained model to the letter, together and one at a time, and what closing leaves behind."""

from pathlib import Path
from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.errors import Unavailable, Unsupported
from adapters.llm.transformers.adapter import TransformersLanguageModel
from tests.models.training_data import CAPITAL, FOREVER, THINKING, answer_to
from tests.support.answers import (
    SWITCH,
    answer,
    end_of,
    message,
    open_answers,
    reasoning_of,
    request,
    text_of,
    usage_of,
)
from tests.support.transformers_engine import loaded

STORY = "tell me a story"
LIGHTS = "turn on the lights"


async def test_it_says_what_it_can_do(engine: TransformersLanguageModel) -> None:
    assert engine.info.tools
    assert not engine.info.images
    assert engine.info.context_tokens == 4096
    assert engine.failure is None


async def test_answers_are_exact_to_the_last_character(engine: TransformersLanguageModel) -> None:
    for question in (CAPITAL, STORY, "greet the world"):
        events = await answer(engine, request(question))
        assert text_of(events) == answer_to(question)
        assert end_of(events).reason == "stop"
        usage = usage_of(events)
        assert 0 < usage.output_tokens < 60 > usage.input_tokens > 20


async def test_pieces_come_as_they_are_written(engine: TransformersLanguageModel) -> None:
    events = await answer(engine, request(STORY))
    assert len([event for event in events if isinstance(event, llm.TextDelta)]) > 10


async def test_thinking_is_kept_apart_and_counted(engine: TransformersLanguageModel) -> None:
    events = await answer(engine, request(CAPITAL, reasoning=llm.Reasoning(effort="high")))
    assert (reasoning_of(events).strip(), text_of(events)) == (THINKING, answer_to(CAPITAL))
    usage = usage_of(events)
    assert 0 < usage.reasoning_tokens < usage.output_tokens

    assert not reasoning_of(await answer(engine, request(CAPITAL, reasoning=llm.Reasoning(effort="none"))))


async def test_the_history_decides(engine: TransformersLanguageModel) -> None:
    for name in ("Ada", "Bob"):
        greeting = message("assistant", f"Hello {name}.")
        events = await answer(engine, request(f"my name is {name}", greeting, "what is my name"))
        assert text_of(events) == f"Your name is {name}."


async def test_a_tool_is_called_and_its_result_read(engine: TransformersLanguageModel) -> None:
    events = await answer(engine, request(LIGHTS, tools=(SWITCH,)))
    (call,) = [event for event in events if isinstance(event, llm.ToolCallFinished)]
    assert (call.name, call.arguments, call.invalid) == ("switch", '{"on": true}', None)
    assert end_of(events).reason == "tool_calls"
    assert not text_of(events).strip()

    made = llm.ToolCall(call_id="call_1", name=call.name, arguments=call.arguments)
    done = llm.ToolResult(call_id="call_1", output="done")
    history = (llm.Message(role="assistant", parts=(made,)), llm.Message(role="tool", parts=(done,)))
    assert text_of(await answer(engine, request(LIGHTS, *history, tools=(SWITCH,)))) == "The lights are on."


@pytest.mark.parametrize("choice", ["required", llm.NamedTool(name="switch")])
async def test_a_call_is_forced_where_the_model_would_talk(engine: TransformersLanguageModel, choice: Any) -> None:
    asked = request(CAPITAL, tools=(SWITCH,), tool_choice=choice, max_output_tokens=30)
    events = await answer(engine, asked)
    (call,) = [event for event in events if isinstance(event, llm.ToolCallFinished)]
    assert not text_of(events).strip()
    if choice != "required":
        assert call.name == "switch"


async def test_no_tool_is_called_when_none_may_be(engine: TransformersLanguageModel) -> None:
    events = await answer(engine, request(LIGHTS, tools=(SWITCH,), tool_choice="none", max_output_tokens=30))
    assert not [event for event in events if isinstance(event, llm.ToolCallFinished)]


async def test_the_limit_of_tokens_ends_an_answer(engine: TransformersLanguageModel) -> None:
    events = await answer(engine, request(FOREVER, max_output_tokens=7))
    assert end_of(events).reason == "length"
    assert usage_of(events).output_tokens == 7
    assert answer_to(FOREVER).startswith(text_of(events))


async def test_a_stop_string_ends_an_answer_and_its_generation(engine: TransformersLanguageModel) -> None:
    events = await answer(engine, request(FOREVER, sampling=llm.Sampling(stop=("ur fi",))))
    assert text_of(events) == " one two three fo"
    assert end_of(events).reason == "stop"
    assert open_answers(engine) == 0


async def test_images_need_a_model_that_sees(engine: TransformersLanguageModel) -> None:
    image = llm.Message(role="user", parts=(llm.Image(url="data:image/png;base64,AAAA"),))
    with pytest.raises(Unsupported, match="takes no images"):
        await answer(engine, request(image))


async def test_there_are_no_answers_before_loading_nor_after_closing(tiny_qwen: Path) -> None:
    engine = TransformersLanguageModel(TransformersLanguageModel.Options(model_name=str(tiny_qwen)))
    with pytest.raises(Unavailable):
        await answer(engine, request(CAPITAL))
    await engine.aclose()
    async with loaded(tiny_qwen) as engine:
        await engine.aclose()
        with pytest.raises(Unavailable):
            await answer(engine, request(CAPITAL))
