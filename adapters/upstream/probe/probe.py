"""Finds out what an OpenAI-compatible server supports, with a few small requests; each is sent once."""

import msgspec

from adapters.upstream.options import UpstreamOptions
from adapters.upstream.pool import ClientPool
from adapters.upstream.probe.request import NO_MODEL, TIMEOUT, Fields, ProbeClient, ProbeResult

SECONDS = 10.0
"""Time limit of one request."""

_REFUSED = (400, 422)  # how servers refuse a field that they do not accept
_NO_ENDPOINT = (404, 405, 501)


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    """The requests to the server of one route, with the bodies that the route itself would send.

    ``plain`` is sent to ``path`` unchanged, then with the fields of each of ``controls`` added, then with those of
    ``tools``. ``own_control`` names the control that the route sends. ``responses`` is the body for ``/responses``,
    ``None`` when ``path`` is that endpoint.
    """

    path: str
    plain: Fields
    controls: dict[str, Fields]
    own_control: str | None
    tools: Fields
    responses: Fields | None


class Observations(msgspec.Struct, frozen=True, kw_only=True):
    """The results, in a few words each; ``None`` for what was not asked or could not be seen.

    ``works`` says whether the route gets answers with its settings. ``controls`` has the result of each control,
    ``first_token_seconds`` is the time from the request to the first text, reasoning or tool call.
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
    """Send one request after another, each with a time limit of ``seconds``; results never hold the server's words.

    The requests use the route's own connections, but not its retries and its circuit breaker.
    """
    pool = ClientPool.acquire()
    try:
        return await _observe(ProbeClient(options, pool, seconds), questions)
    finally:
        await pool.release()


async def _observe(server: ProbeClient, questions: Questions) -> Observations:
    listing, models = await server.models()
    if not listing.reached and listing.failure != TIMEOUT:
        return Observations(reachable=listing.failure or "")
    plain = await server.answer(questions.path, questions.plain)
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
        name: await server.answer(questions.path, questions.plain | fields)
        for name, fields in questions.controls.items()
    }
    own = controls.get(questions.own_control or "", plain)
    as_set = plain if own.failure else own  # the route too leaves out a refused control
    fields = questions.controls[questions.own_control] if questions.own_control and as_set is not plain else {}
    return Observations(
        works=not own.failure or own.status in _REFUSED,
        reachable=reached,
        model=model,
        answers="yes" if plain.pieces else "yes, without content",
        streams=await _streams(server, questions, plain),
        tools_stream=_tools(await server.answer(questions.path, questions.plain | fields | questions.tools)),
        responses=await _responses(server, questions),
        controls={name: _control(answer) for name, answer in controls.items()},
        first_token_seconds=as_set.first_seconds,
    )


async def _streams(server: ProbeClient, questions: Questions, plain: ProbeResult) -> str | None:
    """Whether the server streams when asked to; a route may be set not to stream."""
    answer = plain
    if not questions.plain["stream"]:
        answer = await server.answer(questions.path, questions.plain | {"stream": True})
    if answer.failure:
        return answer.failure
    if answer.whole or answer.pieces == 1:
        return "in one piece"
    return "yes" if answer.pieces else None


async def _responses(server: ProbeClient, questions: Questions) -> str:
    if questions.responses is None:
        return "yes"
    return (await server.answer("/responses", questions.responses)).failure or "yes"


def _tools(answer: ProbeResult) -> str:
    if answer.failure:
        return answer.failure
    if not answer.calls:
        return "no call made"
    return "in one piece" if answer.whole else "yes"


def _control(answer: ProbeResult) -> str:
    if answer.status in _REFUSED:
        return f"refused with status {answer.status}"
    if answer.failure:
        return answer.failure
    return "accepted, model reasons" if answer.reasons else "accepted"
