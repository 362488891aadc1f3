"""Fallbacks: the next route answers when the first cannot, before its first piece, and the client sees one answer."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.checks import llm_grammar, read
from adapters.contract.errors import (
    AdapterError,
    InvalidRequest,
    TimedOut,
    TooLong,
    Unavailable,
    Unsupported,
    UpstreamError,
)
from adapters.contract.passthrough import Passed, PassEvent, PassRequest
from adapters.options import BadOption
from gateway.engines.build import build
from gateway.engines.fallback import Choice, FallbackModel
from gateway.settings.load import load
from tests.support.upstream_server import UpstreamServer, replies

REQUEST = llm.Request(model="first", messages=())


def failing(error: Exception, *pieces: str) -> Any:
    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        for piece in pieces:
            yield llm.TextDelta(text=piece)
        raise error

    return scripted.language_model(script)


def falling_back(*engines: Any) -> FallbackModel:
    return FallbackModel([Choice(route=f"r{n}", model=f"m{n}", engine=engine) for n, engine in enumerate(engines)])


@pytest.mark.parametrize("error", [Unavailable("down"), TimedOut("slow"), UpstreamError("odd")])
async def test_the_next_answers_when_the_first_cannot(error: AdapterError) -> None:
    second = scripted.language_model(scripted.answering("from the second"))
    third = scripted.language_model(scripted.answering("from the third"))
    events = await read(falling_back(failing(error), second, third).stream(REQUEST))
    llm_grammar(events)
    assert [event.text for event in events if isinstance(event, llm.TextDelta)] == ["from the second"]
    assert [request.model for request in second.requests] == ["m1"]
    assert third.opened == 0


@pytest.mark.parametrize("error", [InvalidRequest("wrong"), Unsupported("no tools")])
async def test_a_wrong_request_is_refused_by_the_first(error: AdapterError) -> None:
    second = scripted.language_model(scripted.answering("never"))
    with pytest.raises(type(error)):
        await read(falling_back(failing(error), second).stream(REQUEST))
    assert second.opened == 0


async def test_that_another_could_answer_a_shorter_request_is_told() -> None:
    with pytest.raises(TooLong):
        await read(falling_back(failing(Unavailable("down")), failing(TooLong("too long"))).stream(REQUEST))


async def test_a_failure_in_the_middle_stays_a_failure() -> None:
    second = scripted.language_model(scripted.answering("never"))
    with pytest.raises(UpstreamError):
        await read(falling_back(failing(UpstreamError("cut"), "half an"), second).stream(REQUEST))
    assert second.opened == 0


async def test_when_none_can_answer_the_first_says_why() -> None:
    with pytest.raises(TimedOut):
        await read(falling_back(failing(TimedOut("slow")), failing(Unavailable("down"))).stream(REQUEST))


async def test_what_a_fallback_refuses_does_not_hide_why_the_first_could_not() -> None:
    with pytest.raises(Unavailable, match="down"):
        await read(falling_back(failing(Unavailable("down")), failing(Unsupported("no audio"))).stream(REQUEST))


async def test_who_cannot_promise_json_is_not_asked_for_it() -> None:
    plain = scripted.language_model(scripted.answering("no JSON"))
    able = scripted.language_model(scripted.answering("{}"))
    able.info = llm.Info(json_answers=True)
    asked = llm.Request(model="first", messages=(), json_answer=llm.JsonAnswer())
    events = await read(falling_back(failing_json(), plain, able).stream(asked))
    assert [event.text for event in events if isinstance(event, llm.TextDelta)] == ["{}"]
    assert plain.opened == 0


def failing_json() -> Any:
    engine = failing(Unavailable("down"))
    engine.info = llm.Info(json_answers=True)
    return engine


async def test_fields_for_the_first_ones_server_go_to_servers_of_its_protocol_only() -> None:
    first, second, third = (scripted.language_model(scripted.answering("x")) for _ in range(3))
    first.script = third.script = failing(Unavailable("down")).script
    for engine, protocol in ((first, "chat-completions"), (second, "responses"), (third, "chat-completions")):
        engine.protocol, engine.forward = protocol, engine.stream  # type: ignore[attr-defined]
    await read(falling_back(first, third, second).stream(llm.Request(model="m", messages=(), extra={"top_k": 4})))
    assert [engine.requests[-1].extra for engine in (first, third, second)] == [{"top_k": 4}, {"top_k": 4}, {}]


async def test_items_in_the_words_of_the_first_ones_server_go_to_no_other() -> None:
    asked = []

    def forwarding(answers: bool) -> Any:
        engine = scripted.language_model(scripted.answering("x"))

        async def forward(request: PassRequest) -> AsyncGenerator[PassEvent, None]:
            asked.append(request.history)
            if not answers:
                raise Unavailable("down", adapter="test")
            yield Passed(reason="stop", usage=None)

        engine.protocol, engine.forward = "responses", forward  # type: ignore[attr-defined]
        return engine

    said = llm.Message(role="assistant", parts=(llm.Text(text="(a call)"),))
    request = PassRequest(model="m", body={}, history=({"type": "custom_tool_call"},), messages=(said,))
    await read(falling_back(forwarding(answers=False), forwarding(answers=True)).forward(request))
    assert asked == [({"type": "custom_tool_call"},), (said,)]


async def test_leaving_closes_the_one_that_answers() -> None:
    second = scripted.language_model(scripted.answering("one", "two"))
    stream = falling_back(failing(Unavailable("down")), second).stream(REQUEST)
    async for event in stream:
        if isinstance(event, llm.TextDelta):
            break
    await stream.aclose()
    assert second.open == 0


ROUTES = """
[[routes]]
name = "main"
llm_backend = "chat-completions"
model_name = "large"
responses_api_base_url = "http://127.0.0.1:9/v1"
fallbacks = {fallbacks}

