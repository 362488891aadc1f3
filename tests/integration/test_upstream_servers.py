"""The same conversations through our adapters with every real server; answers must match exactly.

``servers.py`` lists the differences between servers. The model thinks before it answers unless thinking is off.
"""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest

from adapters import registry
from adapters.contract import llm
from adapters.contract.checks import llm_grammar, read
from adapters.contract.errors import UpstreamError
from adapters.upstream import UpstreamOptions
from gateway.engines.build import build
from gateway.settings.load import load
from tests.integration.servers import MODEL, SERVERS, Server
from tests.models.training_data import CAPITAL, FOREVER, SYSTEM, THINKING, TOOL, answer_to
from tests.support.server import events_in, question, served

pytestmark = pytest.mark.timeout(300)  # the first test of a server waits until it has loaded the model

CHAT, RESPONSES = "chat-completions", "responses-api"
STORY = "tell me a story"
LIGHTS = "turn on the lights"


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """A running server, and the backend that sends requests to it."""

    server: Server
    backend: str
    base_url: str

    @asynccontextmanager
    async def model(self, *, stream: bool = True) -> AsyncGenerator[llm.LanguageModel, None]:
        options = UpstreamOptions(responses_api_base_url=self.base_url, responses_api_stream=stream)
        async with aclosing(registry.adapter_class("llm", self.backend)(options)) as model:
            await model.warm_up()
            yield model

    async def answer(self, request: llm.Request, *, stream: bool = True) -> Sequence[llm.Event]:
        """Every event of an answer, checked against the contract's grammar."""
        async with self.model(stream=stream) as model:
            events = await read(model.stream(request))
        end = end_of(events)
        if stream and not self.server.streams_usage:
            assert end.usage is None
            end = msgspec.structs.replace(end, usage=llm.Usage(input_tokens=0, output_tokens=0))
        llm_grammar([*events[:-1], end])
        return events


@pytest.fixture(
    params=[
        ("transformers_serve", CHAT),
        ("transformers_serve", RESPONSES),
        ("mlx_lm", CHAT),
        ("llama_cpp_python", CHAT),
    ],
    ids="/".join,
)
def upstream(request: pytest.FixtureRequest) -> Upstream:
    name, backend = request.param
    return Upstream(server=SERVERS[name], backend=backend, base_url=request.getfixturevalue(name))


def said(role: str, text: str) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=text),))


def asking(*messages: llm.Message | str, **fields: Any) -> llm.Request:
    """A request that switches thinking off, with texts as the user's messages."""
    conversation = [said("user", message) if isinstance(message, str) else message for message in messages]
    defaults: dict[str, Any] = {"model": MODEL, "reasoning": llm.Reasoning(disabled=True)}
    return llm.Request(messages=(said("system", SYSTEM), *conversation), **(defaults | fields))


def text_of(events: Sequence[llm.Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, llm.TextDelta))


def thinking_of(events: Sequence[llm.Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, llm.ReasoningDelta)).strip()


def end_of(events: Sequence[llm.Event]) -> llm.Finished:
    finished = events[-1]
    assert isinstance(finished, llm.Finished)
    return finished


@pytest.mark.parametrize("asked", [CAPITAL, STORY, "greet the world"])
async def test_streams_the_exact_answer(upstream: Upstream, asked: str) -> None:
    events = await upstream.answer(asking(asked))
    assert text_of(events) == answer_to(asked)
    assert sum(isinstance(event, llm.TextDelta) for event in events) > 3
    assert end_of(events).reason == "stop"


@pytest.mark.parametrize("stream", [True, False])
async def test_counts_tokens(upstream: Upstream, stream: bool) -> None:
    usage = end_of(await upstream.answer(asking(STORY), stream=stream)).usage
    if stream and not upstream.server.streams_usage:
        return
    assert usage
    assert usage.input_tokens > 20
    assert usage.output_tokens > 10


async def test_an_answer_in_one_piece_is_the_same(upstream: Upstream) -> None:
    assert text_of(await upstream.answer(asking(CAPITAL), stream=False)) == answer_to(CAPITAL)


@pytest.mark.parametrize("stream", [True, False])
async def test_thinking_is_never_part_of_the_text(upstream: Upstream, stream: bool) -> None:
    events = await upstream.answer(asking(CAPITAL, reasoning=llm.Reasoning()), stream=stream)
    assert text_of(events) == answer_to(CAPITAL)
    assert thinking_of(events) == THINKING


async def test_thinking_is_switched_off_where_the_server_can(upstream: Upstream) -> None:
    """transformers refuses ``chat_template_kwargs`` on Responses with a 422: the request goes out again without."""
    can = upstream.server.switches_thinking and upstream.backend == CHAT
    assert thinking_of(await upstream.answer(asking(CAPITAL))) == ("" if can else THINKING)


