"""The form of an answer's text becomes what models are asked for."""

from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.wire.answer_form import JsonFormat, JsonSchema, TextFormat, json_answer

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def test_forms() -> None:
    assert json_answer(None, "p") is json_answer(TextFormat(), "p") is None
    assert json_answer(JsonFormat(), "p") == llm.JsonAnswer()
    schema = JsonSchema(name="city", description="A city.", schema=SCHEMA, strict=True)
    assert json_answer(schema, "p") == llm.JsonAnswer(name="city", description="A city.", schema=SCHEMA, strict=True)


def test_a_schema_that_is_too_deep() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"items": deep}
    with pytest.raises(InvalidRequest, match=r"'text\.format\.schema': nested too deeply") as refusal:
        json_answer(JsonSchema(name="n", schema=deep), "text.format.schema")
    assert refusal.value.param == "text.format.schema"


def test_a_name_is_at_most_64_characters_long() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "x" * 65}, JsonSchema)
