"""Conversations that clients make and change, with the unmodified OpenAI SDK."""

from typing import Any

import openai
import pytest
from openai.types.conversations import ConversationItem
from pydantic import TypeAdapter

from tests.support.http_client import JSON, ROUTE, form, refused
from tests.support.responses_client import desk

SAID = "Hello there. How are you?"
ITEM: TypeAdapter[Any] = TypeAdapter(ConversationItem)


def user(text: str) -> Any:
    return {"role": "user", "content": text}


async def test_a_conversation_is_made_continued_and_forgotten() -> None:
    async with desk() as at:
        made = await at.sdk.conversations.create(items=[user("I am Ann.")], metadata={"topic": "names"})
        assert made.id.startswith("conv_")
        assert made.metadata == {"topic": "names"}
        assert made.created_at > 1_700_000_000
        assert await at.sdk.conversations.retrieve(made.id) == made
        response = await at.sdk.responses.create(input="Who am I?", conversation={"id": made.id})
        assert at.got == ["user: I am Ann.", "user: Who am I?"]
        items = (await at.http.get(f"/v1/conversations/{made.id}/items?order=asc")).json()["data"]
        for item in items:
            ITEM.validate_python(item)
        assert [item["role"] for item in items] == ["user", "user", "assistant"]
        assert items[2]["id"] == response.output[0].id
        given = (await at.sdk.responses.input_items.list(response.id)).data
        assert [item.id for item in given] == [items[1]["id"]]
        deleted = await at.sdk.conversations.delete(made.id)
        assert (deleted.id, deleted.deleted, deleted.object) == (made.id, True, "conversation.deleted")
        for path in ("", "/items", "/items/msg_1"):
            error = refused(await at.http.get(f"/v1/conversations/{made.id}{path}"), 404)
            assert error["message"] == f"Conversation with id '{made.id}' not found."
        with pytest.raises(openai.NotFoundError):
            await at.sdk.responses.create(input="Hi", conversation=made.id)
        await at.sdk.responses.create(input="Hi", previous_response_id=response.id)
        assert at.got[0] == "user: I am Ann.", "its responses stay"


async def test_a_voice_goes_on_with_a_conversation_that_was_made_in_text() -> None:
    async with desk() as at:
        made = await at.sdk.conversations.create(items=[user("I am Ann.")])
        answer = await at.http.post(ROUTE, **form(fields={"conversation": made.id}))
        assert answer.headers["x-conversation-id"] == made.id
        assert "user: I am Ann. + what did you say" in at.got
        assert len((await at.sdk.conversations.items.list(made.id)).data) == 3


async def test_metadata_is_replaced() -> None:
    async with desk() as at:
        made = await at.sdk.conversations.create(metadata={"a": "1"})
        await at.sdk.responses.create(input="Hi", conversation=made.id)
        changed = await at.sdk.conversations.update(made.id, metadata={"b": "2"})
        assert (changed.id, changed.metadata, changed.created_at) == (made.id, {"b": "2"}, made.created_at)
        assert (await at.sdk.conversations.retrieve(made.id)).metadata == {"b": "2"}
        await at.sdk.responses.create(input="And?", conversation=made.id)
        assert (await at.sdk.conversations.retrieve(made.id)).metadata == {"b": "2"}
        assert len(at.got) == 3


