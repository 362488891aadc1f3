"""The description of the API, made from the wire types."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from inspect import cleandoc
from typing import Any

import msgspec
from litestar import Litestar, Router
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)
from litestar.openapi.spec.enums import OpenAPIType

from gateway.http.api_viewer import ApiViewer
from gateway.http.errors import ErrorAnswer
from gateway.http.headers import HEADERS
from gateway.http.static_files import HEADERS as PAGE_HEADERS

REFERENCES = "#/components/schemas/{name}"

_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})


def component_name(wire_type: type) -> str:
    """The name of a wire type in the description.

    A type of a surface's ``schema`` or ``events`` begins with the surface's name: two may have a ``Usage``.
    """
    *_, folder, module = ("", *wire_type.__module__.split("."))
    surface = "".join(word.capitalize() for word in folder.split("_")) if module in {"schema", "events"} else ""
    name = wire_type.__name__
    return name if name.startswith(surface) else surface + name


def json_schema(*types: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The JSON Schemas of ``types``, and of all structs in them by ``component_name``; each refers to the others."""
    structs = sorted(set(_structs(msgspec.inspect.multi_type_info(types))), key=component_name)
    own_names, components = msgspec.json.schema_components(structs, ref_template="{name}")
    names = {own["$ref"]: component_name(struct) for own, struct in zip(own_names, structs, strict=True)}
    if len(set(names.values())) < len(names):
        raise TypeError(f"two wire types of one surface have the same name: {sorted(names)}")
    schemas, _ = msgspec.json.schema_components(types, ref_template="{name}")
    described = {names[name]: _renamed(schema, names) for name, schema in components.items()}
    return [_renamed(schema, names) for schema in schemas], described


def _structs(found: Any) -> Iterator[type]:
    """The struct types in a tree of ``msgspec.inspect``."""
    pending, seen = list(found), set()
    while pending:
        one = pending.pop()
        if isinstance(one, msgspec.inspect.StructType):
            if one.cls in seen:
                continue
            seen.add(one.cls)
            yield one.cls
        if isinstance(one, msgspec.Struct):
            pending += [getattr(one, name) for name in one.__struct_fields__]
        elif isinstance(one, tuple | list):
            pending += one


def _renamed(schema: Any, names: Mapping[str, str]) -> Any:
    """``schema`` with its references to components by other names, and the docstrings in it without their indentation.

    Python 3.13 takes that out itself.
    """
    if isinstance(schema, list):
        return [_renamed(each, names) for each in schema]
    if not isinstance(schema, dict):
        return schema
    renamed: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$ref":
            renamed[key] = REFERENCES.format(name=names[value])
        elif key == "discriminator":
            mapping = {tag: REFERENCES.format(name=names[name]) for tag, name in value["mapping"].items()}
            renamed[key] = {**value, "mapping": mapping}
        elif key == "description" and isinstance(value, str):
            renamed[key] = cleandoc(value)
        elif key in _BOUNDS and isinstance(value, float) and value.is_integer():
            renamed[key] = int(value)  # typing takes 1 and 1.0 for one annotation, that of the module imported first
        else:
            renamed[key] = _renamed(value, names)
    return renamed


@dataclass
class WireSchema(Schema):
    """A JSON Schema that msgspec made of a wire type."""

    wire: dict[str, Any] = field(default_factory=dict)

    def to_schema(self) -> dict[str, Any]:
        """The schema itself."""
        return self.wire


@dataclass
class WireComponents(Components):
    """The schemas of wire types by name; Litestar replaces ``schemas`` by those of the types it finds itself."""

    wire_types: tuple[Any, ...] = ()
    wire: dict[str, Any] = field(default_factory=dict)

    def to_schema(self) -> dict[str, Any]:
        """Both. Those of the wire types are made now, since making them is half of what an application takes."""
        self.wire = json_schema(*self.wire_types)[1]
        found = super().to_schema()
        wire = found.pop("wire")
        del found["wireTypes"]
        return {**found, "schemas": {**found.get("schemas", {}), **wire}}


def reference(wire_type: type) -> Reference:
    """Where the schema of a wire type stands."""
    return Reference(ref=REFERENCES.format(name=component_name(wire_type)))


def json_body(wire_type: type) -> RequestBody:
    """A body that a handler reads itself as ``wire_type``, so that Litestar cannot know of it."""
    return RequestBody(required=True, content={"application/json": OpenAPIMediaType(schema=reference(wire_type))})


