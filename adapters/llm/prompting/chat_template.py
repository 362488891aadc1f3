"""Prepares a request for the chat template of a local model; pure."""

import hashlib
import re
from functools import lru_cache
from typing import Any, assert_never

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unsupported
from adapters.llm import tool_validation
from adapters.llm.decoding import reasoning_parser
from adapters.llm.decoding.special_tokens import is_marker

_MOST_IMAGES = 16  # of up to 20 MB each
_TOOLS = re.compile(r"\btools\b")
_TRUSTED = ("system", "developer")  # who runs the service wrote them


def messages(request: llm.Request, *, images: bool, special: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """The messages as ``apply_chat_template`` takes them, in text and dicts alone: nothing of them is fetched.

    ``content`` is a string; with ``images``, for a processor, it is a list of ``{"type": "text", "text": …}`` and
    ``{"type": "image"}``, the latter in the order of ``pictures(request)``. Raises ``Unsupported`` for images that are
    not taken, and for audio.

    A tokenizer takes the names of its ``special`` tokens for those tokens, whoever wrote them: with ``<|im_end|>`` a
    user could end the message and begin one of the system. In all but system messages they get a space.
    """
    written: list[dict[str, Any]] = []
    names = {
        part.call_id: part.name
        for message in request.messages
        for part in message.parts
        if isinstance(part, llm.ToolCall)
    }
    for message in request.messages:
        parts = _parts(message, names, frozenset() if message.role in _TRUSTED else special)
        written += parts.results
        content = _content(parts.content, images=images)
        # Templates know developers seldom, and leave messages of roles out that they do not know.
        role = "system" if message.role == "developer" else message.role
        last = written[-1] if written else {}
        if parts.calls and not parts.content and last.get("role") == role == "assistant":
            # The calls of one turn belong into one message, however the history is cut.
            last.setdefault("tool_calls", []).extend(parts.calls)
        elif parts.calls:
            written.append({"role": role, "content": content, "tool_calls": parts.calls})
        elif parts.content:
            written.append({"role": role, "content": content})
    return written


def pictures(request: llm.Request) -> list[llm.Image]:
    """The images of a request in the order of their places in ``messages``. Raises ``InvalidRequest`` for too many."""
    found = [part for message in request.messages for part in message.parts if isinstance(part, llm.Image)]
    if len(found) > _MOST_IMAGES:
        raise InvalidRequest(
            f"The conversation has {len(found)} images, and a model takes {_MOST_IMAGES} at most: leave some out.",
            param="messages",
        )
    return found


def tools(request: llm.Request) -> list[dict[str, Any]] | None:
    """The tools as chat templates take them: nested functions; ``None`` when none may be called."""
    if not request.tools or request.tool_choice == "none":
        return None
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description or "",
                "parameters": tool.parameters or {"type": "object", "properties": {}},
            },
        }
        for tool in request.tools
    ]


def takes_tools(template: str) -> bool:
    """Whether the chat template says anything about tools; one that does not leaves them out in silence."""
    return _TOOLS.search(template) is not None


def template_options(request: llm.Request) -> dict[str, Any]:
    """What else chat templates are given: ``enable_thinking``, and ``reasoning_effort`` when one is set."""
    effort = request.reasoning.effort
    thinking = {"enable_thinking": reasoning_parser.thinks(request.reasoning)}
    return thinking if effort in (None, "none") else thinking | {"reasoning_effort": effort}


def forced(request: llm.Request, template: str, prompt: str = "") -> str | None:
    """What the answer is made to begin with so that it calls a tool, by the format of the chat ``template``.

    ``None`` when the choice is the model's. ``prompt`` is the rendered prompt: thinking that it opened is closed first.
    The text is appended to the prompt before it becomes tokens, and given to ``Writing`` as ``begun``.
    Raises ``Unsupported`` when the request has tools and the template takes none.
    """
    if tools(request) is None:
        return None
    if not takes_tools(template):
        raise Unsupported(
            "The chat template of this model takes no tools: leave them out, or choose a model that calls tools.",
            param="tools",
        )
    choice = request.tool_choice
    if isinstance(choice, llm.NamedTool):
        name = choice.name
    elif choice == "required":
        name = request.tools[0].name if len(request.tools) == 1 else ""
    else:
        return None
    closing = reasoning_parser.opened_thinking(prompt)
    return (f"{closing}\n\n" if closing else "") + _begun(name, template)


