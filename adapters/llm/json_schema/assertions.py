"""The keywords of JSON Schema that judge a value without other schemas; pure."""

import operator
from collections.abc import Callable
from typing import Any

from adapters.llm.json_schema.budget import NotValidated, StepBudget

Kind = str
"""What a value is: one of the types of JSON Schema, but no "integer"."""

Assertion = Callable[[Any, Any, StepBudget], str | None]
"""From the value and the keyword's argument to what is wrong, without the value itself; ``None`` when it is right.

Raises ``NotValidated``, or any exception, for an invalid argument.
"""

KINDS: dict[type, Kind] = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "number",
    list: "array",
    str: "string",
    type(None): "null",
}
ANY = frozenset(KINDS.values())

_TYPES = ANY | {"integer"}
_MAX_NAMED = 8  # missing properties that are named
_MAX_NAME = 64  # characters of each
_TOLERANCE = 1e-9  # with which 0.3 is a multiple of 0.1


def _type(value: Any, types: Any, budget: StepBudget) -> str | None:
    names = [types] if isinstance(types, str) else types
    budget.spend(len(names))
    if not _TYPES.issuperset(names):
        raise NotValidated("the schema has an unknown type")
    kind = KINDS[type(value)]
    if kind in names or ("integer" in names and kind == "number" and value == value // 1):
        return None
    return f"is not of the type {' or '.join(names[: len(_TYPES)])}"


def _enum(value: Any, allowed: Any, budget: StepBudget) -> str | None:
    wanted = budget.comparable(value)
    return None if any(budget.comparable(each) == wanted for each in allowed) else "is not one of the allowed values"


def _const(value: Any, only: Any, budget: StepBudget) -> str | None:
    return _enum(value, [only], budget)


def _unique(value: Any, wanted: Any, budget: StepBudget) -> str | None:
    repeats = wanted and len(set(map(budget.comparable, value))) < len(value)
    return violated("uniqueItems") if repeats else None


def required(value: Any, names: Any, budget: StepBudget) -> str | None:
    """The ``Assertion`` of ``required``."""
    budget.spend(len(names))
    missing = [str(name)[:_MAX_NAME] for name in names if name not in value]
    more = " and others" if len(missing) > _MAX_NAMED else ""
    return f"is missing {', '.join(map(repr, missing[:_MAX_NAMED]))}{more}" if missing else None


def violated(keyword: str) -> str:
    """What is wrong with a value where nothing better can be said."""
    return f"violates the rule {keyword!r}"


def _is_multiple(value: float, factor: float) -> bool:
    if isinstance(value, int) and isinstance(factor, int):
        return value % factor == 0
    quotient = value / factor
    return abs(quotient - round(quotient)) <= _TOLERANCE * max(1.0, abs(quotient))


def _limit(keyword: str, fits: Callable[[Any, Any], bool]) -> Assertion:
    """The assertion of a keyword that limits a number, or the length of anything else."""

    def assertion(value: Any, limit: Any, _: StepBudget) -> str | None:
        if KINDS[type(limit)] != "number":
            raise NotValidated("the schema has a limit that is not a number")
        size = value if KINDS[type(value)] == "number" else len(value)
        return None if fits(size, limit) else violated(keyword)

    return assertion


_LIMITS: dict[str, tuple[Kind, Callable[[Any, Any], bool]]] = {
    "minimum": ("number", operator.ge),
    "maximum": ("number", operator.le),
    "exclusiveMinimum": ("number", operator.gt),
    "exclusiveMaximum": ("number", operator.lt),
    "multipleOf": ("number", _is_multiple),
    "minLength": ("string", operator.ge),
    "maxLength": ("string", operator.le),
    "minItems": ("array", operator.ge),
    "maxItems": ("array", operator.le),
    "minProperties": ("object", operator.ge),
    "maxProperties": ("object", operator.le),
}

ASSERTIONS: dict[str, tuple[frozenset[Kind], Assertion]] = {
    "type": (ANY, _type),
    "enum": (ANY, _enum),
    "const": (ANY, _const),
    "uniqueItems": (frozenset(("array",)), _unique),
    "required": (frozenset(("object",)), required),
    **{keyword: (frozenset((kind,)), _limit(keyword, fits)) for keyword, (kind, fits) in _LIMITS.items()},
}
"""By keyword: the kinds of values that the assertion is about, and the assertion."""
