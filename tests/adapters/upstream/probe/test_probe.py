"""What is observed of servers that differ: each question goes out once, and what could not be seen stays open."""

from typing import Any

import msgspec
import pytest

from adapters.upstream.options import UpstreamOptions
from adapters.upstream.probe import Observations, Questions, observe
from tests.support.upstream_server import Exchange, Script, UpstreamServer, hold, replies

EFFORT, THINKING = "reasoning_effort", "chat_template_kwargs.enable_thinking"
QUESTIONS = Questions(
    path="/chat/completions",
    plain={"model": "m", "stream": True},
    controls={EFFORT: {"reasoning_effort": "none"}, THINKING: {"chat_template_kwargs": {"enable_thinking": False}}},
    own_control=THINKING,
    tools={"tools": ["ping"]},
    responses={"model": "m", "input": []},
)
NOT_FOUND = replies(404, {"detail": "Not Found"})
WHOLE = replies(200, {"choices": [{"message": {"content": "1, 2"}, "finish_reason": "stop"}]})


async def chat(exchange: Exchange) -> None:
    """Streams two pieces, thought before them unless told not to, or a call."""
    asked = exchange.json
    deltas: list[dict[str, Any]] = [{"content": "1"}, {"content": ", 2"}]
    if "tools" in asked:
        deltas = [{"tool_calls": [{"function": {"name": "ping", "arguments": "{}"}}]}]
    elif "chat_template_kwargs" not in asked:
        deltas.insert(0, {"reasoning": "Hm"})
    await exchange.start()
    await exchange.events(*({"choices": [{"delta": delta}]} for delta in deltas))
    await exchange.events({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    await exchange.finish()


def offering(**scripts: Script) -> Script:
    """A server that has models, chat and responses, each as given or well."""
    everything = {
        "models": replies(200, {"data": [{"id": "m"}]}),
        "completions": chat,
        "responses": replies(200, {"status": "completed", "output": []}),
    } | scripts

    async def script(exchange: Exchange) -> None:
        await everything[exchange.path.rpartition("/")[2]](exchange)

    return script


def refusing(field: str, status: int = 400, otherwise: Script = chat) -> Script:
    async def script(exchange: Exchange) -> None:
        refusal = replies(status, {"error": {"message": f"Unknown parameter {field}"}})
        await (refusal if field in exchange.json else otherwise)(exchange)

    return script


async def observed(
    script: Script, questions: Questions = QUESTIONS, seconds: float = 20.0
) -> tuple[Observations, list[Any]]:
    """What is observed, and the bodies that were sent."""
    async with UpstreamServer(script) as server:
        options = UpstreamOptions(responses_api_base_url=server.base_url)
        seen = await observe(options, questions, seconds=seconds)
        bodies = [exchange.json for exchange in server.exchanges if exchange.method == "POST"]
    return seen, bodies


async def test_a_server_with_everything() -> None:
    seen, bodies = await observed(offering())
    assert seen.first_token_seconds is not None
    assert 0 < seen.first_token_seconds < 20
    assert msgspec.structs.replace(seen, first_token_seconds=None) == Observations(
        works=True,
        reachable="yes",
        model="listed",
        answers="yes",
        streams="yes",
        tools_stream="yes",
        responses="yes",
        controls={EFFORT: "accepted, model reasons", THINKING: "accepted"},
    )
    plain, thinking = QUESTIONS.plain, QUESTIONS.controls[THINKING]
    effort, tools = QUESTIONS.controls[EFFORT], QUESTIONS.tools
    assert bodies == [plain, plain | effort, plain | thinking, plain | thinking | tools, QUESTIONS.responses]


@pytest.mark.parametrize(("status", "own"), [(400, EFFORT), (422, EFFORT), (400, THINKING)])
async def test_a_control_that_is_refused_leaves_the_route_working(status: int, own: str) -> None:
    questions = msgspec.structs.replace(QUESTIONS, own_control=own)
    seen, bodies = await observed(offering(completions=refusing("reasoning_effort", status)), questions)
    assert seen.controls == {EFFORT: f"refused with status {status}", THINKING: "accepted"}
    assert seen.works
    assert seen.first_token_seconds is not None
    assert seen.tools_stream == "yes"  # it is asked without the control that was refused
    assert bodies[3] == QUESTIONS.plain | QUESTIONS.tools | (QUESTIONS.controls[THINKING] if own == THINKING else {})


@pytest.mark.parametrize(("own", "works"), [(EFFORT, False), (THINKING, True), (None, True)])
async def test_a_control_that_breaks_the_server_matters_to_the_route_that_sends_it(
    own: str | None, works: bool
) -> None:
    questions = msgspec.structs.replace(QUESTIONS, own_control=own)
    seen, _ = await observed(offering(completions=refusing("reasoning_effort", 500)), questions)
    assert seen.controls[EFFORT] == "500 server failed"
    assert seen.works is works


async def test_a_server_without_responses() -> None:
    seen, _ = await observed(offering(responses=NOT_FOUND))
    assert (seen.works, seen.responses) == (True, "404 not found")


async def test_a_route_whose_own_endpoint_is_not_there() -> None:
    questions = msgspec.structs.replace(QUESTIONS, path="/responses", responses=None)
    seen, bodies = await observed(offering(responses=NOT_FOUND), questions)
    reason = "404 not found"
    assert seen == Observations(reachable="yes", model="listed", answers=reason, responses=reason)
    assert len(bodies) == 1


async def test_a_server_that_does_not_stream_although_asked_to() -> None:
    seen, _ = await observed(offering(completions=WHOLE))
    assert (seen.works, seen.answers, seen.streams) == (True, "yes", "in one piece")
    assert seen.tools_stream == "no call made"


async def test_a_route_that_does_not_stream() -> None:
    async def both(exchange: Exchange) -> None:
        await (chat if exchange.json["stream"] else WHOLE)(exchange)

    questions = msgspec.structs.replace(QUESTIONS, plain={"model": "m", "stream": False})
    for script, streams in ((both, "yes"), (WHOLE, "in one piece")):
        seen, bodies = await observed(offering(completions=script), questions)
        assert (seen.works, seen.streams) == (True, streams)
        assert [body for body in bodies if body.get("stream")] == [QUESTIONS.plain]


@pytest.mark.parametrize(
    ("models", "cell"),
    [
        (replies(200, {"data": [{"id": "other"}]}), "not listed"),
        (replies(200, {"data": None}), None),
        (NOT_FOUND, None),
        (replies(500, b"<html>", "text/html"), None),
    ],
)
async def test_a_list_of_models_without_this_one_is_no_proof(models: Script, cell: str | None) -> None:
    seen, _ = await observed(offering(models=models))
    assert (seen.works, seen.reachable, seen.model) == (True, "yes", cell)


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (
            replies(404, {"error": {"message": "m?", "code": "model_not_found"}}),
            Observations(reachable="yes", model="404 no such model", answers="404 no such model"),
        ),
        (
            replies(401, {"error": {"message": "bad key"}}),
            Observations(reachable="yes", model="listed", answers="401 key refused"),
        ),
        (
            replies(503, {"error": {"message": "busy"}}, retry_after="0"),
            Observations(reachable="yes", model="listed", answers="503 server failed"),
        ),
    ],
)
async def test_after_a_failure_nothing_else_is_asked(refusal: Script, expected: Observations) -> None:
    seen, bodies = await observed(offering(completions=refusal))
    assert seen == expected
    assert bodies == [QUESTIONS.plain]


async def test_a_server_that_hangs() -> None:
    assert await observed(hold, seconds=0.1) == (
        Observations(reachable="timeout", answers="timeout"),
        [QUESTIONS.plain],
    )
    seen, _ = await observed(offering(completions=hold), seconds=0.1)
    assert seen == Observations(reachable="yes", model="listed", answers="timeout")


async def test_a_list_of_models_that_hangs_is_no_reason_to_give_up() -> None:
    seen, _ = await observed(offering(models=hold), seconds=1.0)
    assert (seen.works, seen.reachable, seen.model) == (True, "yes", None)


async def test_a_server_that_is_not_there() -> None:
    async with UpstreamServer() as server:
        options = UpstreamOptions(responses_api_base_url=server.base_url)
    assert await observe(options, QUESTIONS) == Observations(reachable="cannot be reached")
