"""Answers of the trained model to the letter, together and one at a time, and what closing leaves behind."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.contract.errors import TooLong, Unavailable, Unsupported, UpstreamError
from adapters.llm.mlx_lm.adapter import MlxLanguageModel
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
from tests.support.mlx_engine import loaded, script, scripted

STORY = "tell me a story"
GREETING = "greet the world"
LIGHTS = "turn on the lights"


@pytest.fixture(params=[8, 1], ids=["together", "alone"])
async def engine(request: pytest.FixtureRequest, tiny_qwen: Path) -> AsyncGenerator[MlxLanguageModel, None]:
    async with loaded(tiny_qwen, llm_max_parallel=request.param) as engine:
        assert engine.info.max_parallel == request.param
        yield engine


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


async def test_many_callers_never_mix(tiny_qwen: Path) -> None:
    questions = [CAPITAL, STORY, GREETING, "my name is Ada", "my name is Bob"] * 4
    for parallel in (3, 1):  # more callers than places, as when the gateway did not queue them
        async with loaded(tiny_qwen, llm_max_parallel=parallel) as engine:
            answers = await asyncio.gather(*(answer(engine, request(question)) for question in questions))
            assert [text_of(events) for events in answers] == [answer_to(question) for question in questions]
            assert open_answers(engine) == 0


async def test_a_reader_that_leaves_frees_its_place_and_the_others_go_on(tiny_qwen: Path) -> None:
    async with loaded(tiny_qwen, llm_max_parallel=2) as engine:
        endless = request(FOREVER, max_output_tokens=4000)
        async with aclosing(engine.stream(endless)) as leaving, aclosing(engine.stream(endless)) as staying:
            for stream in (leaving, staying):
                assert isinstance(await anext(stream), Started)
                assert isinstance(await anext(stream), llm.TextDelta)
            await leaving.aclose()
            assert open_answers(engine) == 1
            assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)
            assert isinstance(await anext(staying), llm.TextDelta)
            assert open_answers(engine) == 1
        assert open_answers(engine) == 0


async def test_a_reader_that_does_not_read_holds_nobody_up(tiny_qwen: Path) -> None:
    async with loaded(tiny_qwen) as engine, aclosing(engine.stream(request(FOREVER, max_output_tokens=300))) as slow:
        await anext(slow)
        await anext(slow)
        assert text_of(await answer(engine, request(STORY))) == answer_to(STORY)
        events = [event async for event in slow]
        assert usage_of(events).output_tokens == 300


async def test_a_conversation_that_is_too_long_is_refused_with_the_numbers(engine: MlxLanguageModel) -> None:
    with pytest.raises(TooLong, match=r"has \d{4,} tokens; the model takes 4096") as refused:
        await answer(engine, request("hello " * 4000))
    assert refused.value.code == "context_length_exceeded"


async def test_an_answer_ends_where_the_context_does(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for parallel in (8, 1):
        async with loaded(tiny_llama, llm_max_parallel=parallel) as engine:
            scripted(monkeypatch, lambda written: 60 + written % 100)
            events = await answer(engine, request("hello"))
            assert end_of(events).reason == "length"
            assert usage_of(events).input_tokens + usage_of(events).output_tokens == engine.info.context_tokens


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


async def test_a_model_without_attention_is_written_together_too(tiny_mamba: Path) -> None:
    async with loaded(tiny_mamba, llm_max_parallel=4) as engine:
        assert engine.info.max_parallel == 4
        questions = [request(text, max_output_tokens=12) for text in ("hello", "how are you today?", "fox")]
        alone = [text_of(await answer(engine, question)) for question in questions]
        together = await asyncio.gather(*(answer(engine, question) for question in questions))
        assert [text_of(events) for events in together] == alone


def test_a_process_ends_cleanly_after_an_engine_was_closed(tiny_qwen: Path) -> None:
    program = (
        "import asyncio\n"
        "from tests.support.answers import answer, request\n"
        "from tests.support.mlx_engine import loaded\n"
        "async def main():\n"
        f"    async with loaded({str(tiny_qwen)!r}) as engine:\n"
        "        await answer(engine, request('count', max_output_tokens=3))\n"
        "asyncio.run(main())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
