"""A response on its way: failures before and after the first byte, clients that leave, cancelling, and who waits."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import openai
import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.errors import AdapterError, Overloaded, TooLong, Unavailable, UpstreamError
from gateway.app import create_app
from tests.support.http_client import refused
from tests.support.responses_client import Desk, checked_events, clients, desk, writing
from tests.support.server import events_in, gateway_of, scripted_engines, serving, until


def failing(error: Exception, *pieces: str) -> Any:
    """A model that fails with ``error`` after ``pieces``."""

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        for piece in pieces:
            yield llm.TextDelta(text=piece)
        raise error

    return scripted.language_model(script)


class Waiting:
    """A model that writes one word, and the rest only when it is told to."""

    def __init__(self) -> None:
        self.release = asyncio.Event()

    async def __call__(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="Well")
        await self.release.wait()
        yield llm.TextDelta(text=f", {len(request.messages)}.")
        yield llm.Finished(reason="stop", usage=None)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UpstreamError("It answered nonsense."), 502, "upstream_error"),
        (Unavailable("It cannot be reached.", retry_after=1), 503, "service_unavailable"),
        (Overloaded("Too many."), 429, "rate_limit_exceeded"),
        (TooLong("Too much.", param="messages"), 400, "context_length_exceeded"),
        (ValueError("secret"), 500, None),
    ],
)
async def test_a_refusal_has_a_real_status(error: Exception, status: int, code: str | None, stream: bool) -> None:
    async with desk(llm=failing(error)) as at:
        answer = await at.http.post("/v1/responses", json={"input": "Hi", "stream": stream})
        said = refused(answer, status)
    assert said["code"] == code
    assert "secret" not in said["message"]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (UpstreamError("It answered nonsense."), "server_error", "It answered nonsense."),
        (Overloaded("Too many."), "rate_limit_exceeded", "Too many."),
        (ValueError("secret"), "server_error", "The server had an error while processing your request."),
    ],
)
async def test_a_later_failure_is_the_last_event(error: Exception, code: str, message: str) -> None:
    async with desk(llm=failing(error, "Once ", "upon")) as at:
        answer = await at.http.post("/v1/responses", json={"input": "Hi", "stream": True})
        events = checked_events(answer.text)
        response = events[-1]["response"]
        assert (events[-1]["type"], response["status"]) == ("response.failed", "failed")
        assert response["error"]["code"] == code
        assert response["error"]["message"].startswith(message)
        (message_item,) = response["output"]
        assert (message_item["status"], message_item["content"][0]["text"]) == ("incomplete", "Once upon")
        kept = await at.sdk.responses.retrieve(response["id"])
        assert kept.status == "failed"
        with pytest.raises(openai.BadRequestError):
            await at.sdk.responses.create(input="And?", previous_response_id=response["id"])


async def test_nothing_is_held_back() -> None:
    model = Waiting()
    async with desk(llm=scripted.language_model(model)) as at:
        stream = await at.sdk.responses.create(input="Hi", stream=True)
        async for event in stream:
            if event.type == "response.output_text.delta":
                model.release.set()
        assert event.type == "response.completed"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_frees_the_engine_and_nothing_is_kept(stream: bool) -> None:
    model = Waiting()
    async with desk(llm=scripted.language_model(model)) as at:
        body = {"input": "Hi", "stream": stream, "conversation": (await at.sdk.conversations.create()).id}
        asking = asyncio.create_task(at.http.post("/v1/responses", json=body))
        await until(lambda: at.engines.llm.open)
        asking.cancel()
        await until(lambda: not at.engines.llm.open)
        items = await at.sdk.conversations.items.list(body["conversation"])
        assert items.data == []
        model.release.set()
        assert (await at.http.post("/v1/responses", json=body)).status_code == 200
        assert at.got == ["user: Hi"], "what was not answered is not remembered"


async def started(at: Desk, **fields: Any) -> tuple[str, asyncio.Task[Any]]:
    """The id of a response that is being streamed, and who reads it to its end."""
    known: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def read() -> str:
        async with at.http.stream("POST", "/v1/responses", json={"input": "Hi", "stream": True, **fields}) as answer:
            body = ""
            async for line in answer.aiter_lines():
                body += f"{line}\n"
                for event in events_in(line):
                    if event["type"] == "response.output_text.delta" and not known.done():
                        known.set_result(answer.headers["x-response-id"])
            return body

    task = asyncio.create_task(read())
    return await known, task


async def test_cancel_ends_a_response_in_progress_with_its_engine_free() -> None:
    async with desk(llm=scripted.language_model(Waiting())) as at:
        name, reading = await started(at)
        assert (await at.sdk.responses.retrieve(name)).status == "in_progress"
        cancelled = await at.sdk.responses.cancel(name)
        assert at.engines.llm.open == 0
        assert (cancelled.id, cancelled.status) == (name, "cancelled")
        events = checked_events(await reading)
        assert (events[-1]["type"], events[-1]["response"]["status"]) == ("response.incomplete", "cancelled")
        assert events[-1]["response"]["output"][0]["status"] == "incomplete"
        kept = await at.sdk.responses.retrieve(name)
        assert (kept.status, kept.output_text) == ("cancelled", "Well")
        assert (await at.sdk.responses.cancel(name)).status == "cancelled"
        with pytest.raises(openai.BadRequestError):
            await at.sdk.responses.create(input="And?", previous_response_id=name)


async def test_what_has_ended_stays_as_it_is_when_cancelled() -> None:
    async with desk() as at:
        response = await at.sdk.responses.create(input="Hi")
        assert (await at.sdk.responses.cancel(response.id)).status == "completed"


async def test_a_response_that_is_not_stored_cannot_be_found() -> None:
    async with desk(llm=scripted.language_model(Waiting())) as at:
        name, reading = await started(at, store=False)
        for path in (f"/v1/responses/{name}/cancel", f"/v1/responses/{name}"):
            method = "POST" if path.endswith("cancel") else "GET"
            assert refused(await at.http.request(method, path), 404)["message"].startswith("Response with id")
        reading.cancel()
        await until(lambda: not at.engines.llm.open)


async def test_turns_of_one_conversation_wait_for_each_other() -> None:
    model = Waiting()
    async with desk(llm=scripted.language_model(model)) as at:
        conversation = await at.sdk.conversations.create()
        asked = [
            asyncio.create_task(at.sdk.responses.create(input=f"Question {number}", conversation=conversation.id))
            for number in range(3)
        ]
        await until(lambda: at.engines.llm.open)
        assert at.engines.llm.opened == 1
        model.release.set()
        answers = [await each for each in asked]
        assert sorted(each.output_text for each in answers) == ["Well, 1.", "Well, 3.", "Well, 5."]


async def test_the_end_of_the_server_is_an_event_of_this_api() -> None:
    engines = scripted_engines(llm=scripted.language_model(Waiting()))
    gateway = gateway_of(engines, "--shutdown_seconds", "0")
    async with serving(create_app(gateway), gateway.settings) as (address, server), clients(address) as (http, sdk):
        while (await http.get("/ready")).status_code != 200:
            await asyncio.sleep(0.01)
        _, reading = await started(Desk(address=address, http=http, sdk=sdk, engines=engines))
        server.should_exit = True
        events = checked_events(await reading)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "service_unavailable")
    assert engines.llm.open == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [AdapterError("It failed."), ValueError("no")])
async def test_a_failure_is_logged_without_what_was_said(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    async with desk(llm=failing(error, "my secret")) as at:
        await at.http.post("/v1/responses", json={"input": "the question", "stream": True})
    assert type(error).__name__ in caplog.text
    assert "secret" not in caplog.text
    assert "question" not in caplog.text


async def test_an_answer_without_anything_is_complete() -> None:
    async with desk(llm=scripted.language_model(writing())) as at:
        events = checked_events((await at.http.post("/v1/responses", json={"input": "Hi", "stream": True})).text)
    assert [event["type"] for event in events] == ["response.created", "response.in_progress", "response.completed"]
    assert events[-1]["response"]["output"] == []