async def test_items_are_added_read_and_taken_out() -> None:
    async with desk() as at:
        made = await at.sdk.conversations.create()
        added = await at.sdk.conversations.items.create(
            made.id,
            items=[
                user("Time?"),
                {"type": "function_call", "id": "fc_mine", "call_id": "c1", "name": "clock", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": "noon"},
                {"role": "assistant", "content": "It is noon."},
                user("My secret"),
            ],
        )
        assert [item.type for item in added.data] == [
            "message",
            "function_call",
            "function_call_output",
            *["message"] * 2,
        ]
        assert (added.first_id, added.last_id, added.has_more) == (added.data[0].id, added.data[-1].id, False)
        call = await at.sdk.conversations.items.retrieve("fc_mine", conversation_id=made.id)
        assert (call.type, call.status) == ("function_call", "completed")  # type: ignore[union-attr]
        secret = added.data[-1].id or ""
        after = await at.sdk.conversations.items.delete(secret, conversation_id=made.id)
        assert after.id == made.id
        for method in ("GET", "DELETE"):
            error = refused(await at.http.request(method, f"/v1/conversations/{made.id}/items/{secret}"), 404)
            assert secret in error["message"]
        await at.sdk.responses.create(input="Hi", conversation=made.id)
        assert at.got == [
            "user: Time?",
            "assistant: [c1 clock]",
            "tool: [c1: noon]",
            "assistant: It is noon.",
            "user: Hi",
        ]
        listed = [item async for item in at.sdk.conversations.items.list(made.id, order="asc", limit=2)]
        assert [item.id for item in listed][:4] == [item.id for item in added.data][:4]
        assert len(listed) == 6


async def test_what_was_spoken_is_taken_out_too() -> None:
    async with desk() as at:
        await at.http.post(ROUTE, **form(fields={"conversation": "our-talk"}))
        heard, said = (await at.sdk.conversations.items.list("our-talk", order="asc")).data
        await at.sdk.conversations.items.delete(heard.id or "", conversation_id="our-talk")
        await at.sdk.responses.create(input="Hi", conversation="our-talk")
        assert at.got == [f"assistant: {SAID}", "user: Hi"]
        assert (await at.sdk.conversations.items.list("our-talk", order="asc")).data[0].id == said.id


async def test_what_has_no_effect_is_named_on_every_route() -> None:
    async with desk() as at:
        sent = {"items": [user("Hi")], "topic": "names"}
        made = await at.http.post("/v1/conversations?page=1", json=sent)
        path = f"/v1/conversations/{made.json()['id']}"
        added = await at.http.post(f"{path}/items", json=sent)
        item = added.json()["data"][0]["id"]
        answers = {
            "page, topic": [
                made,
                await at.http.post(f"{path}?page=1", json={"metadata": {}, "topic": "names"}),
            ],
            "topic": [added],
            "page": [
                await at.http.get(f"{path}?page=1"),
                await at.http.get(f"{path}/items?limit=1&page=1"),
                await at.http.get(f"{path}/items/{item}?page=1"),
                await at.http.delete(f"{path}/items/{item}?page=1"),
                await at.http.delete(f"{path}?page=1"),
            ],
        }
    for ignored, given in answers.items():
        for answer in given:
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-ignored-parameters"] == ignored
            assert answer.headers["openai-processing-ms"].isdecimal()


async def test_what_is_wrong_is_named() -> None:
    async with desk() as at:
        made = (await at.sdk.conversations.create()).id
        many = [user("x")] * 21
        for path, body, param, code in (
            ("", {"items": "Hi"}, "items", "invalid_type"),
            ("", {"items": many}, "items", "array_above_max_length"),
            ("", {"metadata": {"k": 5}}, "metadata", "invalid_type"),
            ("", {"items": [{"type": "web_search_call"}]}, "items[0].type", "invalid_value"),
            (
                "",
                {"items": [{"type": "function_call_output", "call_id": "c", "output": "x"}]},
                "items",
                "invalid_value",
            ),
            (f"/{made}", {}, "metadata", "missing_required_parameter"),
            (f"/{made}/items", {}, "items", "missing_required_parameter"),
            (f"/{made}/items", {"items": many}, "items", "array_above_max_length"),
            (f"/{made}/items", {"items": [{**user("x"), "id": "no id"}]}, "items[0].id", "invalid_value"),
        ):
            error = refused(await at.http.post(f"/v1/conversations{path}", json=body), 400)
            assert (error["param"], error["code"]) == (param, code), error
        for path in ("/conv_9", "/conv%209/items", "/conv_9/items"):
            sent = {"metadata": {}, "items": [user("x")]}
            assert "not found" in refused(await at.http.post(f"/v1/conversations{path}", json=sent), 404)["message"]
        refused(await at.http.delete("/v1/conversations/conv_9"), 404)
        refused(await at.http.post("/v1/conversations", content=b"{", headers=JSON), 400)
        refused(await at.http.post("/v1/conversations", content=b"x", headers={"content-type": "text/plain"}), 415)
        assert (await at.http.post("/v1/conversations")).json()["object"] == "conversation", "a body may be left out"


async def test_what_is_too_large_is_refused() -> None:
    async with desk("--conversation_max_mb", "0.002") as at:
        error = refused(await at.http.post("/v1/conversations", json={"items": [user("x" * 3_000)]}), 400)
        assert "--conversation_max_mb" in error["message"]
