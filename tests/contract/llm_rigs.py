"""Rigs of the language models for the contract's checks: each an async context manager that gives a warm engine."""

import asyncio
import pkgutil
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.checks import Failure, Grammar, Rig, llm_grammar
from adapters.contract.errors import (
    AdapterError,
    InvalidRequest,
    Overloaded,
    TooLong,
    Unavailable,
    UnknownModel,
    Unsupported,
    UpstreamError,
)
from adapters.llm.chat_completions.adapter import ChatCompletions
from adapters.llm.echo import Echo, EchoOptions
from adapters.llm.mlx_lm.adapter import MlxLanguageModel
from adapters.llm.responses.adapter import Responses
from adapters.llm.transformers.adapter import TransformersLanguageModel
from adapters.upstream import UpstreamOptions
from tests.support.answers import open_answers
from tests.support.device import DEVICE
from tests.support.upstream_server import Exchange, UpstreamServer, sse


def request(text: str) -> llm.Request:
    """A request for an answer to ``text``."""
    return llm.Request(model="m", messages=(llm.Message(role="user", parts=(llm.Text(text=text),)),))


def _with_a_tool(text: str) -> llm.Request:
    return msgspec.structs.replace(request(text), tools=(llm.Tool(name="f"),))


class Source(msgspec.Struct, kw_only=True):
    """What works behind an engine: it counts the units that it has made, and may be ``ahead`` of a reader by so many.

    ``busy`` says how many streams it is serving, ``endless`` is the question whose answer is as long as it can be.
    """

    ahead: int
    busy: Callable[[], int]
    endless: str = "never end"
    made: int = 0


class LanguageModelRig:
    """One language model and the source behind it."""

    def __init__(self, engine: llm.LanguageModel, failures: Sequence[Failure], source: Source) -> None:
        self.engine: Any = engine
        self.grammar: Grammar = llm_grammar
        self.failures = failures
        self.ahead = source.ahead
        self.busy = source.busy
        self._source = source

    def request(self, number: int) -> llm.Request:
        return request(("say something", "call a tool")[number])

    def answer(self, events: Sequence[Any]) -> Any:
        text = "".join(event.text for event in events if isinstance(event, llm.TextDelta))
        calls = [(event.name, event.arguments) for event in events if isinstance(event, llm.ToolCallFinished)]
        return text, calls, events[-1].reason

    def endless(self) -> llm.Request:
        self._source.made = 0
        return request(self._source.endless)

    def produced(self) -> int:
        return self._source.made


def _refuses(status: int, message: str, code: str | None) -> list[Any]:
    return [(status, {"error": {"message": message, "type": "invalid_request_error", "code": code}})]


# What the server does when it is asked for an answer to a text: answer a status, or stream events. "cut" drops the
# connection.
Answers = dict[str, list[Any]]

ENDLESS = 10_000
"""Events of 10 kB each: more than any buffer takes."""

IN_SOCKETS = 40_000_000
"""Bytes that the kernel's buffers of both sockets may hold, where they are large."""

MOST_TOKENS = 40
"""Tokens of one answer of a local model."""

PROMPT_STEPS = 4
"""The most steps in which a local model reads a short prompt."""

REFUSALS: Answers = {
    "bad request": _refuses(400, "no", None),
    "too long": _refuses(400, "no", "context_length_exceeded"),
    "no such model": _refuses(404, "no", "model_not_found"),
    "bad key": _refuses(401, "no", "invalid_api_key"),
    "too many": _refuses(429, "no", "rate_limit_exceeded"),
    "server error": _refuses(500, "no", None),
    "down": _refuses(503, "no", None),
    "gone": ["cut"],
}

KINDS: dict[str, type[AdapterError]] = {
    "bad request": InvalidRequest,
    "too long": TooLong,
    "no such model": UnknownModel,
    "bad key": UpstreamError,
    "too many": Overloaded,
    "server error": UpstreamError,
    "down": Unavailable,
    "gone": Unavailable,
    "error in the middle": Overloaded,
    "cut in the middle": UpstreamError,
    "ends in the middle": UpstreamError,
    "nonsense in the middle": UpstreamError,
}


def _failing(first: Any) -> Answers:
    """The ways to fail after the first piece."""
    return REFUSALS | {
        "error in the middle": [first, {"error": {"message": "no", "code": 429}}],
        "cut in the middle": [first, "cut"],
        "ends in the middle": [first],
        "nonsense in the middle": [first, "{"],
    }


def _delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields}]}


