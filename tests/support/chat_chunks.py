"""Builds the chunks of a chat completion and reads them with the adapter's reader."""

from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.checks import llm_grammar
from adapters.contract.engine import Started
from adapters.llm.chat_completions.events import ChatCompletionReader
from adapters.upstream import UpstreamClient, UpstreamOptions

ERRORS = UpstreamClient("chat-completions", UpstreamOptions(responses_api_base_url="http://localhost:1/v1")).errors
USAGE = {"prompt_tokens": 3, "completion_tokens": 2}


def delta(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    """A chunk with one delta."""
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


def tool(index: Any, call_id: str | None = None, name: str | None = None, arguments: Any = None) -> dict[str, Any]:
    """A chunk with one piece of a tool call."""
    return delta(tool_calls=[{"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}])


def read(*chunks: Any, tools: tuple[llm.Tool, ...] = ()) -> list[Any]:
    """The contract's events of a complete answer to a request with ``tools``, checked against the grammar."""
    reader = ChatCompletionReader(ERRORS, tools=tools)
    found: list[Any] = [event for chunk in chunks for event in reader.feed(msgspec.json.encode(chunk))]
    found += reader.finish()
    if found[-1].usage:
        llm_grammar([Started(), *found])
    return found


def calls(*chunks: Any) -> list[tuple[str, str, str]]:
    """Id, name and arguments of each tool call in an answer of ``chunks``."""
    found = read(*chunks, delta("tool_calls"), {"choices": [], "usage": USAGE})
    assert found[-1].reason == "tool_calls"
    return [(event.call_id, event.name, event.arguments) for event in found if isinstance(event, llm.ToolCallFinished)]
