"""Both adapters over a real socket: what is sent, what comes back, and when."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.checks import check_any_split, llm_grammar, read
from adapters.contract.engine import Started
from adapters.contract.errors import Unavailable, Unsupported, UpstreamError
from adapters.llm.chat_completions.adapter import ChatCompletions
from adapters.llm.chat_completions.events import ChatCompletionReader
from adapters.llm.responses.adapter import Responses
from adapters.llm.responses.events import ResponsesReader
from adapters.upstream import UpstreamClient, UpstreamOptions
from adapters.upstream.sse import SseParser
from tests.support.upstream_server import Exchange, UpstreamServer, replies, sse, streams

Engine = ChatCompletions | Responses
REQUEST = llm.Request(
    model="m",
    messages=(llm.Message(role="user", parts=(llm.Text(text="hi"),)),),
    reasoning=llm.Reasoning(disabled=True),
)
EVENTS = [
    Started(),
    llm.TextDelta(text="hel"),
    llm.TextDelta(text="lo"),
    llm.Finished(reason="stop", usage=llm.Usage(input_tokens=1, output_tokens=2)),
]

CHAT = (
    {"choices": [{"delta": {"content": "hel"}}]},
    {"choices": [{"delta": {"content": "lo"}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
)
RESPONSE: dict[str, Any] = {"status": "completed", "usage": {"input_tokens": 1, "output_tokens": 2}}
RESPONSES = (
    {"type": "response.output_text.delta", "delta": "hel"},
    {"type": "response.output_text.delta", "delta": "lo"},
    {"type": "response.completed", "response": RESPONSE},
)
BOTH = [
    pytest.param(ChatCompletions, CHAT, id="chat-completions"),
    pytest.param(Responses, RESPONSES, id="responses-api"),
]


def engine(kind: Callable[[UpstreamOptions], Engine], server: UpstreamServer, **options: Any) -> Engine:
    return kind(UpstreamOptions(responses_api_base_url=server.base_url, **options))


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize(("kind", "answer"), BOTH)
async def test_a_streamed_answer(kind: type[Engine], answer: tuple[Any, ...], done: bool) -> None:
    script = streams(*answer, *(["[DONE]"] if done else []))
    async with UpstreamServer(script) as server, aclosing(engine(kind, server)) as model:
        events = await read(model.stream(REQUEST))
        llm_grammar(events)
        assert events == EVENTS
        assert server.exchanges[0].json["stream"] is True


async def test_paths() -> None:
    for kind, path in ((ChatCompletions, "/v1/chat/completions"), (Responses, "/v1/responses")):
        async with UpstreamServer() as server, aclosing(engine(kind, server)) as model:
            with pytest.raises(UpstreamError):
                await read(model.stream(REQUEST))
            assert server.exchanges[0].path == path


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (ChatCompletions, {"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}], "usage": {}}),
        (Responses, RESPONSE | {"output": [{"type": "message", "content": [{"text": "hello"}]}]}),
    ],
)
async def test_an_answer_in_one_piece(kind: type[Engine], body: Any) -> None:
    async with (
        UpstreamServer(replies(200, body)) as server,
        aclosing(engine(kind, server, responses_api_stream=False)) as model,
    ):
        events = await read(model.stream(REQUEST))
        llm_grammar(events)
        assert events[1] == llm.TextDelta(text="hello")
        assert server.exchanges[0].json["stream"] is False


@pytest.mark.parametrize(("kind", "answer"), BOTH)
async def test_each_event_is_there_as_soon_as_the_server_has_said_it(
    kind: type[Engine], answer: tuple[Any, ...]
) -> None:
    steps: asyncio.Queue[Any] = asyncio.Queue()

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        while step := await steps.get():
            await exchange.events(step)
        await exchange.finish()

    async with (
        UpstreamServer(script) as server,
        aclosing(engine(kind, server)) as model,
        aclosing(model.stream(REQUEST)) as stream,
    ):
        steps.put_nowait(answer[0])
        assert [await anext(stream), await anext(stream)] == EVENTS[:2]
        steps.put_nowait(answer[1])
        assert await anext(stream) == EVENTS[2]
        for step in (answer[2], None):
            steps.put_nowait(step)
        assert await anext(stream) == EVENTS[3]
        assert server.open_streams == 0  # Finished means released
        assert await anext(stream, None) is None


@pytest.mark.parametrize(("kind", "answer"), BOTH)
async def test_an_answer_that_is_cut_short_is_not_complete(kind: type[Engine], answer: tuple[Any, ...]) -> None:
    async with UpstreamServer(streams(answer[0])) as server, aclosing(engine(kind, server)) as model:
        with pytest.raises(UpstreamError, match="in the middle"):
            await read(model.stream(REQUEST))


@pytest.mark.parametrize(("kind", "answer"), BOTH)
async def test_an_answer_that_ends_with_done_is_complete(kind: type[Engine], answer: tuple[Any, ...]) -> None:
    async with UpstreamServer(streams(*answer[:2], " [DONE]")) as server, aclosing(engine(kind, server)) as model:
        *_, last = await read(model.stream(REQUEST))
        assert (type(last), last.reason) == (llm.Finished, "stop")


@pytest.mark.parametrize(("kind", "answer"), BOTH)
async def test_an_error_in_the_middle_comes_after_what_was_said(kind: type[Engine], answer: tuple[Any, ...]) -> None:
    error = {"error": {"message": "down", "code": 503}}
    async with (
        UpstreamServer(streams(answer[0], error)) as server,
        aclosing(engine(kind, server)) as model,
        aclosing(model.stream(REQUEST)) as stream,
    ):
        assert [await anext(stream), await anext(stream)] == EVENTS[:2]
        with pytest.raises(Unavailable):
            await anext(stream)


@pytest.mark.parametrize(
    ("reader", "answer"),
    [(ChatCompletionReader, (*CHAT, "[DONE]")), (ResponsesReader, RESPONSES)],
    ids=["chat", "responses"],
)
def test_any_split_of_the_bytes_gives_the_same_events(
    reader: type[ChatCompletionReader | ResponsesReader], answer: tuple[Any, ...]
) -> None:
    upstream = UpstreamClient("x", UpstreamOptions(responses_api_base_url="http://localhost:1/v1"))

    def events(chunks: Iterable[bytes]) -> list[llm.Event]:
        parser, state = SseParser(1000), reader(upstream.errors)
        received = [one for chunk in chunks for one in parser.feed(chunk)] + parser.close()
        found = [event for one in received if one.data != b"[DONE]" for event in state.feed(one.data)]
        return [*found, *state.finish()]

    payload = b"".join(sse(event) for event in answer)
    assert events([payload]) == EVENTS[1:]
    check_any_split(events, payload)


async def test_responses_names_what_it_ignores_and_asks_nothing_when_it_cannot() -> None:
    async with UpstreamServer(streams(*RESPONSES)) as server, aclosing(engine(Responses, server)) as model:
        request = llm.Request(model="m", messages=REQUEST.messages, sampling=llm.Sampling(seed=1, stop=("x",)))
        assert (await read(model.stream(request)))[0] == Started(ignored=("stop", "seed"))
        audio = llm.Message(role="user", parts=(llm.Audio(data=b"x", format="wav"),))
        with pytest.raises(Unsupported):
            await read(model.stream(llm.Request(model="m", messages=(audio,))))
        assert len(server.exchanges) == 1


CALLED_BY_CHAT = (
    {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "1", "function": {"name": "f", "arguments": "{}"}}]}}]},
    {"choices": [{"delta": {}, "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
)
CALLED_BY_RESPONSES = (
    {
        "type": "response.output_item.done",
        "item": {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
    },
    RESPONSES[-1],
)


@pytest.mark.parametrize(("kind", "answer"), [(ChatCompletions, CALLED_BY_CHAT), (Responses, CALLED_BY_RESPONSES)])
@pytest.mark.parametrize(
    ("tools", "invalid"),
    [
        ((llm.Tool(name="f"),), None),
        (
            (llm.Tool(name="f", parameters={"type": "object", "required": ["city"]}),),
            "The arguments of the call to 'f' do not match the tool's schema: the object is missing 'city'.",
        ),
        ((llm.Tool(name="g"),), "The model called 'f', which is not among the request's tools."),
        ((), None),
    ],
)
async def test_calls_are_judged_by_the_requests_tools(
    kind: type[Engine], answer: tuple[Any, ...], tools: tuple[llm.Tool, ...], invalid: str | None
) -> None:
    async with UpstreamServer(streams(*answer)) as server, aclosing(engine(kind, server)) as model:
        events = await read(model.stream(llm.Request(model="m", messages=REQUEST.messages, tools=tools)))
    assert [event.invalid for event in events if isinstance(event, llm.ToolCallFinished)] == [invalid]


@pytest.mark.parametrize(("kind", "answer"), [(ChatCompletions, CALLED_BY_CHAT), (Responses, CALLED_BY_RESPONSES)])
async def test_an_answer_past_a_limit_is_the_servers_failure(kind: type[Engine], answer: tuple[Any, ...]) -> None:
    script = streams(*CHAT[:1], *RESPONSES[:1], *(_with_id(answer[0], f"{number}") for number in range(129)))
    async with UpstreamServer(script) as server, aclosing(engine(kind, server)) as model:
        with pytest.raises(UpstreamError) as caught:
            await read(model.stream(REQUEST))
    assert type(caught.value) is UpstreamError
    assert caught.value.adapter == ("chat-completions" if kind is ChatCompletions else "responses-api")
    assert caught.value.message == "The upstream server called more than 128 tools in one answer."


def _with_id(event: Any, call_id: str) -> Any:
    """The same call under another id."""
    return msgspec.json.decode(msgspec.json.encode(event).replace(b'"1"', f'"{call_id}"'.encode()))
