"""``speech-to-speech check``: asks the server behind each route what it can do, and says what was seen."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from adapters.contract import llm
from adapters.llm.chat_completions import request as chat_completions
from adapters.llm.responses import request as responses
from adapters.options import pick
from adapters.upstream import OPENAI, UpstreamClient, UpstreamOptions
from adapters.upstream.probe import Observations, Questions, observe
from gateway.engines.build import build
from gateway.settings.model import GatewaySettings, Loaded, Route, engine_options

MOST_TOKENS = 16
"""Of each answer; the Responses API takes no smaller limit."""

EFFORT = "none"
"""The reasoning effort to ask for when none is set: what a voice wants."""

_PATHS = {"chat-completions": "/chat/completions", "responses-api": "/responses"}
_WRITERS = {"chat-completions": chat_completions.body, "responses-api": responses.body}
_EFFORTS = {"chat-completions": "reasoning_effort", "responses-api": "reasoning.effort"}
_THINKING = "chat_template_kwargs.enable_thinking"
_TOOL = llm.Tool(
    name="ping", description="Answers pong.", parameters={"type": "object", "properties": {}, "required": []}
)

Fields = dict[str, Any]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A server, and what to ask it on behalf of a route."""

    backend: str
    effort: str
    options: UpstreamOptions
    questions: Questions


def check(loaded: Loaded, show: Callable[[str], None]) -> int:
    """Ask, and ``show`` what was seen of one server after the other; 1 when a route cannot work as it is set.

    Of a model in this process it says that what it needs is there; it is not loaded. Raises ``BadOption`` before
    anything is asked, as serving does.
    """
    build(loaded).preflight()
    by_server: list[tuple[Target, list[str]]] = []
    for route in loaded.routes:
        backend = route.settings.llm_backend or ""
        if backend not in _PATHS:
            show(f"{route.name}: {_by_itself(route.settings)}\n")
            continue
        target = target_of(route)
        names = next((names for known, names in by_server if known == target), None)
        if names is None:
            by_server.append((target, names := []))
        names.append(route.name)
    return asyncio.run(_check(by_server, show))


async def _check(by_server: list[tuple[Target, list[str]]], show: Callable[[str], None]) -> int:
    status = 0
    for target, names in by_server:
        seen = await observe(target.options, target.questions)
        show(f"{', '.join(names)}: {_place(target)}\n{table(target, seen)}")
        if not seen.works:
            status = 1
    return status


def table(target: Target, seen: Observations) -> str:
    """What was seen, one observation a line; a dash is what was not asked or could not be seen."""
    first = seen.first_token_seconds
    cells = {
        "reachable": seen.reachable,
        "model": seen.model,
        "answers": seen.answers,
        "streams": seen.streams,
        "tools stream": seen.tools_stream,
        "Responses API": seen.responses,
        f"reasoning_effort {target.effort}": seen.controls.get(_EFFORTS["chat-completions"]),
        f"reasoning.effort {target.effort}": seen.controls.get(_EFFORTS["responses-api"]),
        f"{_THINKING} false": seen.controls.get(_THINKING),
        "time to first token": None if first is None else f"{first * 1000:.0f} ms",
        "the route can work": "yes" if seen.works else "no",
    }
    width = max(map(len, cells))
    return "".join(f"  {name:{width}}  {cell or '-'}\n" for name, cell in cells.items())


def target_of(route: Route) -> Target:
    """What to ask the server of a route whose backend is an API. Raises ``BadOption``."""
    settings = route.settings
    backend = settings.llm_backend or ""
    options = pick(settings, UpstreamOptions)
    openai = UpstreamClient(backend, options).is_openai
    effort = settings.responses_api_reasoning_effort or EFFORT

    def body(asked: llm.Request, *, of: str = backend) -> Fields:
        return _WRITERS[of](asked, options, openai=openai)

    request = _request(settings, "Count from one to five.")
    plain = body(request)
    controls = {
        name: _added(plain, body(msgspec.structs.replace(request, reasoning=reasoning)))
        for name, reasoning in {
            _EFFORTS[backend]: llm.Reasoning(effort=effort),
            _THINKING: llm.Reasoning(disabled=True),
        }.items()
    }
    controls = {name: fields for name, fields in controls.items() if fields}
    own = _EFFORTS[backend] if settings.responses_api_reasoning_effort else _THINKING
    sent = settings.responses_api_reasoning_effort or settings.responses_api_disable_thinking
    calling = msgspec.structs.replace(_request(settings, "Call the function ping."), tools=(_TOOL,))
    return Target(
        backend=backend,
        effort=effort,
        options=options,
        questions=Questions(
            path=_PATHS[backend],
            plain=plain,
            controls=controls,
            own_control=own if sent and own in controls else None,
            tools=_added(plain, body(calling)),
            responses=None if backend == "responses-api" else body(request, of="responses-api"),
        ),
    )


def _request(settings: GatewaySettings, text: str) -> llm.Request:
    return llm.Request(
        model=settings.model_name or "",
        messages=(
            llm.Message(role=settings.init_chat_role, parts=(llm.Text(text="Be brief."),)),
            llm.Message(role=settings.user_role, parts=(llm.Text(text=text),)),
        ),
        max_output_tokens=MOST_TOKENS,
    )


def _added(plain: Fields, body: Fields) -> Fields:
    """The fields that ``body`` has and ``plain`` has not, or otherwise."""
    return {name: value for name, value in body.items() if name not in plain or plain[name] != value}


def _by_itself(settings: GatewaySettings) -> str:
    """What there is to say of a backend without a server; what it needs has been found."""
    backend = settings.llm_backend or ""
    if "model_name" in engine_options("llm", backend).__struct_fields__:
        return f"{backend} finds {settings.model_name}; whether it loads in this process is seen when it is served"
    return f"{backend} answers by itself, there is no server to ask"


def _place(target: Target) -> str:
    """The backend, the model and the server, without what a URL may hide."""
    url = httpx.URL(target.options.responses_api_base_url or OPENAI).copy_with(userinfo=b"", query=None)
    return f"{target.backend}, {target.questions.plain['model']} at {url}"
