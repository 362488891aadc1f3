"""Asks an OpenAI-compatible server what it can do: a handful of tiny questions, none of them twice."""

import msgspec

from adapters.upstream.options import UpstreamOptions
from adapters.upstream.question import NO_MODEL, TIMEOUT, Answer, Body, Server
from adapters.upstream.shared import Shared

SECONDS = 10.0
"""How long one question is waited for."""

_REFUSED = (400, 422)  # how servers refuse a field that they do not take
_NO_ENDPOINT = (404, 405, 501)


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask one route's server, in bodies as the route itself would write them.

    ``plain`` goes to ``path`` by itself, then with the fields of each of ``controls`` over it, then with those of
    ``tools``. ``own_control`` names the control that the route sends. ``responses`` is the body for ``/responses``,
    ``None`` when that is ``path``.
    """

    path: str
    plain: Body
    controls: dict[str, Body]
    own_control: str | None
    tools: Body
    responses: Body | None


class Observations(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen, in a few words each; ``None`` is what was not asked or could not be seen.

    ``works`` says whether the route, as it is set, can get answers. ``controls`` has a word for each of those asked,
    ``first_token_seconds`` is the time from the question to the first text, thought or call.
    """

    works: bool = False
    reachable: str
    model: str | None = None
    answers: str | None = None
    streams: str | None = None
    tools_stream: str | None = None
    responses: str | None = None
    controls: dict[str, str] = {}
    first_token_seconds: float | None = None


async def observe(options: UpstreamOptions, questions: Questions, *, seconds: float = SECONDS) -> Observations:
    """Ask one question after another, each waited for ``seconds``; without the server's own words, and never the key.

    The questions go over the connections that the route itself uses, past its retries and its circuit breaker.
    """
    shared = Shared.join()
    try:
        return await _observe(Server(options, shared.client, seconds), questions)
    finally:
        await shared.leave()


async def _observe(server: Server, questions: Questions) -> Observations:
    listing, models = await server.models()
    if not listing.reached and listing.failure != TIMEOUT:
        return Observations(reachable=listing.failure or "")
    plain = await server.ask(questions.path, questions.plain)
    reached = "yes" if listing.reached or plain.reached else plain.failure or ""
    model = None if models is None else "listed" if questions.plain["model"] in models else "not listed"
    if plain.failure is not None:
        no_model = plain.failure.endswith(NO_MODEL)
        no_endpoint = plain.status in _NO_ENDPOINT and not no_model
        return Observations(
            reachable=reached,
            model=plain.failure if no_model else model,
            answers=plain.failure,
            responses=plain.failure if no_endpoint and questions.responses is None else None,
        )
    controls = {
        name: await server.ask(questions.path, questions.plain | fields) for name, fields in questions.controls.items()
    }
    own = controls.get(questions.own_control or "", plain)
    as_set = plain if own.failure else own  # a refused control is left out, as the route does
    fields = questions.controls[questions.own_control] if questions.own_control and as_set is not plain else {}
    return Observations(
        works=not (questions.plain["stream"] and plain.whole) and (not own.failure or own.status in _REFUSED),
        reachable=reached,
        model=model,
        answers="yes" if plain.pieces else "yes, without content",
        streams=await _streams(server, questions, plain),
        tools_stream=_tools(await server.ask(questions.path, questions.plain | fields | questions.tools)),
        responses=await _responses(server, questions),
        controls={name: _control(answer) for name, answer in controls.items()},
        first_token_seconds=as_set.first_seconds,
    )


async def _streams(server: Server, questions: Questions, plain: Answer) -> str | None:
    """Whether an answer that is asked for as a stream comes as one; a route may be set to ask for none."""
    answer = plain
    if not questions.plain["stream"]:
        answer = await server.ask(questions.path, questions.plain | {"stream": True})
    if answer.failure:
        return answer.failure
    if answer.whole or answer.pieces == 1:
        return "in one piece"
    return "yes" if answer.pieces else None


async def _responses(server: Server, questions: Questions) -> str:
    if questions.responses is None:
        return "yes"
    return (await server.ask("/responses", questions.responses)).failure or "yes"


def _tools(answer: Answer) -> str:
    if answer.failure:
        return answer.failure
    if not answer.calls:
        return "no call made"
    return "in one piece" if answer.whole else "yes"


def _control(answer: Answer) -> str:
    if answer.status in _REFUSED:
        return f"refused with status {answer.status}"
    if answer.failure:
        return answer.failure
    return "accepted, model reasons" if answer.reasons else "accepted"
