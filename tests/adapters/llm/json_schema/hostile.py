"""Schemas and arguments that were made to keep a validator busy, by name."""

from typing import Any

Schema = dict[str, Any]


def nested(levels: int, key: str = "a") -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {key: value}
    return value


def nested_lists(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def _doubled(levels: int, keyword: str) -> Schema:
    """Definitions, each of which applies the next one twice."""
    definitions: Schema = {f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": definitions | {f"d{levels}": keyword != "anyOf"}}


def _repeated(keyword: str, inner: str = "a") -> Schema:
    return {keyword: [{"properties": {inner: {"$ref": "#"}}}] * 12}


_ITEMS: dict[str, Any] = {"items": [0] * 5000}
_OBJECTS: dict[str, Any] = {"items": [{"a": 1}] * 5000}
_MANY = [f"name{n}" for n in range(50_000)]
_WORD = "a" * 60 + "!"
_INTEGERS_OF_ONE_HASH = [n * (2**61 - 1) for n in range(1, 8000)]


def _of_items(schema: Schema) -> Schema:
    return {"properties": {"items": {"items": schema}}}


TOO_MUCH: dict[str, tuple[Schema, dict[str, Any]]] = {
    "allOf of references to the whole": (_repeated("allOf"), nested(5)),
    "anyOf whose branches fail late": (
        {"anyOf": [{"properties": {"a": {"$ref": "#"}}, "required": ["b"]}] * 12},
        nested(8),
    ),
    "oneOf of references to the whole": (_repeated("oneOf"), nested(5)),
    "not inside not": ({"allOf": [{"not": {"not": {"properties": {"a": {"$ref": "#"}}}}}] * 12}, nested(5)),
    "if with both branches": (
        {
            "if": {"properties": {"a": {"$ref": "#"}}},
            "then": {"properties": {"a": {"$ref": "#"}}},
            "else": {"properties": {"a": {"$ref": "#"}}},
            "allOf": [{"properties": {"a": {"$ref": "#"}}}] * 3,
        },
        nested(12),
    ),
    "definitions that double": (_doubled(40, "allOf"), {}),
    "definitions that double in anyOf": (_doubled(40, "anyOf"), {}),
    "dependent schemas": (
        {"dependentSchemas": {"a": {"allOf": [{"properties": {"a": {"$ref": "#"}}}] * 12}}},
        nested(6),
    ),
    "additional properties": ({"allOf": [{"additionalProperties": {"$ref": "#"}}] * 12}, nested(6)),
    "property names": ({"propertyNames": {"allOf": [{"enum": _MANY}] * 40}}, {"name49999": 1}),
    "items within items": (
        {
            "properties": {"l": {"$ref": "#/$defs/l"}},
            "$defs": {"l": {"allOf": [{"items": {"$ref": "#/$defs/l"}}] * 12}},
        },
        {"l": nested_lists(6)},
    ),
    "contains": (
        {
            "properties": {"l": {"$ref": "#/$defs/l"}},
            "$defs": {"l": {"allOf": [{"contains": {"$ref": "#/$defs/l"}, "minContains": 0, "maxContains": 9}] * 12}},
        },
        {"l": nested_lists(6)},
    ),
    "a long enum for every item": (_of_items({"enum": [*_MANY, 0]}), _ITEMS),
    "a long const for every item": (_of_items({"const": _MANY}), {"items": [_MANY] * 50}),
    "long texts": (_of_items({"enum": ["x" * 200_000]}), {"items": ["x" * 200_000] * 500}),
    "many types for every item": (_of_items({"type": ["integer"] * 50_000}), _ITEMS),
    "many required names for every item": (_of_items({"required": _MANY}), {"items": [dict.fromkeys(_MANY)] * 50}),
    "many dependent names": (
        _of_items({"dependentRequired": {"a": ["a"] * 5000}}),
        _OBJECTS,
    ),
    "unknown keywords for every item": (_of_items(dict.fromkeys(_MANY)), _ITEMS),
    "many properties of every item": (
        _of_items({"properties": dict.fromkeys(_MANY, True), "additionalProperties": False}),
        {"items": [dict.fromkeys(_MANY)] * 5},
    ),
    "a long list without repetition": ({"properties": {"l": {"uniqueItems": True}}}, {"l": [*range(50_000)]}),
    "a long list of objects": ({"properties": {"l": {"uniqueItems": True}}}, {"l": [{"n": n} for n in range(20_000)]}),
    "many integers of one hash": (
        {"properties": {"l": {"uniqueItems": True, "items": {"type": "integer"}}}},
        {"l": _INTEGERS_OF_ONE_HASH},
    ),
    "lists nested deeply": (
        {"properties": {"l": {"$ref": "#/$defs/l"}}, "$defs": {"l": {"items": {"$ref": "#/$defs/l"}}}},
        {"l": nested_lists(900)},
    ),
    "a long pointer": ({"allOf": [{"$ref": "#" + "/allOf/0" * 20_000}]}, {}),
}
"""What takes more than the steps there are, or deeper nesting than the interpreter takes."""

NOT_APPLIED: dict[str, tuple[Schema, dict[str, Any]]] = {
    "a pattern that backtracks": ({"properties": {"a": {"pattern": "(a+)+$"}}}, {"a": _WORD}),
    "a pattern of names": ({"propertyNames": {"pattern": "(a+)+$"}}, {_WORD: 1}),
    "patternProperties": ({"patternProperties": {"(a+)+$": {}}, "additionalProperties": False}, {_WORD: 1}),
    "patternProperties with unevaluated ones": (
        {"patternProperties": {"(a+)+$": {}}, "unevaluatedProperties": False},
        {_WORD: 1},
    ),
    "a pattern in not": ({"properties": {"a": {"not": {"pattern": "(a+)+$"}}}}, {"a": _WORD}),
    "unevaluatedItems": (
        _of_items({"allOf": [{"unevaluatedItems": {"$dynamicRef": "#n"}}] * 12}),
        {"items": [[1]] * 9},
    ),
    "dynamic references": (
        {"$dynamicAnchor": "n", "allOf": [{"properties": {"a": {"$dynamicRef": "#n"}}}] * 12},
        nested(8),
    ),
    "anchors": ({"$anchor": "n", "allOf": [{"properties": {"a": {"$ref": "#n"}}}] * 12}, nested(8)),
    "another schema inside": (
        {"allOf": [{"properties": {"a": {"$id": "b", "$ref": "#"}}}] * 12},
        nested(8),
    ),
    "a schema elsewhere": ({"$ref": "http://127.0.0.1:1/schema.json"}, {}),
}
"""What uses keywords that are not applied."""
