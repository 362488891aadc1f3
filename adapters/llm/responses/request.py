"""Writes the body of ``POST /responses``; pure."""

from typing import Any, assert_never

import msgspec

from adapters.contract import llm
from adapters.contract.errors import Unsupported
from adapters.upstream import UpstreamOptions

# What the Responses API has no field for.
_UNKNOWN = ("stop", "seed", "frequency_penalty", "presence_penalty")


def body(request: llm.Request, options: UpstreamOptions, *, openai: bool) -> dict[str, Any]:
    """The request body; ``openai`` says whether it goes to OpenAI itself. Raises ``Unsupported`` for audio."""
    sampling = options.sampling(request.sampling)
    fields: dict[str, Any] = {
        "model": request.model,
        "input": [item for message in request.messages for item in _items(message)],
        "stream": options.responses_api_stream,
        "store": False,
        **_tools(request),
        "max_output_tokens": request.max_output_tokens or options.responses_api_max_output_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        **_reasoning(request.reasoning, openai=openai),
    }
    sent = {name: value for name, value in fields.items() if value is not None}
    return request.extra | sent | options.responses_api_extra_body


def ignored(request: llm.Request, options: UpstreamOptions) -> tuple[str, ...]:
    """The names of the parameters that are set and cannot be sent."""
    sampling = options.sampling(request.sampling)
    return tuple(name for name in _UNKNOWN if getattr(sampling, name) is not None)


def _reasoning(reasoning: llm.Reasoning, *, openai: bool) -> dict[str, Any]:
    if reasoning.effort is not None:
        return {"reasoning": {"effort": reasoning.effort}}
    if reasoning.disabled and not openai:
        return {"chat_template_kwargs": {"enable_thinking": False}}
    return {}


def _tools(request: llm.Request) -> dict[str, Any]:
    if not request.tools:
        return {}
    choice: Any = request.tool_choice
    if isinstance(choice, llm.NamedTool):
        choice = {"type": "function", "name": choice.name}
    return {"tools": [_function(tool) for tool in request.tools], "tool_choice": choice}


def _function(tool: llm.Tool) -> dict[str, Any]:
    fields = {name: value for name, value in msgspec.structs.asdict(tool).items() if value is not None}
    return {"type": "function", **fields}


def _items(message: llm.Message) -> list[dict[str, Any]]:
    """The input items of one message, in the order of its parts."""
    items: list[dict[str, Any]] = []
    for part in message.parts:
        match part:
            case llm.Text() | llm.Image():
                content = _content(part, message.role)
                if items and items[-1]["type"] == "message":
                    items[-1]["content"].append(content)
                else:
                    items.append({"type": "message", "role": message.role, "content": [content]})
            case llm.ToolCall():
                call = {"call_id": part.call_id, "name": part.name, "arguments": part.arguments}
                items.append({"type": "function_call", **call})
            case llm.ToolResult():
                items.append({"type": "function_call_output", "call_id": part.call_id, "output": part.output})
            case llm.Audio():
                raise Unsupported(
                    "The Responses API takes no audio: choose --llm_backend chat-completions for a model that listens.",
                    adapter="responses-api",
                    param="input",
                )
            case llm.Opaque():
                pass  # comes from another route
            case _:
                assert_never(part)
    return items


def _content(part: llm.Text | llm.Image, role: str) -> dict[str, Any]:
    match part:
        case llm.Text() if role == "assistant":
            return {"type": "output_text", "text": part.text, "annotations": []}
        case llm.Text():
            return {"type": "input_text", "text": part.text}
        case llm.Image():
            return {"type": "input_image", "image_url": part.url, "detail": part.detail or "auto"}
        case _:
            assert_never(part)
