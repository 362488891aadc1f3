"""What is kept of responses, in memory and in Redis: read, listed, referred to, continued by voice, deleted."""

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import openai
import pytest
import pytest_asyncio
from redis import asyncio as redis

from adapters import scripted
from adapters.contract import llm
from gateway.conversation.redis_store import PREFIX
from gateway.conversation.snapshot import Record, encoded
from tests.support.http_client import ROUTE, form, refused
from tests.support.redis_server import redis_server
from tests.support.responses_client import CLOCK, Desk, call, checked_response, desk, writing

SAID = "Hello there. How are you?"


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as (url, _):
        yield url


@pytest_asyncio.fixture(params=["memory", "redis"])
async def at(request: pytest.FixtureRequest) -> AsyncGenerator[Desk, None]:
    flags = ["--conversation_store", request.getfixturevalue("redis_url")] if request.param == "redis" else []
    async with desk(*flags) as opened:
        yield opened


async def spoken(at: Desk, **fields: str) -> str:
    """The id of a turn that is spoken, about "what did you say"."""
    answer = await at.http.post(ROUTE, **form(fields=fields))
    assert answer.status_code == 200, answer.text
    name: str = answer.headers["x-response-id"]
    return name


async def test_a_response_is_kept_as_it_was_sent(at: Desk) -> None:
    sent = (await at.http.post("/v1/responses", json={"input": "Hi", "metadata": {"k": "v"}})).json()
    kept = await at.http.get(f"/v1/responses/{sent['id']}")
    assert kept.headers["content-type"] == "application/json"
    assert kept.json() == sent
    unkept = (await at.http.post("/v1/responses", json={"input": "Hi", "store": False})).json()
    refused(await at.http.get(f"/v1/responses/{unkept['id']}"), 404)
    body = {"input": "Hi", "previous_response_id": unkept["id"]}
    assert refused(await at.http.post("/v1/responses", json=body), 400)["code"] == "previous_response_not_found"


