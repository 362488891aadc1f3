"""Writes the body of ``POST /chat/completions``; pure."""

from base64 import b64encode
from typing import Any, assert_never

import msgspec

from adapters.contract import llm
from adapters.contract.passthrough import PassRequest
from adapters.llm import provider_state, tool_validation
from adapters.upstream import UpstreamOptions

_SAMPLING = llm.Sampling.__struct_fields__
_AUDIO_TYPES = {"mp3": "audio/mpeg"}  # for the other formats the subtype is the format


def route(request: llm.Request, options: UpstreamOptions) -> str:
    """Where the answer to ``request`` comes from (``provider_state.route``)."""
    return provider_state.route("chat-completions", request.model, options.responses_api_base_url)


def body(request: llm.Request, options: UpstreamOptions, *, openai: bool) -> dict[str, Any]:
    """The request body; ``openai`` says whether the server is OpenAI's own, which has different fields."""
    stream = options.responses_api_stream
    fields: dict[str, Any] = {
        "model": request.model,
        "messages": _MessageWriter(options, route(request, options), openai=openai).messages(request.messages),
        "stream": stream,
        "stream_options": {"include_usage": True} if stream else None,
        **_tools(request),
        "max_completion_tokens" if openai else "max_tokens": (
            request.max_output_tokens or options.responses_api_max_output_tokens
        ),
        **msgspec.structs.asdict(options.sampling(request.sampling)),
        **_reasoning(request.reasoning, openai=openai),
        "response_format": None if request.json_answer is None else _response_format(request.json_answer),
    }
    sent = {name: value for name, value in fields.items() if value is not None}
    return request.extra | sent | options.responses_api_extra_body


def passed_body(request: PassRequest, options: UpstreamOptions, *, openai: bool) -> dict[str, Any]:
    """The client's body for the server: model and key are ours, and the limits and sampling that it leaves open.

    The usage is always asked for; nothing is stored there.
    """
    given = {name: value for name, value in request.body.items() if value is not None}
    own: dict[str, Any] = {"model": request.model}
    if request.streamed:
        own["stream_options"] = {**given.get("stream_options", {}), "include_usage": True}
    if openai or given.get("store"):  # servers that keep nothing may refuse a field that they do not know
        own["store"] = False
    if "max_tokens" not in given and "max_completion_tokens" not in given:
        own["max_completion_tokens" if openai else "max_tokens"] = options.responses_api_max_output_tokens
    own |= {name: getattr(options, f"responses_api_{name}") for name in _SAMPLING if name not in given}
    set_ = {name: value for name, value in own.items() if value is not None}
    unfit = {"metadata"} if given.get("store") else set()  # OpenAI refuses it for an answer that is not stored
    kept = {name: value for name, value in request.body.items() if name not in unfit}
    return kept | set_ | options.responses_api_extra_body


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
        "parallel_tool_calls": request.parallel_tool_calls,
    }


def _response_format(answer: llm.JsonAnswer) -> dict[str, Any]:
    if answer.schema is None:
        return {"type": "json_object"}
    fields = msgspec.structs.asdict(answer) | {"name": answer.name or "answer"}
    return {"type": "json_schema", "json_schema": {name: value for name, value in fields.items() if value is not None}}


def _function(tool: llm.Tool) -> dict[str, Any]:
    """The fields that are set; ``strict`` is off by default here, and unknown to some servers."""
    return {name: value for name, value in msgspec.structs.asdict(tool).items() if value not in (None, False)}


class _MessageParts(msgspec.Struct):
    """The parts of one message in the form of the API."""

    content: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    results: list[dict[str, Any]]


class _MessageWriter:
    """Writes messages for the server of ``route``, including what this route wants back unchanged."""

    def __init__(self, options: UpstreamOptions, route: str, *, openai: bool) -> None:
        self._options = options
        self._route = route
        self._openai = openai

    def messages(self, messages: tuple[llm.Message, ...]) -> list[dict[str, Any]]:
        """All messages; each tool result becomes a message."""
        written: list[dict[str, Any]] = []
        for message in messages:
            parts = self._parts(message)
            written += parts.results
            if not parts.content and not parts.calls and not any(isinstance(part, llm.Text) for part in message.parts):
                continue
            content = _text_or_parts(parts.content)
            back = self._back(message)
            last = written[-1] if written else {}
            if parts.calls and not parts.content and last.get("role") == message.role == "assistant":
                # All calls of one turn must be in one message, even if the history has them in several.
                last.setdefault("tool_calls", []).extend(parts.calls)
                last |= back
            elif parts.calls:
                said = {"content": content} if content else {}  # llama.cpp's Python server refuses null content
                written.append({"role": message.role, **said, "tool_calls": parts.calls, **back})
            else:
                written.append({"role": message.role, "content": content, **back})
        return written

    def _back(self, message: llm.Message) -> dict[str, Any]:
        """The fields with what the model thought. OpenAI's own server knows none."""
        given = {} if self._openai or not message.reasoning else {"reasoning_content": message.reasoning}
        kept = {name: value for data in self._replayed(message) for name, value in data.get("message", {}).items()}
        return given | kept

    def _replayed(self, message: llm.Message) -> list[dict[str, Any]]:
        return provider_state.replayed(message, self._route)

    def _parts(self, message: llm.Message) -> _MessageParts:
        signatures = {key: value for data in self._replayed(message) for key, value in data.get("calls", {}).items()}
        written = _MessageParts(content=[], calls=[], results=[])
        for part in message.parts:
            match part:
                case llm.Text():
                    if part.text:  # some servers refuse an empty text beside something else
                        written.content.append({"type": "text", "text": part.text})
                case llm.Image():
                    detail = {"detail": part.detail} if part.detail else {}
                    written.content.append({"type": "image_url", "image_url": {"url": part.url, **detail}})
                case llm.Audio():
                    written.content.append(self._audio(part))
                case llm.ToolCall():
                    function = {"name": part.name, "arguments": tool_validation.sendable(part)}
                    signature = signatures.get(part.call_id, {})
                    written.calls.append({"id": part.call_id, "type": "function", "function": function, **signature})
                case llm.ToolResult():
                    written.results.append({"role": "tool", "tool_call_id": part.call_id, "content": part.output})
                case llm.Opaque():
                    pass  # sent with the part it belongs to, or from another route
                case _:
                    assert_never(part)
        return written

    def _audio(self, part: llm.Audio) -> dict[str, Any]:
        data = b64encode(part.data).decode()
        if self._options.responses_api_audio_part == "input_audio":
            return {"type": "input_audio", "input_audio": {"data": data, "format": part.format}}
        kind = _AUDIO_TYPES.get(part.format, f"audio/{part.format}")
        return {"type": "audio_url", "audio_url": {"url": f"data:{kind};base64,{data}"}}


def _text_or_parts(content: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    # Text alone is sent as a string: the chat templates of many servers accept nothing else.
    return "\n".join(part["text"] for part in content) if all("text" in part for part in content) else content
