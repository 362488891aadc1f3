"""Writes the body of ``POST /responses``; pure."""

import re
from collections.abc import Iterable
from typing import Any, assert_never

import msgspec

from adapters.contract import llm
from adapters.contract.errors import Unsupported
from adapters.contract.passthrough import PassRequest
from adapters.llm import provider_state, tool_validation
from adapters.upstream import UpstreamOptions

# Parameters without a field in the Responses API.
_UNKNOWN = ("stop", "seed", "frequency_penalty", "presence_penalty")

_ENCRYPTED = "reasoning.encrypted_content"

# OpenAI's models that reason by default; the other models refuse a request for their reasoning.
_REASONS = re.compile(r"o\d|gpt-(?:[5-9]|\d\d)(?!.*-chat)")


def route(request: llm.Request, options: UpstreamOptions) -> str:
    """Where the answer to ``request`` comes from (``provider_state.route``)."""
    return route_of(request.model, options)


def route_of(model: str, options: UpstreamOptions) -> str:
    """Where answers of ``model`` come from (``provider_state.route``)."""
    return provider_state.route("responses-api", model, options.responses_api_base_url)


def body(request: llm.Request, options: UpstreamOptions, *, openai: bool) -> dict[str, Any]:
    """The request body; ``openai`` says whether the server is OpenAI's own. Raises ``Unsupported`` for audio."""
    sampling = options.sampling(request.sampling)
    fields: dict[str, Any] = {
        "model": request.model,
        "input": _input(request.messages, route(request, options)),
        "stream": options.responses_api_stream,
        "store": False,
        # With ``store`` off, reasoning can be sent back only in encrypted form.
        "include": [_ENCRYPTED] if openai and _may_reason(request.model, request.reasoning.effort) else None,
        **_tools(request),
        "max_output_tokens": request.max_output_tokens or options.responses_api_max_output_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        **_reasoning(request.reasoning, openai=openai),
        "text": None if request.json_answer is None else {"format": _text_format(request.json_answer)},
    }
    sent = {name: value for name, value in fields.items() if value is not None}
    return request.extra | sent | options.responses_api_extra_body


def earlier_items(request: PassRequest, options: UpstreamOptions) -> list[dict[str, Any]]:
    """The items of the history that precedes what is passed on."""
    return _input(request.history, route_of(request.model, options))


def is_given(item: dict[str, Any]) -> bool:
    """Whether ``item`` comes from a client, and not from a server or a model."""
    return item.get("role", "assistant") != "assistant" or str(item.get("type")).endswith("_output")


def passed_body(
    request: PassRequest, earlier: list[dict[str, Any]], options: UpstreamOptions, *, openai: bool
) -> dict[str, Any]:
    """The client's body for the server: model and key are ours, ``earlier`` items, and the limits that it leaves open.

    Nothing is stored there; so that reasoning can be sent back all the same, it is asked for in encrypted form.
    """
    given = {name: value for name, value in request.body.items() if value is not None}
    own: dict[str, Any] = {"model": request.model, "store": False}
    if earlier:
        asked = given.get("input", [])
        items = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
        own["input"] = [*earlier, *items]
    effort = (given.get("reasoning") or {}).get("effort")
    if openai and request.recorded and _may_reason(request.model, effort):
        own["include"] = list(dict.fromkeys([*given.get("include", []), _ENCRYPTED]))
    sampling = options.sampling(llm.Sampling())
    open_ = {
        "max_output_tokens": options.responses_api_max_output_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
    }
    own |= {name: value for name, value in open_.items() if value is not None and name not in given}
    return request.body | own | options.responses_api_extra_body


def ignored(request: llm.Request, options: UpstreamOptions) -> tuple[str, ...]:
    """The names of parameters that are set but cannot be sent."""
    sampling = options.sampling(request.sampling)
    return tuple(name for name in _UNKNOWN if getattr(sampling, name) is not None)


def _reasoning(reasoning: llm.Reasoning, *, openai: bool) -> dict[str, Any]:
    if reasoning.effort is not None:
        return {"reasoning": {"effort": reasoning.effort}}
    if reasoning.disabled and not openai:
        return {"chat_template_kwargs": {"enable_thinking": False}}
    return {}


def _may_reason(model: str, effort: str | None) -> bool:
    return bool(_REASONS.match(model)) if effort is None else effort != "none"


