"""Validates a JSON value against a JSON Schema in a bounded number of steps; pure.

Schemas come from clients, and some take a library exponential time: nested ``allOf`` and references double the work
with every level, patterns backtrack. Here every keyword, key and item costs a step, and the number of steps is bounded.

The keywords are those of draft 2020-12. Not applied are ``pattern``, ``patternProperties`` and what depends on it,
``unevaluatedItems``, ``unevaluatedProperties``, dynamic references, and references to anything but a place in the same
schema; nothing is fetched. They count as satisfied; where that could be wrong, as in ``not``, nothing is validated.
"""

from adapters.llm.json_schema.budget import MAX_STEPS, NotValidated
from adapters.llm.json_schema.validator import Mismatch, SchemaValidator

__all__ = ["MAX_STEPS", "Mismatch", "NotValidated", "SchemaValidator"]
