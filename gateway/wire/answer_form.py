"""The form of an answer's text, as Chat Completions and Responses ask for it."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from adapters.contract import llm
from gateway.wire.tools import check_schema


class TextFormat(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """An answer in any form."""


class JsonFormat(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="json_object"):
    """An answer that is a JSON object."""


class JsonSchema(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON Schema of an answer."""

    name: Annotated[str, Meta(max_length=64)]
    description: Annotated[str, Meta(max_length=20_000)] | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


def json_answer(wanted: TextFormat | JsonFormat | JsonSchema | None, param: str) -> llm.JsonAnswer | None:
    """The form as the language model gets it, ``None`` for text in any form.

    Raises ``InvalidRequest`` in the name of ``param`` for a schema that is too deep or too large.
    """
    if wanted is None or isinstance(wanted, TextFormat):
        return None
    if isinstance(wanted, JsonFormat):
        return llm.JsonAnswer()
    check_schema(wanted.schema, f"'{param}'", param)
    return llm.JsonAnswer(name=wanted.name, description=wanted.description, schema=wanted.schema, strict=wanted.strict)