[[routes]]
name = "spare"
llm_backend = "echo"
"""


async def test_routes_name_their_fallbacks(tmp_path: Path) -> None:
    file = tmp_path / "routes.toml"
    file.write_text(ROUTES.format(fallbacks='["spare"]'))
    gateway = build(load([str(file)], {}))
    try:
        main = gateway.routes[0].engines.llm
        question = llm.Message(role="user", parts=(llm.Text(text="hello there"),))
        events = await read(main.stream(llm.Request(model="large", messages=(question,))))
    finally:
        await gateway.aclose()
    assert "".join(event.text for event in events if isinstance(event, llm.TextDelta)) == "hello there"


@pytest.mark.parametrize("fallbacks", ['["nobody"]', '["main"]'])
def test_a_fallback_that_is_no_other_route_is_refused_at_the_start(tmp_path: Path, fallbacks: str) -> None:
    file = tmp_path / "routes.toml"
    file.write_text(ROUTES.format(fallbacks=fallbacks))
    with pytest.raises(BadOption, match="is no other route; there are: spare"):
        build(load([str(file)], {}))


@pytest.mark.parametrize(("setting", "asked"), [("", 1), ("responses_api_max_retries = 1", 2)])
async def test_a_route_with_fallbacks_asks_its_own_server_once_unless_told_otherwise(
    tmp_path: Path, setting: str, asked: int
) -> None:
    async with UpstreamServer(replies(503, {"error": {"message": "busy"}})) as server:
        file = tmp_path / "routes.toml"
        text = ROUTES.format(fallbacks='["spare"]').replace("http://127.0.0.1:9/v1", server.base_url)
        file.write_text(text.replace('name = "main"', f'name = "main"\n{setting}'))
        gateway = build(load([str(file)], {}))
        try:
            question = llm.Message(role="user", parts=(llm.Text(text="hello"),))
            await read(gateway.routes[0].engines.llm.stream(llm.Request(model="large", messages=(question,))))
        finally:
            await gateway.aclose()
        assert len(server.exchanges) == asked
