"""Builds the events of a response and reads them with the adapter's reader."""

from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.checks import llm_grammar
from adapters.contract.engine import Started
from adapters.llm.responses.events import ResponsesReader
from adapters.upstream import UpstreamClient, UpstreamOptions

ERRORS = UpstreamClient("responses-api", UpstreamOptions(responses_api_base_url="http://localhost:1/v1")).errors
USAGE = {
    "input_tokens": 3,
    "input_tokens_details": {"cached_tokens": 1},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
}
COUNTED = llm.Usage(input_tokens=3, output_tokens=5, cached_tokens=1, reasoning_tokens=2)


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """The event ``response.KIND``."""
    return {"type": f"response.{kind}", "sequence_number": 0, **fields}


def end(status: str = "completed", **fields: Any) -> dict[str, Any]:
    """The last event of a response."""
    return event(status, response={"status": status, "usage": USAGE, "output": [], **fields})


def call(arguments: str = "", item_id: str | None = "fc_1", call_id: str = "call_1", name: str = "f") -> dict[str, Any]:
    """A function call item."""
    return {"type": "function_call", "id": item_id, "call_id": call_id, "name": name, "arguments": arguments}


def read(*received: Any, tools: tuple[llm.Tool, ...] = ()) -> list[Any]:
    """The contract's events of a complete answer to a request with ``tools``, checked against the grammar."""
    reader = ResponsesReader(ERRORS, tools=tools)
    found = [made for one in received for made in reader.feed(msgspec.json.encode(one))]
    found += reader.finish()
    llm_grammar([Started(), *found])
    return found


def calls(*received: Any) -> list[tuple[str, str, str]]:
    """Id, name and arguments of each tool call in a response of ``received``."""
    found = read(*received, end())
    assert found[-1].reason == "tool_calls"
    return [(made.call_id, made.name, made.arguments) for made in found if isinstance(made, llm.ToolCallFinished)]