def _tools(request: llm.Request) -> dict[str, Any]:
    if not request.tools:
        return {}
    choice: Any = request.tool_choice
    if isinstance(choice, llm.NamedTool):
        choice = {"type": "function", "name": choice.name}
    return {
        "tools": [_function(tool) for tool in request.tools],
        "tool_choice": choice,
        "parallel_tool_calls": request.parallel_tool_calls,
    }


def _text_format(answer: llm.JsonAnswer) -> dict[str, Any]:
    if answer.schema is None:
        return {"type": "json_object"}
    fields = msgspec.structs.asdict(answer) | {"name": answer.name or "answer"}
    return {"type": "json_schema", **{name: value for name, value in fields.items() if value is not None}}


def _function(tool: llm.Tool) -> dict[str, Any]:
    fields = {name: value for name, value in msgspec.structs.asdict(tool).items() if value is not None}
    return {"type": "function", **fields}


def _input(messages: Iterable[llm.Message | dict[str, Any]], to: str) -> list[dict[str, Any]]:
    """The input items, in the order of the messages' parts; the route ``to`` gets back its own opaque items.

    What is an item already stays as it is.
    """
    items: list[dict[str, Any]] = []
    for message in messages:
        if isinstance(message, dict):
            items.append(message)
            continue
        back = [kept for data in provider_state.replayed(message, to) for kept in data["items"]]
        for part in _grouped(message.parts):
            match part:
                case list():
                    items += _take(None, back)
                    items.append(_message(message.role, part, len(items)))
                case llm.ToolCall():
                    items += _take(part.call_id, back)
                    call = {"call_id": part.call_id, "name": part.name, "arguments": tool_validation.sendable(part)}
                    items.append({"type": "function_call", **call})
                case llm.ToolResult():
                    items.append({"type": "function_call_output", "call_id": part.call_id, "output": part.output})
                case _:
                    assert_never(part)
    return items


_Content = llm.Text | llm.Image


def _grouped(parts: tuple[llm.Part, ...]) -> list[list[_Content] | llm.ToolCall | llm.ToolResult]:
    """The parts, with adjacent text and images grouped. Raises ``Unsupported`` for audio."""
    grouped: list[list[_Content] | llm.ToolCall | llm.ToolResult] = []
    for part in parts:
        match part:
            case llm.Text(text=""):
                pass  # some servers refuse an empty text beside something else
            case llm.Text() | llm.Image():
                last = grouped[-1] if grouped else None
                if isinstance(last, list):
                    last.append(part)
                else:
                    grouped.append([part])
            case llm.ToolCall() | llm.ToolResult():
                grouped.append(part)
            case llm.Audio():
                raise Unsupported(
                    "The Responses API accepts no audio: use --llm_backend chat-completions for a model that does.",
                    adapter="responses-api",
                    param="messages",
                )
            case llm.Opaque():
                pass  # sent before the part it belongs to, or from another route
            case _:
                assert_never(part)
    if not grouped and any(isinstance(part, llm.Text) for part in parts):
        grouped.append([llm.Text(text="")])
    return grouped


def _take(call_id: str | None, back: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Remove from ``back`` the items that came directly before the call ``call_id``, or before the text.

    Items before a part that is no longer in the history are not sent: the server would refuse them.
    """
    taken = [kept for kept in back if kept["before"] == call_id]
    back[:] = [kept for kept in back if kept["before"] != call_id]
    return [kept["item"] for kept in taken]


def _message(role: str, content: list[_Content], number: int) -> dict[str, Any]:
    """A message in the one form that OpenAI, vLLM, llama.cpp and transformers all accept.

    For assistant messages vLLM reads only the first part and needs id and status; llama.cpp refuses a string.
    """
    text = "\n".join(part.text for part in content if isinstance(part, llm.Text))
    if role == "assistant":
        said = {"type": "output_text", "text": text, "annotations": []}
        return {"type": "message", "role": role, "id": f"msg_{number}", "status": "completed", "content": [said]}
    if all(isinstance(part, llm.Text) for part in content):
        return {"type": "message", "role": role, "content": text}
    return {"type": "message", "role": role, "content": [_content(part) for part in content]}


def _content(part: _Content) -> dict[str, Any]:
    match part:
        case llm.Text():
            return {"type": "input_text", "text": part.text}
        case llm.Image():
            return {"type": "input_image", "image_url": part.url, "detail": part.detail or "auto"}
        case _:
            assert_never(part)
