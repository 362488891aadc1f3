"""Validates a value against a schema and the schemas inside it."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

import msgspec

from adapters.llm.json_schema.assertions import ANY, ASSERTIONS, KINDS, Kind, required, violated
from adapters.llm.json_schema.budget import MAX_STEPS, NotValidated, StepBudget


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """Where a value violates its schema, by keys and indexes, and how; without the value itself."""

    path: tuple[str | int, ...] = ()
    reason: str


class SchemaValidator:
    """Validates one value against ``schema`` in at most ``max_steps``."""

    def __init__(self, schema: Any, *, max_steps: int = MAX_STEPS) -> None:
        self.budget = StepBudget(max_steps)
        self._schema = schema
        self._exact = 0  # above 0 in a schema whose result must not be lenient
        self._targets: dict[str, Any] = {}  # by reference

    def mismatch(self, value: Any) -> Mismatch | None:
        """The first violation in ``value``, which is decoded JSON. Raises ``NotValidated``."""
        try:
            return self._check(value, self._schema)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise NotValidated(f"the schema is invalid ({type(error).__name__})") from error

    def _check(self, value: Any, schema: Any) -> Mismatch | None:
        if isinstance(schema, bool):
            self.budget.spend(1)
            return None if schema else Mismatch(reason="is not allowed")
        self.budget.spend(1 + len(schema))
        if "$id" in schema and schema is not self._schema:
            raise NotValidated("the schema has another one inside, to which references may be relative")
        kind = KINDS[type(value)]
        for keyword, argument in schema.items():
            if keyword in ASSERTIONS:
                kinds, assertion = ASSERTIONS[keyword]
                reason = assertion(value, argument, self.budget) if kind in kinds else None
                found = Mismatch(reason=reason) if reason else None
            elif keyword in _APPLICATORS:
                kinds, apply = _APPLICATORS[keyword]
                found = apply(self, value, argument, schema) if kind in kinds else None
            else:
                continue
            if found:
                return found
        return None

    def _matches(self, value: Any, schema: Any) -> bool:
        return self._check(value, schema) is None

    def _matches_exactly(self, value: Any, schema: Any) -> bool:
        """Whether ``value`` matches. Raises ``NotValidated`` where a keyword is not applied."""
        self._exact += 1
        try:
            return self._matches(value, schema)
        finally:
            self._exact -= 1

    def _skip(self, *_: Any) -> Mismatch | None:
        """Take a keyword that is not applied for satisfied. Raises ``NotValidated`` where that could be wrong."""
        if self._exact:
            raise NotValidated("the schema has a rule that is not applied")
        return None

    def _reference(self, value: Any, reference: Any, _: Any) -> Mismatch | None:
        if reference != "#" and not reference.startswith("#/"):
            return self._skip()
        if reference not in self._targets:
            self._targets[reference] = self._target(reference)
        return self._check(value, self._targets[reference])

    def _target(self, reference: str) -> Any:
        """What the JSON pointer ``reference`` points at. Raises ``LookupError`` or ``ValueError`` if there is none."""
        target = self._schema
        keys = unquote(reference).split("/")[1:]
        self.budget.spend(len(keys))
        for key in keys:
            name = key.replace("~1", "/").replace("~0", "~")
            target = target[int(name)] if isinstance(target, list) else target[name]
        return target

    def _properties(self, value: Any, schemas: Any, _: Any) -> Mismatch | None:
        self.budget.spend(len(value))
        return _first(_inside(self._check(value[key], schemas[key]), key) for key in value if key in schemas)

    def _additional_properties(self, value: Any, schema: Any, whole: Any) -> Mismatch | None:
        if "patternProperties" in whole:
            return self._skip()
        self.budget.spend(len(value))
        others = [key for key in value if key not in whole.get("properties", {})]
        if schema is False and others:
            return Mismatch(reason="has properties that the schema does not name")
        return _first(_inside(self._check(value[key], schema), key) for key in others)

    def _property_names(self, value: Any, schema: Any, _: Any) -> Mismatch | None:
        return _unless(all(self._matches(key, schema) for key in value), "propertyNames")

    def _dependent_required(self, value: Any, names: Any, _: Any) -> Mismatch | None:
        self.budget.spend(len(names))
        reasons = (required(value, names[key], self.budget) for key in names if key in value)
        return _first(Mismatch(reason=reason) if reason else None for reason in reasons)

    def _dependent_schemas(self, value: Any, schemas: Any, _: Any) -> Mismatch | None:
        self.budget.spend(len(schemas))
        return _first(self._check(value, schemas[key]) for key in schemas if key in value)

    def _prefix_items(self, value: Any, schemas: Any, _: Any) -> Mismatch | None:
        pairs = enumerate(zip(value, schemas, strict=False))
        return _first(_inside(self._check(item, schema), at) for at, (item, schema) in pairs)

    def _items(self, value: Any, schema: Any, whole: Any) -> Mismatch | None:
        first = len(whole.get("prefixItems", ()))
        return _first(_inside(self._check(value[at], schema), at) for at in range(first, len(value)))

    def _contains(self, value: Any, schema: Any, whole: Any) -> Mismatch | None:
        least, most = whole.get("minContains", 1), whole.get("maxContains")
        matches = self._matches if most is None else self._matches_exactly
        count = sum(matches(item, schema) for item in value)
        return _unless(least <= count and (most is None or count <= most), "contains")

    def _all_of(self, value: Any, schemas: Any, _: Any) -> Mismatch | None:
        return _first(self._check(value, schema) for schema in schemas)

    def _any_of(self, value: Any, schemas: Any, _: Any) -> Mismatch | None:
        return _unless(any(self._matches(value, schema) for schema in schemas), "anyOf")

    def _one_of(self, value: Any, schemas: Any, _: Any) -> Mismatch | None:
        return _unless(sum(self._matches_exactly(value, schema) for schema in schemas) == 1, "oneOf")

    def _not(self, value: Any, schema: Any, _: Any) -> Mismatch | None:
        return _unless(not self._matches_exactly(value, schema), "not")

    def _if(self, value: Any, schema: Any, whole: Any) -> Mismatch | None:
        if "then" not in whole and "else" not in whole:
            return None
        branch = "then" if self._matches_exactly(value, schema) else "else"
        return self._check(value, whole.get(branch, True))


def _inside(found: Mismatch | None, key: str | int) -> Mismatch | None:
    return Mismatch(path=(key, *found.path), reason=found.reason) if found else None


def _first(found: Iterable[Mismatch | None]) -> Mismatch | None:
    return next(filter(None, found), None)


def _unless(fits: bool, keyword: str) -> Mismatch | None:
    return None if fits else Mismatch(reason=violated(keyword))


_ARRAY, _OBJECT, _STRING = frozenset(("array",)), frozenset(("object",)), frozenset(("string",))
_Applicator = Callable[[SchemaValidator, Any, Any, Any], Mismatch | None]
# By keyword: the kinds of values that it is about, and the method that applies it, which takes the value, the keyword's
# argument, and the schema in which it stands.
_APPLICATORS: dict[str, tuple[frozenset[Kind], _Applicator]] = {
    "$ref": (ANY, SchemaValidator._reference),
    "$dynamicRef": (ANY, SchemaValidator._skip),
    "allOf": (ANY, SchemaValidator._all_of),
    "anyOf": (ANY, SchemaValidator._any_of),
    "oneOf": (ANY, SchemaValidator._one_of),
    "not": (ANY, SchemaValidator._not),
    "if": (ANY, SchemaValidator._if),
    "pattern": (_STRING, SchemaValidator._skip),
    "prefixItems": (_ARRAY, SchemaValidator._prefix_items),
    "items": (_ARRAY, SchemaValidator._items),
    "contains": (_ARRAY, SchemaValidator._contains),
    "unevaluatedItems": (_ARRAY, SchemaValidator._skip),
    "properties": (_OBJECT, SchemaValidator._properties),
    "patternProperties": (_OBJECT, SchemaValidator._skip),
    "additionalProperties": (_OBJECT, SchemaValidator._additional_properties),
    "unevaluatedProperties": (_OBJECT, SchemaValidator._skip),
    "propertyNames": (_OBJECT, SchemaValidator._property_names),
    "dependentRequired": (_OBJECT, SchemaValidator._dependent_required),
    "dependentSchemas": (_OBJECT, SchemaValidator._dependent_schemas),
}
