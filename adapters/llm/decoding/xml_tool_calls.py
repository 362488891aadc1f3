"""Parses tool calls in XML, ``<function=NAME><parameter=KEY>VALUE</parameter></function>`` (Qwen3-Coder); pure."""

import json
import re
from typing import Any

from adapters.contract import llm

_FUNCTION = re.compile(r"<function=([^>\s]{1,64})>")
_PARAMETER = re.compile(r"<parameter=([^>\s]{1,64})>\n?(.*?)\n?(?:</parameter>|(?=<parameter=|</function>)|\Z)", re.S)
_PYTHON = {"True": "true", "False": "false", "None": "null"}


def first_name(text: str) -> str | None:
    """The name of the first call, if it is complete."""
    found = _FUNCTION.search(text)
    return found[1] if found else None


def parse(text: str, tools: tuple[llm.Tool, ...], *, complete: bool) -> list[tuple[str, str]]:
    """The name and the arguments of each call in ``text``; the last one's are left in XML unless ``complete``."""
    functions = list(_FUNCTION.finditer(text))
    calls = []
    for number, function in enumerate(functions, 1):
        end = functions[number].start() if number < len(functions) else len(text)
        body = text[function.end() : end]
        cut_off = end == len(text) and not complete and "</function>" not in body
        calls.append((function[1], body if cut_off else _arguments(body, _properties(function[1], tools))))
    return calls


def _arguments(body: str, properties: dict[str, Any]) -> str:
    values = {key: _value(value, properties.get(key)) for key, value in _PARAMETER.findall(body)}
    return json.dumps(values, ensure_ascii=False)


def _properties(tool_name: str, tools: tuple[llm.Tool, ...]) -> dict[str, Any]:
    schema = next((tool.parameters for tool in tools if tool.name == tool_name), None)
    properties = (schema or {}).get("properties")
    return properties if isinstance(properties, dict) else {}


def _value(text: str, schema: Any) -> Any:
    """The value in the type of its schema: a string where that is a string, else what its JSON says."""
    if isinstance(schema, dict) and schema.get("type") == "string":
        return text
    try:
        return json.loads(_PYTHON.get(text, text))
    except (ValueError, RecursionError):
        return text