async def test_what_has_no_effect_is_named_on_every_route() -> None:
    async with desk() as at:
        path = f"/v1/responses/{(await at.http.post('/v1/responses', json={'input': 'Hi'})).json()['id']}"
        whole = await at.http.get(f"{path}?stream=false")
        assert "x-ignored-parameters" not in whole.headers
        answers = [
            await at.http.get(f"{path}?stream=false&page=1"),
            await at.http.get(f"{path}/input_items?limit=1&page=1"),
            await at.http.post(f"{path}/cancel?page=1"),
            await at.http.delete(f"{path}?page=1"),
        ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-ignored-parameters"] == "page"
        assert answer.headers["openai-processing-ms"].isdecimal()


async def test_a_spoken_turn_is_continued_in_text_and_the_other_way_round(at: Desk) -> None:
    first = await spoken(at)
    second = await at.sdk.responses.create(input="And now?", previous_response_id=first)
    assert at.got == ["user: what did you say", f"assistant: {SAID}", "user: And now?"]
    await spoken(at, previous_response_id=second.id)
    assert at.got[1:] == [
        "user: what did you say",
        f"assistant: {SAID}",
        "user: And now?",
        f"assistant: {SAID}",
        "user: what did you say",
    ]


async def test_both_kinds_of_turns_are_one_conversation(at: Desk) -> None:
    await spoken(at, conversation="our-talk")
    response = await at.sdk.responses.create(input="Hi", conversation="our-talk")
    assert response.conversation is not None
    assert response.conversation.id == "our-talk"
    await spoken(at, conversation="our-talk")
    assert at.got[1:-1] == ["user: what did you say", f"assistant: {SAID}", "user: Hi", f"assistant: {SAID}"]
    items = [item async for item in at.sdk.conversations.items.list("our-talk", order="asc", limit=2)]
    assert [(item.type, item.role, item.content[0].text) for item in items] == [  # type: ignore[union-attr,index]
        ("message", "user", "what did you say"),
        ("message", "assistant", SAID),
        ("message", "user", "Hi"),
        ("message", "assistant", SAID),
        ("message", "user", "what did you say"),
        ("message", "assistant", SAID),
    ]
    assert items[3].id == response.output[0].id


async def test_a_spoken_turn_is_shown_as_a_response(at: Desk) -> None:
    name = await spoken(at, conversation="our-talk")
    shown = checked_response((await at.http.get(f"/v1/responses/{name}")).json())
    assert (shown["status"], shown["model"], shown["conversation"]) == ("completed", "echo", {"id": "our-talk"})
    assert shown["output"][0]["content"][0]["text"] == SAID
    assert shown["created_at"] > 1_700_000_000
    (given,) = (await at.sdk.responses.input_items.list(name)).data
    assert given.content[0].text == "what did you say"  # type: ignore[union-attr,index]
    assert (await at.sdk.responses.input_items.list(name)).data[0].id == given.id, "ids stay the same"
    assert (await at.sdk.responses.cancel(name)).status == "completed"


async def test_a_history_that_a_spoken_turn_sets_is_listed_whole(at: Desk) -> None:
    told = [{"role": role, "content": role} for role in ("system", "user", "assistant", "user", "assistant")]
    await spoken(at, conversation="our-history")
    await spoken(at, conversation="our-history", messages=json.dumps(told))
    await spoken(at, conversation="our-history")
    items = (await at.sdk.conversations.items.list("our-history", order="asc")).data
    said = [item.content[0].text for item in items]  # type: ignore[union-attr,index]
    assert said == ["system", "user", "assistant", "user", "assistant", *["what did you say", SAID] * 2]


async def test_what_is_deleted_is_gone_and_cannot_be_continued(at: Desk) -> None:
    first = await at.sdk.responses.create(input="My secret")
    second = await at.sdk.responses.create(input="And?", previous_response_id=first.id)
    await at.sdk.responses.delete(second.id)
    for path in ("", "/input_items"):
        refused(await at.http.get(f"/v1/responses/{second.id}{path}"), 404)
    refused(await at.http.delete(f"/v1/responses/{second.id}"), 404)
    with pytest.raises(openai.BadRequestError, match="not found"):
        await at.sdk.responses.create(input="Hm", previous_response_id=second.id)
    await at.sdk.responses.create(input="Hm", previous_response_id=first.id)
    assert at.got == ["user: My secret", f"assistant: {SAID}", "user: Hm"]
    deleted = await at.http.delete(f"/v1/responses/{first.id}")
    assert deleted.json() == {"id": first.id, "object": "response", "deleted": True}


async def test_a_conversation_goes_on_when_its_newest_response_is_deleted(at: Desk) -> None:
    conversation = await at.sdk.conversations.create()
    response = await at.sdk.responses.create(input="Hi", conversation=conversation.id)
    voice = await spoken(at, conversation=conversation.id)
    for name in (response.id, voice):
        await at.sdk.responses.delete(name)
        refused(await at.http.get(f"/v1/responses/{name}"), 404)
    items = (await at.sdk.conversations.items.list(conversation.id)).data
    assert len(items) == 4
    assert items[-2].id == response.output[0].id
    await at.sdk.responses.create(input="And?", conversation=conversation.id)
    assert at.got[:2] == ["user: Hi", f"assistant: {SAID}"]
    assert len(at.got) == 5


async def test_pages_of_input_items(at: Desk) -> None:
    given: Any = [{"role": "user", "content": f"number {number}"} for number in range(5)]
    given.append({"type": "function_call", "id": "fc_mine", "call_id": "c1", "name": "clock", "arguments": "{}"})
    given.append({"type": "function_call_output", "call_id": "c1", "output": "noon"})
    response = await at.sdk.responses.create(input=given)
    newest = await at.sdk.responses.input_items.list(response.id, limit=2)
    assert [item.type for item in newest.data] == ["function_call_output", "function_call"]
    assert (newest.has_more, newest.data[1].id) == (True, "fc_mine")
    listed = [item async for item in at.sdk.responses.input_items.list(response.id, limit=3, order="asc")]
    assert [item.type for item in listed] == ["message"] * 5 + ["function_call", "function_call_output"]
    assert listed[0].content[0].text == "number 0"  # type: ignore[union-attr,index]
    assert len({item.id for item in listed}) == 7
    body = (await at.http.get(f"/v1/responses/{response.id}/input_items?limit=2&after={listed[1].id}&order=asc")).json()
    assert body.keys() == {"object", "data", "first_id", "last_id", "has_more"}
    assert (body["object"], body["first_id"], body["last_id"]) == ("list", listed[2].id, listed[3].id)
    last = (await at.http.get(f"/v1/responses/{response.id}/input_items?after={listed[0].id}")).json()
    assert (last["data"], last["first_id"], last["has_more"]) == ([], "", False)


async def test_items_are_referred_to_by_their_ids(at: Desk) -> None:
    first = await at.sdk.responses.create(input="Hi")
    await at.sdk.responses.create(
        input=[{"role": "user", "content": "Hi"}, {"type": "item_reference", "id": first.output[0].id or ""}]
    )
    assert at.got == ["user: Hi", f"assistant: {SAID}"]
    await at.sdk.responses.delete(first.id)
    with pytest.raises(openai.BadRequestError, match="not found"):
        await at.sdk.responses.create(input=[{"type": "item_reference", "id": first.output[0].id or ""}])


@pytest.mark.parametrize("form", [{"type": "item_reference"}, {}, {"type": None}])
async def test_given_items_are_referred_to_too(at: Desk, form: dict[str, None]) -> None:
    made = await at.sdk.conversations.create(items=[{"role": "user", "content": "I am Ann."}])
    first = await at.sdk.responses.create(input=[{"role": "user", "content": said} for said in ("one", "two")])
    one, two = [item async for item in at.sdk.responses.input_items.list(first.id, order="asc")]
    (three,) = (await at.sdk.conversations.items.list(made.id)).data
    body = {"input": [{"id": item.id, **form} for item in (two, three, one)]}
    answer = (await at.http.post("/v1/responses", json=body)).json()
    assert at.got == ["user: two", "user: I am Ann.", "user: one"]
    again = (await at.sdk.responses.input_items.list(answer["id"], order="asc")).data
    assert [item.id for item in again] == [two.id, three.id, one.id], "they are the same items"
    await at.sdk.responses.delete(first.id)
    assert two.id in refused(await at.http.post("/v1/responses", json=body), 400)["message"]


async def test_an_item_that_was_deleted_from_a_conversation_is_found_no_more(at: Desk) -> None:
    made = await at.sdk.conversations.create(items=[{"role": "user", "content": "I am Ann."}])
    (said,) = (await at.sdk.conversations.items.list(made.id)).data
    body = {"conversation": made.id, "input": [{"type": "item_reference", "id": said.id}]}
    assert (await at.http.post("/v1/responses", json=body)).status_code == 200
    answer = await at.sdk.responses.create(input="Hi", conversation=made.id)
    for item in (said.id or "?", answer.output[0].id or "?"):
        await at.sdk.conversations.items.delete(item, conversation_id=made.id)
        reference = {"input": [{"type": "item_reference", "id": item}]}
        for asked in (reference, reference | {"conversation": made.id}):
            assert item in refused(await at.http.post("/v1/responses", json=asked), 400)["message"]


@pytest.mark.parametrize("item", [{"id": "x", "content": "Hi"}, {"id": "x", "call_id": "c", "output": "Hi"}])
async def test_an_item_that_says_more_than_its_id_is_no_reference(item: dict[str, str]) -> None:
    async with desk() as at:
        assert "not found" not in refused(await at.http.post("/v1/responses", json={"input": [item]}), 400)["message"]


async def test_items_of_spoken_turns_are_referred_to_within_their_conversation(at: Desk) -> None:
    await spoken(at, conversation="our-talk")
    heard = (await at.sdk.conversations.items.list("our-talk", order="asc")).data[0]
    await at.sdk.responses.create(conversation="our-talk", input=[{"type": "item_reference", "id": heard.id or ""}])
    assert at.got[-1] == "user: what did you say"


async def test_an_older_response_branches() -> None:
    async with desk() as at:
        first = await at.sdk.responses.create(input="one")
        await at.sdk.responses.create(input="two", previous_response_id=first.id)
        await at.sdk.responses.create(input="three", previous_response_id=first.id)
        assert at.got == ["user: one", f"assistant: {SAID}", "user: three"]


async def test_calls_of_a_spoken_turn_are_items() -> None:
    model = scripted.language_model(writing(llm.TextDelta(text="Wait."), *call("c1", "clock", "{}")))
    async with desk(llm=model) as at:
        fields = {"stream_format": "sse", "tools": f"[{CLOCK}]".replace("'", '"')}
        name = await spoken(at, **fields)
        shown = checked_response((await at.http.get(f"/v1/responses/{name}")).json())
        assert [item["type"] for item in shown["output"]] == ["message", "function_call"]
        result = {"type": "function_call_output", "call_id": "c1", "output": "noon"}
        await at.sdk.responses.create(input=[result], previous_response_id=name)  # type: ignore[list-item]
        assert at.got[-1] == "tool: [c1: noon]"


async def test_a_record_that_is_too_large_is_made_of_what_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    async with desk("--conversation_max_mb", "0.002") as at:
        response = await at.sdk.responses.create(input="x" * 1_200, instructions="y" * 1_500)
        kept = await at.sdk.responses.retrieve(response.id)
        assert kept.output_text == SAID
        assert "is not kept" in caplog.text


@pytest.mark.parametrize("junk", [b"", b"[1]", b"{", b'{"output": 5, "conversation": 5}'])
async def test_what_no_gateway_wrote_breaks_nothing(redis_url: str, junk: bytes) -> None:
    record = encoded(Record(items=junk, response=junk))
    async with desk("--conversation_store", redis_url) as at, aclosing(redis.Redis.from_url(redis_url)) as store:
        made = await at.sdk.conversations.create()
        response = await at.sdk.responses.create(input="Hi", conversation=made.id)
        await store.set(f"{PREFIX}record:{response.id}", record)
        assert (await at.http.get(f"/v1/responses/{response.id}")).status_code == 200
        assert (await at.sdk.responses.input_items.list(response.id)).data == []
        assert (await at.sdk.conversations.items.list(made.id)).data == []
        reference = {"type": "item_reference", "id": response.output[0].id}
        refused(await at.http.post("/v1/responses", json={"input": [reference]}), 400)
        await at.sdk.responses.create(input="And?", conversation=made.id)
        assert len(at.got) == 3
        assert (await at.http.delete(f"/v1/responses/{response.id}")).status_code == 200
