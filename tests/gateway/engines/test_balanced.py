"""Several servers of one model: shares, load, conversations that stay, servers that die, over both roads."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.checks import llm_grammar, read
from adapters.contract.errors import InvalidRequest, Overloaded, Unavailable
from adapters.options import BadOption
from adapters.upstream.breaker import CircuitBreaker
from gateway.engines.balanced import BalancedModel, Upstream
from gateway.engines.build import build
from gateway.engines.fallback import Answering, Choice, FallbackModel
from gateway.settings.load import load
from tests.support.server import EMBEDDED, served, until
from tests.support.upstream_server import Exchange, Script, UpstreamServer, replies, streams


def upstream(name: str, engine: Any, weight: float = 1.0) -> Upstream:
    circuit = CircuitBreaker()
    return Upstream(name=name, engine=engine, circuit=circuit, route="voice", model=f"m-{name}", weight=weight)


def asked(question: str, *turns: str) -> llm.Request:
    roles = ("user", "assistant") * (len(turns) + 1)
    said = zip(roles, (question, *turns), strict=False)
    messages = tuple(llm.Message(role=role, parts=(llm.Text(text=text),)) for role, text in said)
    return llm.Request(model="voice", messages=messages)


def failing(error: Exception) -> scripted.LanguageModelScript:
    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        raise error
        yield

    return script


def ready(text: str = "Hello.") -> Any:
    return scripted.language_model(scripted.answering(text))


async def by(model: BalancedModel, request: llm.Request) -> str | None:
    """The upstream that answers."""
    events = await read(model.stream(request))
    llm_grammar(events)
    assert isinstance(events[0], Answering)
    return events[0].upstream


async def test_an_answer_names_its_upstream_and_asks_for_its_model() -> None:
    engine = ready()
    assert await by(BalancedModel([upstream("a", engine)]), asked("Hi")) == "a"
    assert engine.requests[-1].model == "m-a"


async def test_new_conversations_are_shared_out_by_weight() -> None:
    model = BalancedModel([upstream("main", ready(), 9), upstream("canary", ready(), 1)])
    taken = Counter([await by(model, asked(f"question {number}")) for number in range(500)])
    assert 30 <= taken["canary"] <= 70
    assert model.requests == taken


async def test_with_equal_weights_the_one_with_the_fewest_requests_is_asked() -> None:
    go = asyncio.Event()

    async def waiting(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        await go.wait()
        yield llm.TextDelta(text="x")
        yield llm.Finished(reason="stop", usage=llm.Usage(input_tokens=1, output_tokens=1))

    model = BalancedModel([upstream(name, scripted.language_model(waiting)) for name in "abc"])
    running = [asyncio.create_task(by(model, asked("the same"))) for _ in range(30)]
    await until(lambda: model.pending.total() == 30)
    assert set(model.pending.values()) == {10}
    go.set()
    await asyncio.gather(*running)
    assert model.pending.total() == 0


async def test_a_conversation_stays_however_many_others_run_there() -> None:
    model = BalancedModel([upstream("a", ready()), upstream("b", ready())])
    for number in range(20):
        question = f"question {number}"
        first = await by(model, asked(question))
        model.pending[first or ""] = 50
        assert await by(model, asked(question, "Hello.", "And?")) == first
        assert await by(model, asked(question, "Hello.", "And?", "Well.", "So?")) == first
        model.pending.clear()


async def test_the_others_answer_for_one_that_fails_and_keep_the_conversation() -> None:
    engines = {"a": ready(), "b": ready()}
    model = BalancedModel([upstream(name, engine) for name, engine in engines.items()])
    first = await by(model, asked("Hi"))
    assert first is not None
    other = "b" if first == "a" else "a"
    engines[first].script = failing(Unavailable("down"))
    assert await by(model, asked("Hi", "Hello.", "And?")) == other
    assert model.failures == {first: 1}
    engines[first].script = scripted.answering("Back.")
    assert await by(model, asked("Hi", "Hello.", "And?", "Well.", "So?")) == other  # its beginning is cached there now


async def test_one_that_failed_often_is_not_asked_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    down, up = scripted.language_model(failing(Unavailable("down"))), ready()
    model = BalancedModel([upstream("down", down, 1000), upstream("up", up, 0.001)])
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    for number in range(9):
        assert await by(model, asked(f"question {number}")) == "up"
    assert down.opened == 5
    now += 10.0
    down.script = scripted.answering("Back.")
    assert await by(model, asked("question 0", "Hello.", "And?")) == "up"  # it has its upstream
    assert await by(model, asked("another")) == "down"
    assert await by(model, asked("one more")) == "down"


async def test_when_all_failed_often_all_are_asked() -> None:
    engines = [scripted.language_model(failing(Unavailable("down"))) for _ in range(2)]
    model = BalancedModel([upstream(str(number), engine) for number, engine in enumerate(engines)])
    for _ in range(6):
        with pytest.raises(Unavailable, match="down"):
            await read(model.stream(asked("Hi")))
    assert [engine.opened for engine in engines] == [6, 6]


async def test_a_busy_server_is_not_a_broken_one() -> None:
    busy = scripted.language_model(failing(Overloaded("busy", retry_after=1.0)))
    model = BalancedModel([upstream("busy", busy, 1000), upstream("other", ready(), 0.001)])
    for number in range(8):
        assert await by(model, asked(str(number))) == "other"
    assert busy.opened == 8


async def test_a_wrong_request_is_refused_by_the_first() -> None:
    engines = [scripted.language_model(failing(InvalidRequest("wrong"))) for _ in range(2)]
    model = BalancedModel([upstream(str(number), engine) for number, engine in enumerate(engines)])
    with pytest.raises(InvalidRequest):
        await read(model.stream(asked("Hi")))
    assert sum(engine.opened for engine in engines) == 1
    assert model.failures.total() == 0


async def test_a_fallback_answers_when_no_upstream_can() -> None:
    down = BalancedModel([upstream(name, scripted.language_model(failing(Unavailable("down")))) for name in "ab"])
    spare = BalancedModel([upstream("c", ready("from the spare"))])
    model = FallbackModel([Choice(route="voice", model="", engine=down), Choice(route="spare", model="", engine=spare)])
    started, *_ = await read(model.stream(asked("Hi")))
    assert isinstance(started, Answering)
    assert (started.route, started.upstream) == ("spare", "c")


ROUTE = """
[[routes]]
name = "voice"
aliases = ["*"]
stt = "none"
vad = "none"
tts = "espeak"
llm_backend = "chat-completions"
responses_api_api_key = "sk-of-the-route"

