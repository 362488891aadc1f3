"""Prepares a request for the chat template of a local model; pure."""

import hashlib
import re
from functools import lru_cache
from typing import Any, assert_never

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unsupported
from adapters.llm import reasoning, tool_validation

_MAX_IMAGES = 16  # of up to 20 MB each
_TOOLS = re.compile(r"\btools\b")
_TRUSTED_ROLES = ("system", "developer")  # written by the operator


def messages(request: llm.Request, *, images: bool, special: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """The messages as ``apply_chat_template`` takes them, in strings and dicts only; no image is fetched.

    ``content`` is a string; with ``images``, for a processor, it is a list of ``{"type": "text", "text": …}`` and
    ``{"type": "image"}``, the latter in the order of ``images_of(request)``. Raises ``Unsupported`` for audio, and for
    images that the model does not take.

    A tokenizer turns the names of its ``special`` tokens into those tokens, wherever they come from: with
    ``<|im_end|>`` a user could end the message and begin one of the system. So in all but system messages a space is
    put into them.
    """
    written: list[dict[str, Any]] = []
    names = {
        part.call_id: part.name
        for message in request.messages
        for part in message.parts
        if isinstance(part, llm.ToolCall)
    }
    for message in request.messages:
        spaced = frozenset[str]() if message.role in _TRUSTED_ROLES else special
        parts = _template_parts(message, names, spaced)
        written += parts.results
        content = _content(parts.content, images=images)
        # Few templates know the role developer, and templates leave out messages of a role that they do not know.
        role = "system" if message.role == "developer" else message.role
        thought = {"reasoning_content": _without_special(message.reasoning, spaced)} if message.reasoning else {}
        last = written[-1] if written else {}
        if parts.calls and not parts.content and last.get("role") == role == "assistant":
            # The calls of one turn belong into one message, however the history is cut.
            last.setdefault("tool_calls", []).extend(parts.calls)
            last |= thought
        elif parts.calls:
            written.append({"role": role, "content": content, "tool_calls": parts.calls, **thought})
        elif parts.content or any(isinstance(part, llm.Text) for part in message.parts):
            written.append({"role": role, "content": content, **thought})
    return written


def single_calls(messages: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """``messages`` with one call in each, followed by its result; ``None`` if that is how they are.

    Llama 3.1's template takes no more than one, and refuses every later turn after an answer with two.
    """
    if all(len(message.get("tool_calls", ())) < 2 for message in messages):
        return None
    results = {message["tool_call_id"]: message for message in messages if message["role"] == "tool"}
    written: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "tool":
            if results.pop(message["tool_call_id"], None):  # else it was written after its call
                written.append(message)
            continue
        calls = message.get("tool_calls", [])
        written.append(message | {"tool_calls": calls[:1]} if calls else message)
        for number, call in enumerate(calls):
            if number:
                written.append({"role": message["role"], "content": "", "tool_calls": [call]})
            if call["id"] in results:
                written.append(results.pop(call["id"]))
    return written


def images_of(request: llm.Request) -> list[llm.Image]:
    """The images of a request in the order of their places in ``messages``. Raises ``InvalidRequest`` for too many."""
    found = [part for message in request.messages for part in message.parts if isinstance(part, llm.Image)]
    if len(found) > _MAX_IMAGES:
        raise InvalidRequest(
            f"The conversation has {len(found)} images; the maximum is {_MAX_IMAGES}: remove some.", param="messages"
        )
    return found


def callable_tools(request: llm.Request) -> tuple[llm.Tool, ...]:
    """The tools that the answer may call."""
    return () if request.tool_choice == "none" else request.tools


def tools(request: llm.Request) -> list[dict[str, Any]] | None:
    """The tools as chat templates take them: nested functions; ``None`` when none may be called."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description or "",
                "parameters": tool.parameters or {"type": "object", "properties": {}},
            },
        }
        for tool in callable_tools(request)
    ] or None


def takes_tools(template: str) -> bool:
    """Whether the chat template mentions tools; one that does not would leave them out silently."""
    return _TOOLS.search(template) is not None


def template_options(request: llm.Request) -> dict[str, Any]:
    """Further arguments of chat templates: ``enable_thinking``, and ``reasoning_effort`` when one is set."""
    effort = request.reasoning.effort
    thinking = {"enable_thinking": reasoning.is_enabled(request.reasoning)}
    return thinking if effort in (None, "none") else thinking | {"reasoning_effort": effort}


def template_error(error: Exception, adapter: str) -> InvalidRequest:
    """The error for messages that the chat template of the model does not take.

    Templates refuse messages with jinja2's ``TemplateError``, whose text is the template's own; of any other exception
    only the class is named.
    """
    why = str(error)[:200] if type(error).__module__.startswith("jinja2") else type(error).__name__
    return InvalidRequest(
        f"The chat template of the model refuses these messages: {why}", adapter=adapter, param="messages"
    )


class _TemplateParts(msgspec.Struct):
    """The parts of one message as the template takes them."""

    content: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    results: list[dict[str, Any]]


def _template_parts(message: llm.Message, names: dict[str, str], special: frozenset[str]) -> _TemplateParts:
    written = _TemplateParts(content=[], calls=[], results=[])
    for part in message.parts:
        match part:
            case llm.Text():
                if part.text:
                    written.content.append({"type": "text", "text": _without_special(part.text, special)})
            case llm.Image():
                written.content.append({"type": "image"})
            case llm.Audio():
                raise Unsupported("This model takes no audio: send text.", param="messages")
            case llm.ToolCall():
                # Nearly all templates encode the arguments as JSON themselves.
                function = {"name": part.name, "arguments": msgspec.json.decode(tool_validation.sendable(part))}
                written.calls.append({"id": _short_id(part.call_id), "type": "function", "function": function})
            case llm.ToolResult():
                name = {"name": names[part.call_id]} if part.call_id in names else {}
                output = _without_special(part.output, special)
                result = {"role": "tool", "tool_call_id": _short_id(part.call_id), "content": output}
                written.results.append(result | name)
            case llm.Opaque():
                pass  # belongs to another route
            case _:
                assert_never(part)
    return written


def _without_special(text: str, special: frozenset[str]) -> str:
    """``text`` with a space in the names of ``special`` tokens."""
    pattern = _special_pattern(special)
    return pattern.sub(lambda name: f"{name[0][0]} {name[0][1:]}", text) if pattern else text


@lru_cache(maxsize=16)
def _special_pattern(special: frozenset[str]) -> re.Pattern[str] | None:
    names = sorted(special, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, names))) if names else None


def _content(content: list[dict[str, Any]], *, images: bool) -> str | list[dict[str, Any]]:
    if images:
        return content
    if any(part["type"] == "image" for part in content):
        raise Unsupported("This model takes no images: choose a vision model, with --llm_is_vlm.", param="messages")
    return "\n".join(part["text"] for part in content)


def _short_id(call_id: str) -> str:
    """The id as Mistral's templates require it, nine letters and digits; no other model reads it."""
    return hashlib.sha256(call_id.encode()).hexdigest()[:9]