def refused(error: Exception, adapter: str) -> InvalidRequest:
    """The error for messages that the chat template of the model does not take.

    Templates refuse by jinja2's ``TemplateError``, whose message is the template's own; what else goes wrong in one
    (``TypeError``, …) is told by its kind alone.
    """
    why = str(error)[:200] if type(error).__module__.startswith("jinja2") else type(error).__name__
    return InvalidRequest(
        f"The chat template of the model refuses these messages: {why}", adapter=adapter, param="messages"
    )


class _Parts(msgspec.Struct):
    """What becomes of the parts of one message."""

    content: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    results: list[dict[str, Any]]


def _parts(message: llm.Message, names: dict[str, str], special: frozenset[str]) -> _Parts:
    written = _Parts(content=[], calls=[], results=[])
    for part in message.parts:
        match part:
            case llm.Text():
                if part.text:
                    written.content.append({"type": "text", "text": _spaced(part.text, special)})
            case llm.Image():
                written.content.append({"type": "image"})
            case llm.Audio():
                raise Unsupported("This model hears no audio: send text.", param="messages")
            case llm.ToolCall():
                # Nearly all templates write the arguments as JSON themselves.
                function = {"name": part.name, "arguments": msgspec.json.decode(tool_validation.sendable(part))}
                written.calls.append({"id": _short(part.call_id), "type": "function", "function": function})
            case llm.ToolResult():
                name = {"name": names[part.call_id]} if part.call_id in names else {}
                output = _spaced(part.output, special)
                result = {"role": "tool", "tool_call_id": _short(part.call_id), "content": output}
                written.results.append(result | name)
            case llm.Opaque():
                pass  # belongs to another route
            case _:
                assert_never(part)
    return written


def _spaced(text: str, special: frozenset[str]) -> str:
    """``text`` with a space in the names of ``special`` tokens."""
    names = _names(special)
    return names.sub(lambda name: f"{name[0][0]} {name[0][1:]}", text) if names else text


@lru_cache(maxsize=16)
def _names(special: frozenset[str]) -> re.Pattern[str] | None:
    found = sorted(filter(is_marker, special), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, found))) if found else None


def _content(content: list[dict[str, Any]], *, images: bool) -> str | list[dict[str, Any]]:
    if images:
        return content
    if any(part["type"] == "image" for part in content):
        raise Unsupported("This model sees no images: choose one that does, with --llm_is_vlm.", param="messages")
    return "\n".join(part["text"] for part in content)


def _short(call_id: str) -> str:
    """The id as Mistral's templates want it, nine letters and digits; no other model reads it."""
    return hashlib.sha256(call_id.encode()).hexdigest()[:9]


def _begun(name: str, template: str) -> str:
    """The beginning of a call in the format that ``template`` shows; of any tool when there is no ``name``."""
    if "<|channel|>" in template:  # Harmony
        begun, named = "<|channel|>commentary to=functions.", f"{name} <|constrain|>json<|message|>"
    elif "[TOOL_CALLS]" in template and "[ARGS]" in template:
        begun, named = "[TOOL_CALLS]", f"{name}[ARGS]"
    elif "[TOOL_CALLS]" in template:
        begun, named = '[TOOL_CALLS][{"name": "', f'{name}", "arguments": '
    elif "<function=" in template:  # Qwen3-Coder
        begun, named = "<tool_call>\n<function=", f"{name}>\n"
    elif "<tool_call>" not in template and ("<|python_tag|>" in template or '"parameters": dictionary' in template):
        begun, named = '{"name": "', f'{name}", "parameters": '  # Llama 3
    else:
        begun, named = '<tool_call>\n{"name": "', f'{name}", "arguments": '
    return begun + named if name else begun