def answer_headers(without: Collection[str] = ()) -> dict[str, OpenAPIHeader | Reference]:
    """The headers of an answer, but for those ``without``."""
    return {
        header.name: OpenAPIHeader(schema=Schema(type=OpenAPIType.STRING), description=header.description)
        for header in HEADERS
        if header.name not in without
    }


def whole_or_events(document: type, event: Any, framing: str, not_sent: Collection[str]) -> OpenAPIResponse:
    """An answer as one ``document`` or as a stream of ``event``, framed as ``framing`` says.

    ``not_sent`` are the headers that it lacks.
    """
    (schema,), _ = json_schema(event)
    events = WireSchema(wire={"description": framing, **schema})
    return OpenAPIResponse(
        description="The answer: whole, or with `stream` as events.",
        headers=answer_headers(not_sent),
        content={
            "application/json": OpenAPIMediaType(schema=reference(document)),
            "text/event-stream": OpenAPIMediaType(schema=events),
        },
    )


def component_schema(wire_type: type[msgspec.Struct]) -> dict[str, Any]:
    """The schema of a wire type itself, not a reference to it."""
    schema: dict[str, Any] = json_schema(wire_type)[1][component_name(wire_type)]
    return schema


def query_parameters(
    wire_type: type[msgspec.Struct], without: Collection[str] = (), condition: str = ""
) -> list[Parameter | Reference]:
    """The fields of ``wire_type`` in a query string, but for those ``without``; ``condition`` ends each description."""
    return [
        Parameter(
            name=name,
            param_in="query",
            schema=WireSchema(wire={key: value for key, value in field.items() if key != "description"}),
            description=f"{_description(field)}{condition}",
        )
        for name, field in component_schema(wire_type)["properties"].items()
        if name not in without
    ]


def _description(field: dict[str, Any]) -> str:
    """What is said of a field, wherever in its schema that stands."""
    found: list[str] = [part["description"] for part in (field, *field.get("anyOf", ())) if "description" in part]
    return found[0]


@dataclass
class ApiOperation(Operation):
    """An operation of this API: whatever fails answers with OpenAI's error body."""

    def __post_init__(self) -> None:
        # Litestar adds a 400 of its own form, which no answer here has.
        described = {status: answer for status, answer in (self.responses or {}).items() if status != "400"}
        failure = OpenAPIResponse(
            description="A failure, in the words of OpenAI's error catalogue.",
            content={"application/json": OpenAPIMediaType(schema=reference(ErrorAnswer))},
        )
        self.responses = {**described, "default": failure}


def body_operation(wire_type: type[msgspec.Struct]) -> type[ApiOperation]:
    """The class of an operation whose handler reads its body itself, as ``wire_type``."""

    @dataclass
    class BodyOperation(ApiOperation):
        def __post_init__(self) -> None:
            self.request_body = json_body(wire_type)
            super().__post_init__()

    return BodyOperation


def query_operation(wire_type: type[msgspec.Struct]) -> type[ApiOperation]:
    """The class of an operation whose handler reads its query itself, as ``wire_type``."""

    @dataclass
    class QueryOperation(ApiOperation):
        def __post_init__(self) -> None:
            self.parameters = [*(self.parameters or ()), *query_parameters(wire_type)]
            super().__post_init__()

    return QueryOperation


def description(*wire_types: Any) -> OpenAPIConfig:
    """Litestar's configuration: the description at ``/docs/openapi.json``, a page to read and try it at ``/docs``."""
    return OpenAPIConfig(
        title="Speech gateway",
        version=version("speech-gateway"),
        description="Audio in, a spoken answer streams out; OpenAI's wire formats, any OpenAI-compatible model behind.",
        openapi_router=Router(
            path="/docs",
            route_handlers=(),
            include_in_schema=False,
            opt={"access": "open"},
            response_headers=PAGE_HEADERS,
        ),
        components=WireComponents(
            wire_types=(ErrorAnswer, *wire_types),
            security_schemes={"key": SecurityScheme(type="http", scheme="bearer")},
        ),
        security=[{"key": []}, {}],  # a gateway may have keys or none
        render_plugins=[ApiViewer(), JsonRenderPlugin()],
        use_handler_docstrings=True,
    )


def document(app: Litestar) -> bytes:
    """The description of ``app`` as a JSON text that changes only when the API does."""
    schema = msgspec.json.encode(app.openapi_schema.to_schema(), order="deterministic")
    return msgspec.json.format(schema, indent=2) + b"\n"