async def test_a_reasoning_effort_does_no_harm(upstream: Upstream) -> None:
    """None of these servers uses it."""
    events = await upstream.answer(asking(CAPITAL, reasoning=llm.Reasoning(effort="none")))
    assert text_of(events) == answer_to(CAPITAL)


@pytest.mark.parametrize("name", ["Ada", "Bob"])
async def test_the_history_is_understood(upstream: Upstream, name: str) -> None:
    history = (f"my name is {name}", said("assistant", f"Hello {name}."), "what is my name")
    assert text_of(await upstream.answer(asking(*history))) == f"Your name is {name}."


@pytest.mark.parametrize("stream", [True, False])
async def test_a_tool_is_called_and_its_result_understood(upstream: Upstream, stream: bool) -> None:
    tools = (llm.Tool(**TOOL),)
    wanted = asking(LIGHTS, tools=tools, tool_choice=upstream.server.tool_choice)
    events = await upstream.answer(wanted, stream=stream)
    (call,) = [event for event in events if isinstance(event, llm.ToolCallFinished)]
    assert (call.name, json.loads(call.arguments)) == ("switch", {"on": True})
    assert text_of(events) == ""
    assert end_of(events).reason == "tool_calls"

    called = llm.ToolCall(call_id=call.call_id, name=call.name, arguments=call.arguments)
    turn = llm.Message(role="assistant", parts=(*end_of(events).extra.get("opaque", ()), called))
    result = llm.Message(role="tool", parts=(llm.ToolResult(call_id=call.call_id, output="done"),))
    history = (LIGHTS, turn, result)
    assert text_of(await upstream.answer(asking(*history, tools=tools), stream=stream)) == "The lights are on."


async def test_an_answer_that_reached_its_limit_says_so(upstream: Upstream) -> None:
    events = await upstream.answer(asking(FOREVER, max_output_tokens=40))
    assert text_of(events).split()[:3] == ["one", "two", "three"]
    # transformers calls every response completed, also one that it cut off.
    assert end_of(events).reason == ("length" if upstream.backend == CHAT else "stop")


async def test_a_server_answers_on_after_streams_were_left(upstream: Upstream) -> None:
    async with upstream.model() as model:
        for _ in range(3):
            async with aclosing(model.stream(asking(FOREVER))) as events:
                async for event in events:
                    if isinstance(event, llm.TextDelta):
                        break
        assert text_of(await read(model.stream(asking(CAPITAL)))) == answer_to(CAPITAL)


async def test_two_streams_at_once(upstream: Upstream) -> None:
    """Both get an answer; if the server ends the first for the second, that is an error and not a short answer."""
    first = FOREVER if upstream.server.cuts_off else STORY
    async with upstream.model() as model, aclosing(model.stream(asking(first))) as slow:
        events = [await anext(slow), await anext(slow)]
        assert text_of(await read(model.stream(asking(CAPITAL)))) == answer_to(CAPITAL)
        if upstream.server.cuts_off:
            with pytest.raises(UpstreamError, match="in the middle"):
                await read(slow)
        else:
            assert text_of([*events, *await read(slow)]) == answer_to(STORY)


async def test_a_model_that_is_not_there(upstream: Upstream) -> None:
    request = asking(CAPITAL, model="nobody/nothing")
    if upstream.server.unknown_model is None:
        assert text_of(await upstream.answer(request)) == answer_to(CAPITAL)
        return
    with pytest.raises(upstream.server.unknown_model) as refused:
        await upstream.answer(request)
    assert refused.type is upstream.server.unknown_model


async def test_a_whole_turn_through_the_gateway(upstream: Upstream) -> None:
    """Embedded recogniser and synthesiser: the spoken words, the words of the model, and their sound."""
    flags = ("--llm_backend", upstream.backend, "--model_name", MODEL, "--init_chat_prompt", SYSTEM)
    gateway = build(load([*flags, "--responses_api_base_url", upstream.base_url], {}))
    async with served(gateway) as address, httpx.AsyncClient(timeout=60) as client:
        answered = await client.post(
            f"{address}/v1/audio/speech-to-speech",
            files={"file": ("question.wav", question(), "audio/wav")},
            data={"stream_format": "sse", "response_format": "pcm"},
        )
    events = list(events_in(answered.text))
    assert [event["text"] for event in events if event["type"].endswith("text.done")] == [CAPITAL, answer_to(CAPITAL)]
    sound = "".join(event["audio"] for event in events if event["type"] == "speech.audio.delta")
    assert len(sound) * 3 / 4 > 24_000 * 2  # more than a second
    assert events[-1]["type"] == "speech.audio.done"
    assert events[-1]["finish_reason"] == "stop"