def _chat() -> Answers:
    usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 5}}
    pieces = [_delta(tool_calls=[{"index": 0, "function": {"arguments": piece}}]) for piece in ('{"a"', ":", "1}")]
    named = {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": ""}}
    done = [_delta() | {"choices": [{"delta": {}, "finish_reason": "stop"}]}, usage, "[DONE]"]
    return _failing(_delta(content="I")) | {
        "say something": [*(_delta(content=f" word{number}") for number in range(8)), *done],
        "never end": [*repeat(_delta(content=" word" * 2000), ENDLESS)],
        "call a tool": [_delta(reasoning_content="hm"), _delta(tool_calls=[named]), *pieces, *done],
    }


def _responses() -> Answers:
    def text(delta: str) -> dict[str, Any]:
        return {"type": "response.output_text.delta", "delta": delta}

    def piece(delta: str) -> dict[str, Any]:
        return {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": delta}

    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"a":1}'}
    added = {"type": "response.output_item.added", "output_index": 0, "item": item | {"arguments": ""}}
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    end = {"type": "response.completed", "response": {"usage": {"input_tokens": 1, "output_tokens": 5}}}
    return _failing(text("I")) | {
        "say something": [*(text(f" word{number}") for number in range(8)), end],
        "never end": [*repeat(text(" word" * 2000), ENDLESS)],
        "call a tool": [added, *map(piece, ('{"a"', ":", "1}")), done, end],
    }


@asynccontextmanager
async def _over_http(engine: Callable[[UpstreamOptions], Any], answers: Answers) -> AsyncGenerator[Rig, None]:
    source = Source(ahead=IN_SOCKETS, busy=lambda: server.open_streams)

    async def script(exchange: Exchange) -> None:
        if exchange.path.endswith("/models"):
            return await exchange.reply(200, {"data": []})
        asked = next(text for text in answers if msgspec.json.encode(text) in exchange.body)
        if isinstance(answers[asked][0], tuple):
            return await exchange.reply(*answers[asked][0])
        for number, step in enumerate(answers[asked]):
            if step == "cut":
                return exchange.cut()
            if number == 0:
                await exchange.start()
            await exchange.events(step)
            source.made += len(sse(step))
            if asked != "never end":
                await asyncio.sleep(0.001)  # still at work when the reader leaves
        return await exchange.finish()

    failures = [Failure(name=name, request=partial(request, name), error=kind) for name, kind in KINDS.items()]
    async with UpstreamServer(script) as server:
        options = UpstreamOptions(responses_api_base_url=server.base_url, responses_api_max_retries=0)
        async with aclosing(engine(options)) as model:
            await model.warm_up()
            yield LanguageModelRig(model, failures, source)


def chat_completions() -> AbstractAsyncContextManager[Rig]:
    """Chat Completions over a real socket."""
    return _over_http(ChatCompletions, _chat())


def responses() -> AbstractAsyncContextManager[Rig]:
    """Responses over a real socket."""
    return _over_http(Responses, _responses())


@asynccontextmanager
async def echo() -> AsyncGenerator[Rig, None]:
    """No model at all."""
    empty = llm.Request(model="m", messages=())
    failures = [
        Failure(name="no message", request=lambda: empty, error=InvalidRequest),
        Failure(name="tools", request=lambda: _with_a_tool("x"), error=Unsupported),
    ]
    source = Source(ahead=1, busy=lambda: 0, endless="word " * 1000)

    class CountedWords:
        """The words of the question, each counted when the engine takes it."""

        def findall(self, text: str) -> Iterator[str]:
            for word in text.split(" "):
                source.made += 1
                yield word or " "

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adapters.llm.echo._WORDS", CountedWords())
        async with aclosing(Echo(EchoOptions())) as engine:
            yield LanguageModelRig(engine, failures, source)


@asynccontextmanager
async def _local(engine_class: Any, forward: str, *packages: str, **flags: Any) -> AsyncGenerator[Rig, None]:
    """An untrained Llama, loaded as any other; ``forward`` is the method that makes one token for each stream."""
    for package in ("torch", "transformers", *packages):
        pytest.importorskip(package, reason=f"needs {package}")
    from tests.models.tiny_random import build_llama  # noqa: PLC0415 - imports torch

    image = llm.Message(role="user", parts=(llm.Image(url="data:image/png;base64,AAAA"),))
    failures = [
        Failure(name="too long", request=partial(request, "word " * 300), error=TooLong),
        Failure(name="images", request=lambda: llm.Request(model="m", messages=(image,)), error=Unsupported),
        Failure(name="tools", request=lambda: _with_a_tool("x"), error=Unsupported),
    ]
    # The engine works for all streams and waits for no reader: it is ahead by the tokens of one answer at most.
    source = Source(ahead=MOST_TOKENS + PROMPT_STEPS, busy=lambda: open_answers(engine))
    computed = pkgutil.resolve_name(forward)

    def counted(*arguments: Any, **keywords: Any) -> Any:
        source.made += 1
        return computed(*arguments, **keywords)

    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(forward, counted)
        build_llama(Path(folder))
        options = engine_class.Options(model_name=folder, llm_gen={"max_new_tokens": MOST_TOKENS}, **flags)
        async with aclosing(engine_class(options)) as engine:
            await engine.warm_up()
            yield LanguageModelRig(engine, failures, source)


def transformers() -> AbstractAsyncContextManager[Rig]:
    """A local model by transformers."""
    forward = "transformers.models.llama.modeling_llama.LlamaModel.forward"
    # An untrained model has close scores: in half precision a batch would round them to other words on a GPU.
    return _local(TransformersLanguageModel, forward, "accelerate", llm_device=DEVICE, llm_torch_dtype="float32")


def mlx_lm() -> AbstractAsyncContextManager[Rig]:
    """A local model by mlx-lm."""
    return _local(MlxLanguageModel, "mlx_lm.models.llama.LlamaModel.__call__", "mlx_lm")


# By the name under which each engine is registered.
RIGS: dict[str, Callable[[], AbstractAsyncContextManager[Rig]]] = {
    "chat-completions": chat_completions,
    "echo": echo,
    "mlx-lm": mlx_lm,
    "responses-api": responses,
    "transformers": transformers,
}
