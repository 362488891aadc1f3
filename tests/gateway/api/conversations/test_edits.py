"""What a client takes out of a conversation is not shown to the model again, whatever the item and whoever kept it."""

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
from redis import asyncio as redis

from adapters import scripted
from adapters.contract import llm
from gateway.conversation.compaction import INSTRUCTION
from gateway.engines.build import build
from gateway.settings.load import load
from tests.support.http_client import ROUTE, form
from tests.support.redis_server import redis_server
from tests.support.responses_client import Desk, clients, desk, writing
from tests.support.server import EMBEDDED, served, until
from tests.support.upstream_server import Exchange, UpstreamServer

SECRET = {"type": "input_text", "text": "my PIN is 4711"}


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as (url, _):
        yield url


def wrote(*texts: str, name: str = "msg_1") -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"id": name, "type": "message", "status": "completed", "role": "assistant", "content": content}


THOUGHT = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "4711 in code"}
CALL = {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "clock", "arguments": "", "status": "completed"}
OTHER = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "c2", "name": "run", "input": "4711"}


class Road:
    """A gateway before a server of the Responses API, which answers with ``output`` once, then with "ok"."""

    http: httpx.AsyncClient
    server: UpstreamServer

    def __init__(self) -> None:
        self.output: list[dict[str, Any]] = []
        self.count = 0

    async def answer(self, exchange: Exchange) -> None:
        if not exchange.body:  # the gateway only opens a connection
            await exchange.reply(404, {})
            return
        self.count += 1
        output, self.output = self.output or [wrote("ok", name=f"msg_ok{self.count}")], []
        whole = {"id": f"resp_{self.count}", "object": "response", "status": "completed", "output": output}
        await exchange.reply(200, whole)

    @property
    def sent(self) -> str:
        """What the server was last asked."""
        *_, last = (exchange for exchange in self.server.exchanges if exchange.body)  # others only open a connection
        return json.dumps(last.json["input"])


@asynccontextmanager
async def road(*flags: str) -> AsyncGenerator[Road, None]:
    at = Road()
    async with UpstreamServer(at.answer) as at.server:
        base = ("--llm_backend", "responses-api", "--responses_api_base_url", at.server.base_url, "--model_name", "m")
        async with served(build(load([*EMBEDDED, *base, *flags], {}))) as address, clients(address) as (at.http, _):
            yield at


async def conversation(at: Road | Desk, *given: Any) -> str:
    """A conversation in which each of ``given`` was answered."""
    name: str = (await at.http.post("/v1/conversations", json={})).json()["id"]
    for each in given:
        await asked(at, name, each)
    return name


async def asked(at: Road | Desk, name: str, given: Any) -> None:
    answer = await at.http.post("/v1/responses", json={"input": given, "conversation": name})
    assert answer.status_code == 200, answer.text


async def listed(at: Road | Desk, name: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await at.http.get(f"/v1/conversations/{name}/items?order=asc&limit=100")).json()[
        "data"
    ]
    return items


async def take_out(at: Road | Desk, name: str, number: int) -> None:
    """Delete the item ``number`` of the list."""
    item = (await listed(at, name))[number]["id"]
    answer = await at.http.delete(f"/v1/conversations/{name}/items/{item}")
    assert answer.status_code == 200, answer.text
    assert item not in [each["id"] for each in await listed(at, name)]


async def forget_places(url: str) -> int:
    """Make what is kept as an earlier release kept it; how many states that were."""
    changed = 0
    async with aclosing(redis.Redis.from_url(url)) as store:
        for key in await store.keys("*response:*"):
            data: Any = await store.get(key)
            state = msgspec.msgpack.decode(data)
            for step in state["conversation"].get("steps", ()):
                changed += step.pop("messages", None) is not None
            await store.set(key, msgspec.msgpack.encode(state))
    return changed


CASES: dict[str, tuple[Any, list[dict[str, Any]], int, str, str]] = {
    "a file beside it": ([SECRET, {"type": "input_file", "file_id": "file-1"}], [], 0, "4711", "ok"),
    "an image out of reach": ([SECRET, {"type": "input_image", "file_id": "file-1"}], [], 0, "4711", "ok"),
    "two parts": ("Well?", [wrote("It is 4711.", "Really.")], 1, "4711", "Well?"),
    "two messages": ("Well?", [wrote("It is 4711."), wrote("Really.", name="msg_2")], 1, "4711", "Really."),
    "what was thought": ("Well?", [THOUGHT, wrote("Yes.")], 1, "4711", "Yes."),
    "another tool": ("Well?", [OTHER, wrote("Yes.")], 1, "4711", "Yes."),
    "not the other tool": ("Well?", [OTHER, wrote("Yes.")], 2, "Yes.", "4711"),
    "not the file": ([SECRET, {"type": "input_file", "file_id": "file-1"}], [wrote("Yes.")], 1, "Yes.", "file-1"),
    "a call without arguments": ("Well?", [CALL], 1, "clock", "Well?"),
}
"""What a user says, what is answered, which item goes, what goes with it, what stays."""


