"""The validator agrees with jsonschema where it applies all keywords, and never takes more than its steps."""

from contextlib import suppress
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.llm.json_schema import MAX_STEPS, NotValidated, SchemaValidator
from tests.adapters.llm.json_schema.hostile import NOT_APPLIED, TOO_MUCH, Schema

_VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, 1.0, -1.5, 0.5]), st.text("ab", max_size=3)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=6,
)
_TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
_NAMES = st.lists(st.sampled_from("abc"), unique=True, max_size=2)
_COUNTS = st.integers(0, 3)
_NUMBERS = st.sampled_from([-1, 0, 1, 2, 0.5])
_KEYWORDS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.one_of(_TYPES, st.lists(_TYPES, unique=True, min_size=1, max_size=2)),
    "enum": st.lists(_VALUES, min_size=1, max_size=3),
    "const": _VALUES,
    "minimum": _NUMBERS,
    "maximum": _NUMBERS,
    "exclusiveMinimum": _NUMBERS,
    "exclusiveMaximum": _NUMBERS,
    "multipleOf": st.sampled_from([1, 2, 0.5]),
    "required": _NAMES,
    "dependentRequired": st.dictionaries(st.sampled_from("abc"), _NAMES, max_size=2),
    "uniqueItems": st.booleans(),
    "format": st.just("date"),
} | dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _COUNTS)


def _with_schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    several = st.lists(inner, min_size=1, max_size=2)
    keywords = _KEYWORDS | {"properties": named, "dependentSchemas": named}
    keywords |= dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), several)
    keywords |= dict.fromkeys(
        ("items", "contains", "not", "if", "then", "else", "propertyNames", "additionalProperties"), inner
    )
    keywords |= {
        "minContains": _COUNTS,
        "maxContains": _COUNTS,
        "$ref": st.sampled_from(["#/$defs/a", "#/$defs/b~1%25"]),
    }
    return st.fixed_dictionaries({}, optional=keywords)


_SCHEMAS = st.recursive(
    st.one_of(st.booleans(), st.fixed_dictionaries({}, optional=_KEYWORDS)), _with_schemas, max_leaves=4
)
_LEAVES = st.fixed_dictionaries({}, optional=_KEYWORDS)


@settings(deadline=None)
@given(schema=_with_schemas(_SCHEMAS), definitions=st.fixed_dictionaries({"a": _LEAVES, "b/%": _LEAVES}), value=_VALUES)
def test_it_agrees_with_jsonschema(schema: Schema, definitions: Schema, value: Any) -> None:
    schema = schema | {"$defs": definitions}
    wanted = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert (SchemaValidator(schema).mismatch(value) is None) is wanted


@pytest.mark.parametrize(
    ("schema", "value", "path", "reason"),
    [
        ({"properties": {"a": {"items": {"type": "null"}}}}, {"a": [None, 1]}, ("a", 1), "is not of the type null"),
        ({"prefixItems": [True, False]}, [1, 2], (1,), "is not allowed"),
        ({"additionalProperties": {"type": "null"}}, {"a": 1}, ("a",), "is not of the type null"),
        ({"allOf": [{"properties": {"a": {"const": 1}}}]}, {"a": True}, ("a",), "is not one of the allowed values"),
        ({"enum": [{"a": [1.0, "x"]}]}, {"a": [True, "x"]}, (), "is not one of the allowed values"),
        ({"uniqueItems": True}, [1, 1.0], (), "violates the rule 'uniqueItems'"),
        ({"multipleOf": 0.1}, 0.35, (), "violates the rule 'multipleOf'"),
        (
            {"required": [f"n{n}" for n in range(99)]},
            {},
            (),
            "is missing 'n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7' and others",
        ),
    ],
)
def test_the_first_violation_is_told_with_its_place(schema: Schema, value: Any, path: Any, reason: str) -> None:
    found = SchemaValidator(schema).mismatch(value)
    assert found is not None
    assert (found.path, found.reason) == (path, reason)


def test_decimal_fractions_are_multiples() -> None:
    assert SchemaValidator({"multipleOf": 0.1}).mismatch(0.3) is None
    assert SchemaValidator({"multipleOf": 0.01}).mismatch(19.99) is None


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"exclusiveMinimum": True}, 1),  # draft 4
        ({"items": [{"type": "string"}]}, ["x"]),  # draft 7
        ({"multipleOf": 0}, 1),
        ({"multipleOf": 1.5}, 10**400),
        ({"$ref": "#/nowhere"}, 1),
        ({"$ref": "#/allOf/9", "allOf": [True]}, 1),
        ({"$ref": "#"}, 1),
        ({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, 1),
        ({"oneOf": [{"pattern": "x"}, {"pattern": "y"}]}, "x"),
        ({"not": {"pattern": "x"}}, "y"),
        ({"if": {"pattern": "x"}, "then": False}, "y"),
        ({"contains": {"pattern": "x"}, "maxContains": 0}, ["y"]),
        ({"not": {"patternProperties": {"x": False}, "additionalProperties": False}}, {"y": 1}),
    ],
)
def test_what_cannot_be_judged_is_not_validated(schema: Schema, value: Any) -> None:
    with pytest.raises(NotValidated):
        SchemaValidator(schema).mismatch(value)


def test_a_rule_that_is_not_applied_does_not_hide_the_others() -> None:
    schema = {"properties": {"a": {"pattern": "^x"}}, "patternProperties": {"b": False}, "required": ["c"]}
    found = SchemaValidator(schema).mismatch({"a": "y", "b": 1})
    assert found is not None
    assert found.reason == "is missing 'c'"


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_takes_too_many_steps_is_given_up(name: str) -> None:
    schema, value = TOO_MUCH[name]
    validator = SchemaValidator(schema)
    with pytest.raises(NotValidated):
        validator.mismatch(value)
    assert validator.budget.used - MAX_STEPS <= 50_000  # the last keyword, which was too long, has not been applied


@pytest.mark.parametrize("name", NOT_APPLIED)
def test_what_is_not_applied_costs_nothing(name: str) -> None:
    schema, value = NOT_APPLIED[name]
    validator = SchemaValidator(schema)
    with suppress(NotValidated):
        assert validator.mismatch(value) is None
    assert validator.budget.used < 500


def test_the_steps_are_enough_for_a_large_call() -> None:
    row = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}, "required": ["id"]}
    schema = {"properties": {"rows": {"type": "array", "items": row}}}
    rows: list[dict[str, Any]] = [{"id": n, "name": "x"} for n in range(250)]
    assert SchemaValidator(schema).mismatch({"rows": rows}) is None
    rows[-1]["id"] = "x"
    assert SchemaValidator(schema).mismatch({"rows": rows}) is not None


def test_fewer_steps_may_be_set() -> None:
    with pytest.raises(NotValidated):
        SchemaValidator({"enum": [1, 2, 3]}, max_steps=3).mismatch(3)