[[routes.upstreams]]
name = "one"
responses_api_base_url = "{one}"
weight = 2

[[routes.upstreams]]
name = "two"
responses_api_base_url = "{two}"
responses_api_api_key = "sk-of-the-second"
model_name = "tuned"
"""


def servers(script: Script) -> UpstreamServer:
    """A server that answers questions with ``script``, and knows no models."""

    async def answer(exchange: Exchange) -> None:
        await (script if exchange.method == "POST" else replies(200, {"data": []}))(exchange)

    return UpstreamServer(answer)


def posted(server: UpstreamServer) -> list[Exchange]:
    return [exchange for exchange in server.exchanges if exchange.method == "POST"]


def word(text: str) -> dict[str, Any]:
    return {"id": "c1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}


END = {"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
ANSWER = streams(word("Hello."), END, "[DONE]")


@asynccontextmanager
async def gateway_of(path: Path) -> AsyncGenerator[tuple[openai.AsyncOpenAI, dict[str, UpstreamServer]], None]:
    """A client of a gateway whose route has two upstreams, and these."""
    async with AsyncExitStack() as stack:
        both = {name: await stack.enter_async_context(servers(ANSWER)) for name in ("one", "two")}
        addresses = {name: server.base_url for name, server in both.items()}
        file = path / "routes.toml"
        file.write_text(ROUTE.format(**addresses))
        address = await stack.enter_async_context(served(build(load([str(file), *EMBEDDED], {}))))
        client = openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
        yield await stack.enter_async_context(client), both


async def chat(client: openai.AsyncOpenAI, *said: str) -> str:
    """What is answered to ``said``, turn and turn about, on the straight road."""
    messages: Any = [{"role": ("user", "assistant")[number % 2], "content": text} for number, text in enumerate(said)]
    answer: Any = await client.chat.completions.create(model="voice", messages=messages, stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in answer])


async def metrics(client: openai.AsyncOpenAI) -> str:
    return (await client.get("../metrics", cast_to=httpx.Response)).text


@pytest.mark.parametrize("number", range(4))
async def test_a_conversation_stays_on_the_straight_road(tmp_path: Path, number: int) -> None:
    async with gateway_of(tmp_path) as (client, both):
        assert await chat(client, f"Question {number}") == "Hello."
        assert await chat(client, f"Question {number}", "Hello.", "And?") == "Hello."
        assert await chat(client, f"Question {number}", "Hello.", "And?", "Hello.", "Well?") == "Hello."
        assert sorted(len(posted(server)) for server in both.values()) == [0, 3]


async def test_a_conversation_that_the_gateway_keeps_stays(tmp_path: Path) -> None:
    async with gateway_of(tmp_path) as (client, both):
        last: str | None = None
        for text in ("Hi", "And?", "Well?"):
            response = await client.responses.create(
                model="voice", input=text, previous_response_id=last or openai.omit
            )
            last = response.id
        assert sorted(len(posted(server)) for server in both.values()) == [0, 3]


async def test_each_is_asked_for_its_model_with_its_key(tmp_path: Path) -> None:
    async with gateway_of(tmp_path) as (client, both):
        for number in range(12):
            await chat(client, f"Question {number}")
        found = {
            name: {(exchange.json["model"], exchange.headers["authorization"]) for exchange in posted(server)}
            for name, server in both.items()
        }
        shown = await metrics(client)
    assert found == {
        "one": {("gpt-4o-mini", "Bearer sk-of-the-route")},
        "two": {("tuned", "Bearer sk-of-the-second")},
    }
    for name, server in both.items():
        labels = f'engine="chat-completions",route="voice",stage="llm",upstream="{name}"'
        assert f"speech_gateway_upstream_requests_total{{{labels}}} {len(posted(server))}.0" in shown
        assert f'speech_gateway_llm_first_token_seconds_count{{route="voice",upstream="{name}"}}' in shown


async def dying(exchange: Exchange) -> None:
    exchange.cut()


async def test_turns_go_on_while_a_server_is_dead(tmp_path: Path) -> None:
    async with gateway_of(tmp_path) as (client, both):
        first = await chat(client, "Hi")
        dead = next(server for server in both.values() if posted(server))
        dead.script = dying
        answers = [await chat(client, "Hi", first, f"And {number}?") for number in range(8)]
        answers += await asyncio.gather(*(chat(client, f"Question {number}") for number in range(30)))
        assert set(answers) == {"Hello."}
        assert len(posted(dead)) <= 1 + 5 + 30  # until its circuit opened; those at once may all be under way
        name = next(name for name, server in both.items() if server is dead)
        shown = await metrics(client)
        assert (
            f'speech_gateway_circuits_open{{engine="chat-completions",route="voice",stage="llm",upstream="{name}"}}'
            in shown
        )
        failed = next(
            line
            for line in shown.splitlines()
            if line.startswith("speech_gateway_upstream_failures_total") and f'"{name}"' in line
        )
        assert float(failed.rpartition(" ")[2]) >= 1


async def test_a_slow_server_gets_no_more_than_its_share_of_the_running_turns(tmp_path: Path) -> None:
    async with gateway_of(tmp_path) as (client, both):
        slow, go = both["one"], asyncio.Event()

        async def waiting(exchange: Exchange) -> None:
            if exchange.method == "POST":
                await go.wait()
            await ANSWER(exchange)

        slow.script = waiting
        held = [asyncio.create_task(chat(client, f"Question {number}")) for number in range(30)]
        # The quick one answers what it gets; of two thirds and a third of what runs, little is left for the slow one.
        await until(lambda: sum(task.done() for task in held) + len(posted(slow)) == 30)
        taken = len(posted(slow))
        go.set()
        assert set(await asyncio.gather(*held)) == {"Hello."}
    assert 1 <= taken <= 21


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("upstreams = 5", "lists of 'aliases' and of 'upstreams'"),
        ("upstreams = [{ weight = 1 }]", "an upstream needs a 'name'"),
        ('upstreams = [{ name = "a", weight = 0 }]', "an upstream needs a 'name' and may have a 'weight'"),
        ('upstreams = [{ name = "a b" }]', "an upstream needs a 'name'"),
        ('upstreams = [{ name = "a" }, { name = "a" }]', "two upstreams have the name 'a'"),
        ('upstreams = [{ name = "a", voice = "x" }]', "'voice' cannot be set for one upstream"),
        ('upstreams = [{ name = "a", port = 1 }]', "'port' cannot be set for one upstream"),
        ('upstreams = [{ name = "a", llm_backend = "echo" }]', "'llm_backend' cannot be set for one upstream"),
        ('upstreams = [{ name = "a", url = "x" }]', "unknown key 'url'"),
        ('upstreams = [{ name = "a", responses_api_base_url = "nowhere" }]', "is not a URL"),
    ],
)
def test_a_wrong_table_is_refused_at_the_start(tmp_path: Path, wrong: str, message: str) -> None:
    file = tmp_path / "routes.toml"
    file.write_text(f'[[routes]]\nname = "voice"\nllm_backend = "chat-completions"\n{wrong}\n')
    with pytest.raises((ValueError, BadOption), match=message):
        build(load([str(file)], {"OPENAI_API_KEY": "sk-x"}))
