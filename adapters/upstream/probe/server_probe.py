"""The probe of an OpenAI-compatible server: what to ask it on behalf of one engine, and the report in words."""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from adapters.contract import llm
from adapters.contract.probe import ProbeReport
from adapters.upstream.client import UpstreamClient
from adapters.upstream.options import OPENAI, UpstreamOptions
from adapters.upstream.probe import Observations, Questions, observe

EFFORT = "none"
"""The reasoning effort to ask for when none is set: the one that suits a voice."""

_RESPONSES = "/responses"
_THINKING = "chat_template_kwargs.enable_thinking"
_TOOL = llm.Tool(
    name="ping", description="Answers pong.", parameters={"type": "object", "properties": {}, "required": []}
)

Fields = dict[str, Any]


class ProbedApi(msgspec.Struct, frozen=True, kw_only=True):
    """One of the APIs of such a server: the engine that uses it, its path, and how it writes a request.

    ``effort_field`` is the name of its field for the reasoning effort; ``write`` gets the request, the options and
    whether the server is OpenAI itself.
    """

    engine: str
    path: str
    effort_field: str
    write: Callable[[llm.Request, UpstreamOptions, bool], Fields]


class ServerProbe(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask one server; satisfies ``adapters.contract.probe.Probe``."""

    engine: str
    effort: str
    effort_field: str
    options: UpstreamOptions
    questions: Questions

    @property
    def target(self) -> str:
        """The engine, the model and the server, without what a URL may hold of secrets."""
        url = httpx.URL(self.options.responses_api_base_url or OPENAI).copy_with(userinfo=b"", query=None)
        return f"{self.engine}, {self.questions.plain['model']} at {url}"

    async def run(self) -> ProbeReport:
        """Ask the server and describe what was seen."""
        seen = await observe(self.options, self.questions)
        return ProbeReport(observations=self._described(seen), works=seen.works)

    def _described(self, seen: Observations) -> dict[str, str | None]:
        first = seen.first_token_seconds
        return {
            "reachable": seen.reachable,
            "model": seen.model,
            "answers": seen.answers,
            "streams": seen.streams,
            "tools stream": seen.tools_stream,
            "Responses API": seen.responses,
            f"{self.effort_field} {self.effort}": seen.controls.get(self.effort_field),
            f"{_THINKING} false": seen.controls.get(_THINKING),
            "time to first token": None if first is None else f"{first * 1000:.0f} ms",
        }


def server_probe(api: ProbedApi, options: UpstreamOptions, request: llm.Request) -> ServerProbe:
    """What to ask the server of ``options`` through ``api``. Raises ``BadOption``."""
    openai = UpstreamClient(api.engine, options).is_openai

    def body(**changes: Any) -> Fields:
        return api.write(msgspec.structs.replace(request, **changes), options, openai)

    effort = request.reasoning.effort or EFFORT
    plain = body(reasoning=llm.Reasoning())
    controls = {
        name: _added(plain, body(reasoning=reasoning))
        for name, reasoning in {
            api.effort_field: llm.Reasoning(effort=effort),
            _THINKING: llm.Reasoning(disabled=True),
        }.items()
    }
    controls = {name: fields for name, fields in controls.items() if fields}
    own = api.effort_field if request.reasoning.effort else _THINKING
    sent = request.reasoning.effort or request.reasoning.disabled
    calling = (llm.Message(role=request.messages[-1].role, parts=(llm.Text(text="Call the function ping."),)),)
    return ServerProbe(
        engine=api.engine,
        effort=effort,
        effort_field=api.effort_field,
        options=options,
        questions=Questions(
            path=api.path,
            plain=plain,
            controls=controls,
            own_control=own if sent and own in controls else None,
            tools=_added(
                plain,
                body(reasoning=llm.Reasoning(), tools=(_TOOL,), messages=(*request.messages[:-1], *calling)),
            ),
            responses=None if api.path == _RESPONSES else _responses_body(request, options),
        ),
    )


def _responses_body(request: llm.Request, options: UpstreamOptions) -> Fields:
    """The smallest body that shows whether the server has the Responses API."""
    texts = [part.text for part in request.messages[-1].parts if isinstance(part, llm.Text)]
    sampling = options.sampling(request.sampling)
    fields = {
        "model": request.model,
        "input": " ".join(texts),
        "stream": options.responses_api_stream,
        "store": False,
        "max_output_tokens": request.max_output_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
    }
    return {name: value for name, value in fields.items() if value is not None} | options.responses_api_extra_body


def _added(plain: Fields, body: Fields) -> Fields:
    """The fields of ``body`` that ``plain`` does not have, or has with another value."""
    return {name: value for name, value in body.items() if name not in plain or plain[name] != value}
