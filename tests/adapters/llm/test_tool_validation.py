from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.llm import tool_validation
from adapters.llm.json_schema import MAX_STEPS
from tests.adapters.llm.json_schema.hostile import NOT_APPLIED, TOO_MUCH
from tests.support.call_count import calls_of

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": ["integer", "null"], "minimum": 1},
        "unit": {"enum": ["metric", "imperial"]},
        "stops": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
    },
    "required": ["city"],
    "additionalProperties": False,
}
_TOOLS = (llm.Tool(name="weather", parameters=_SCHEMA), llm.Tool(name="time"))


def fault(arguments: str, schema: dict[str, Any] | None = None) -> str | None:
    return tool_validation.fault(
        "weather", arguments, (llm.Tool(name="weather", parameters=schema),) if schema else _TOOLS
    )


def test_a_call_that_fits_has_no_fault() -> None:
    assert tool_validation.finished("1", "weather", '{"city": "Paris", "days": 2}', _TOOLS).invalid is None
    assert tool_validation.finished("1", "time", '{"any": "thing"}', _TOOLS).invalid is None
    assert tool_validation.finished("1", "dance", "{}").invalid is None  # the tools are not known


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("{", "are not valid JSON"),
        ("[" * 100_000, "are not valid JSON"),
        ("[]", "are not a JSON object"),
        ("{}", "the object is missing 'city'"),
        ('{"city": 421}', "'city' is not of the type string"),
        ('{"city": "Paris", "days": "421"}', "'days' is not of the type integer or null"),
        ('{"city": "Paris", "days": -421}', "'days' violates the rule 'minimum'"),
        ('{"city": "Paris", "unit": "421"}', "'unit' is not one of the allowed values"),
        ('{"city": "Paris", "421": 1}', "the object has properties that the schema does not name"),
        ('{"city": "Paris", "stops": [{"name": "x"}, {"name": 421}]}', "'stops.1.name' is not of the type string"),
    ],
)
def test_a_fault_is_told_without_the_values(arguments: str, why: str) -> None:
    told = tool_validation.finished("1", "weather", arguments, _TOOLS).invalid
    assert told
    assert why in told
    assert "421" not in told


def test_a_tool_that_the_request_has_not() -> None:
    assert (
        tool_validation.fault("dance", "{}", _TOOLS)
        == "The model called 'dance', which is not among the request's tools."
    )
    assert len(tool_validation.fault("x" * 1000, "{}", _TOOLS) or "") < 200


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"type": ["string", 3]},
        {"properties": 5},
        {"properties": {"city": {"pattern": "("}}},
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
        {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"allOf": 3},
    ],
)
def test_a_schema_that_is_none_faults_nothing(schema: dict[str, Any]) -> None:
    assert fault('{"city": "Paris"}', schema) is None


def test_nothing_is_fetched_for_a_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[object] = []
    monkeypatch.setattr("urllib.request.urlopen", lambda *asked, **_: fetched.append(asked))
    assert fault("{}", {"$ref": "http://127.0.0.1/schema.json"}) is None
    assert not fetched


def test_what_servers_take_back() -> None:
    assert tool_validation.sendable(llm.ToolCall(call_id="1", name="x", arguments='{"a": 1}')) == '{"a": 1}'
    assert tool_validation.sendable(llm.ToolCall(call_id="1", name="x", arguments='{"a": ')) == "{}"


@pytest.mark.parametrize("name", TOO_MUCH | NOT_APPLIED)
def test_no_schema_makes_it_work_for_long(name: str) -> None:
    schema, arguments = (TOO_MUCH | NOT_APPLIED)[name]
    text = msgspec.json.encode(arguments).decode()
    tools = (llm.Tool(name="weather", parameters=schema),)
    told: list[str | None] = []
    calls_of(lambda: told.append(tool_validation.fault("weather", text, tools)), limit=10 * MAX_STEPS)
    assert told == [None]
