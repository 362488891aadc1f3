"""Writes the body of ``POST /chat/completions``; pure."""

from base64 import b64encode
from typing import Any, assert_never

import msgspec

from adapters.contract import llm
from adapters.upstream import UpstreamOptions


def body(request: llm.Request, options: UpstreamOptions, *, openai: bool) -> dict[str, Any]:
    """The request body; ``openai`` says whether it goes to OpenAI itself, which names and refuses some fields."""
    stream = options.responses_api_stream
    fields: dict[str, Any] = {
        "model": request.model,
        "messages": _messages(request.messages),
        "stream": stream,
        "stream_options": {"include_usage": True} if stream else None,
        **_tools(request),
        "max_completion_tokens" if openai else "max_tokens": (
            request.max_output_tokens or options.responses_api_max_output_tokens
        ),
        **msgspec.structs.asdict(options.sampling(request.sampling)),
        **_reasoning(request.reasoning, openai=openai),
    }
    sent = {name: value for name, value in fields.items() if value is not None}
    return request.extra | sent | options.responses_api_extra_body


def _reasoning(reasoning: llm.Reasoning, *, openai: bool) -> dict[str, Any]:
    if reasoning.effort is not None:
        return {"reasoning_effort": reasoning.effort}
    if reasoning.disabled and not openai:
        return {"chat_template_kwargs": {"enable_thinking": False}}
    return {}


def _tools(request: llm.Request) -> dict[str, Any]:
    if not request.tools:
        return {}
    choice: Any = request.tool_choice
    if isinstance(choice, llm.NamedTool):
        choice = {"type": "function", "function": {"name": choice.name}}
    return {
        "tools": [{"type": "function", "function": _function(tool)} for tool in request.tools],
        "tool_choice": choice,
    }


def _function(tool: llm.Tool) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(tool).items() if value is not None}


def _messages(messages: tuple[llm.Message, ...]) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    for message in messages:
        calls, content = _parts(message, written)
        if calls and not content and written and written[-1]["role"] == message.role == "assistant":
            # The calls of one turn belong into one message, however the history is cut.
            written[-1].setdefault("tool_calls", []).extend(calls)
        elif calls:
            written.append({"role": message.role, "content": _content(content) or None, "tool_calls": calls})
        elif content:
            written.append({"role": message.role, "content": _content(content)})
    return written


def _parts(
    message: llm.Message, written: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[llm.Text | llm.Image | llm.Audio]]:
    """Sort a message into tool calls and content; tool results, messages of their own, are ``written`` at once."""
    calls: list[dict[str, Any]] = []
    content: list[llm.Text | llm.Image | llm.Audio] = []
    for part in message.parts:
        match part:
            case llm.Text() | llm.Image() | llm.Audio():
                content.append(part)
            case llm.ToolCall():
                function = {"name": part.name, "arguments": part.arguments}
                calls.append({"id": part.call_id, "type": "function", "function": function})
            case llm.ToolResult():
                written.append({"role": "tool", "tool_call_id": part.call_id, "content": part.output})
            case llm.Opaque():
                pass  # comes from another route
            case _:
                assert_never(part)
    return calls, content


def _content(parts: list[llm.Text | llm.Image | llm.Audio]) -> str | list[dict[str, Any]]:
    texts = [part.text for part in parts if isinstance(part, llm.Text)]
    # Plain text goes as a string: many servers' chat templates take nothing else.
    return "\n".join(texts) if len(texts) == len(parts) else [_content_part(part) for part in parts]


def _content_part(part: llm.Text | llm.Image | llm.Audio) -> dict[str, Any]:
    match part:
        case llm.Text():
            return {"type": "text", "text": part.text}
        case llm.Image():
            detail = {"detail": part.detail} if part.detail else {}
            return {"type": "image_url", "image_url": {"url": part.url, **detail}}
        case llm.Audio():
            return {
                "type": "input_audio",
                "input_audio": {"data": b64encode(part.data).decode(), "format": part.format},
            }
        case _:
            assert_never(part)