@pytest.mark.parametrize("kept", ["in memory", "in Valkey", "by an earlier release"])
async def test_an_item_of_any_kind_is_taken_out_of_what_a_server_is_sent(kept: str, redis_url: str) -> None:
    flags = () if kept == "in memory" else ("--conversation_store", redis_url)
    async with road(*flags) as at:
        for case, (content, at.output, number, gone, left) in CASES.items():
            name = await conversation(at, [{"role": "user", "content": content}], "And then?")
            assert gone in at.sent, case
            if kept == "by an earlier release":
                assert await forget_places(redis_url)
            await take_out(at, name, number)
            await asked(at, name, "next")
            assert gone not in at.sent, case
            assert left in at.sent, case
            assert "And then?" in at.sent, case


@pytest.mark.parametrize("earlier", [False, True])
async def test_an_item_is_found_before_steps_of_any_length(earlier: bool, redis_url: str) -> None:
    async with road("--conversation_store", redis_url) as at:
        at.output = [THOUGHT, wrote("Wait"), wrote("a moment.", name="msg_2"), CALL]
        items = [{"role": "user", "content": text} for text in ("a", "b", "c")]
        name = (await at.http.post("/v1/conversations", json={"items": items})).json()["id"]
        await asked(at, name, [{"role": "user", "content": "d"}, {"role": "developer", "content": "e"}])
        await asked(at, name, [{"type": "function_call_output", "call_id": "c1", "output": "noon"}])
        if earlier:
            assert await forget_places(redis_url)
        await take_out(at, name, 1)
        await asked(at, name, "next")
        given = [item["content"] for item in json.loads(at.sent) if isinstance(item.get("content"), str)]
        assert given == ["a", "c", "d", "e", "next"]
        assert [kept in at.sent for kept in ("clock", "noon", "ok")] == [True] * 3


async def test_of_an_answer_that_was_thought_over_in_the_middle_the_rest_stays() -> None:
    pieces = (llm.TextDelta(text="It is 4711."), llm.ReasoningDelta(text="Hm."), llm.TextDelta(text="Really."))
    async with desk(llm=scripted.language_model(writing(*pieces))) as at:
        name = await conversation(at, "Well?")
        await take_out(at, name, 1)
        await asked(at, name, "next")
        assert at.got == ["user: Well?", "assistant: Really.", "user: next"]
        assert at.engines.llm.requests[-1].messages[1].reasoning == "Hm.", "it is an item of its own"


async def test_of_two_items_alike_it_is_the_one_that_was_named() -> None:
    async with desk(llm=scripted.language_model(counting())) as at:
        name = await conversation(at, "yes", "yes")
        await take_out(at, name, 0)
        await asked(at, name, "next")
        assert at.got == ["assistant: answer 1", "user: yes", "assistant: answer 2", "user: next"]


def counting() -> Any:
    count = 0

    async def script(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        nonlocal count
        summary = any(INSTRUCTION in str(part) for message in request.messages for part in message.parts)
        count += not summary
        yield llm.TextDelta(text="They said 4711." if summary else f"answer {count}")
        yield llm.Finished(reason="stop", usage=None)

    return script


async def test_an_item_is_taken_out_wherever_it_was_referred_to() -> None:
    async with desk() as at:
        name = await conversation(at, "4711")
        item = (await listed(at, name))[0]["id"]
        await asked(at, name, [{"type": "item_reference", "id": item}, {"role": "user", "content": "And?"}])
        await take_out(at, name, 0)
        await asked(at, name, "next")
        assert [line for line in at.got if line.startswith("user")] == ["user: And?", "user: next"]


async def test_a_recording_stays_when_another_item_of_its_turn_goes() -> None:
    async with desk(llm=scripted.Scripted(llm.Info(audio=True), counting()), stt=None) as at:
        await at.http.post(ROUTE, **form(fields={"conversation": "our-talk"}))
        await take_out(at, "our-talk", 1)
        await asked(at, "our-talk", "next")
        assert at.got == ["user: [Audio]", "user: next"]
        await take_out(at, "our-talk", 0)
        await asked(at, "our-talk", "and next")
        assert at.got[0] == "user: next"


async def test_a_summary_of_what_was_taken_out_is_not_shown() -> None:
    async with desk("--chat_size", "2", llm=scripted.language_model(counting())) as at:
        name = await conversation(at, "4711", "b", "c")
        await until(lambda: at.engines.llm.opened == 4 and at.engines.llm.open == 0)
        await asked(at, name, "d")
        assert "They said 4711." in at.got[0]
        await take_out(at, name, 0)
        await asked(at, name, "next")
        assert "4711" not in str(at.got)
