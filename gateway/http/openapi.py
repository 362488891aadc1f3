"""The description of the API, made from the wire types: ``python -m gateway.http.openapi`` writes ``openapi/``."""

from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, OpenAPIMediaType, OpenAPIResponse, Operation, Reference, Schema

from gateway.http.errors import ErrorAnswer

FILE = Path(__file__).parents[2] / "openapi" / "openapi.json"
"""The description in the repository; a test fails when it is stale."""

REFERENCES = "#/components/schemas/{name}"


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

    wire: dict[str, Any] = field(default_factory=dict)

    def to_schema(self) -> dict[str, Any]:
        """Both."""
        found = super().to_schema()
        wire = found.pop("wire")
        return {**found, "schemas": {**found.get("schemas", {}), **wire}}


def components(*types: Any) -> WireComponents:
    """The schemas of wire types and of all that they refer to, by name."""
    _, schemas = msgspec.json.schema_components(types, ref_template=REFERENCES)
    return WireComponents(wire=schemas)


def reference(wire_type: type) -> Reference:
    """Where the schema of a wire type stands."""
    return Reference(ref=REFERENCES.format(name=wire_type.__name__))


@dataclass
class ApiOperation(Operation):
    """An operation of this API: whatever fails answers with OpenAI's error body."""

    def __post_init__(self) -> None:
        # A 400 is what Litestar assumes of its own accord, in its own words.
        described = {status: answer for status, answer in (self.responses or {}).items() if status != "400"}
        failure = OpenAPIResponse(
            description="A failure, in the words of OpenAI's error catalogue.",
            content={"application/json": OpenAPIMediaType(schema=reference(ErrorAnswer))},
        )
        self.responses = {**described, "default": failure}


def description(*wire_types: Any) -> OpenAPIConfig:
    """Litestar's configuration: the description at ``/docs/openapi.json``, a page to read and try it at ``/docs``."""
    return OpenAPIConfig(
        title="Speech gateway",
        version=version("speech-gateway"),
        description="Audio in, a spoken answer streams out; OpenAI's wire formats, any OpenAI-compatible model behind.",
        path="/docs",
        components=components(ErrorAnswer, *wire_types),
        render_plugins=[SwaggerRenderPlugin(path="/"), JsonRenderPlugin()],
        use_handler_docstrings=True,
    )


def document(app: Litestar) -> bytes:
    """The description of ``app`` as a JSON text that changes only when the API does."""
    schema = msgspec.json.encode(app.openapi_schema.to_schema(), order="deterministic")
    return msgspec.json.format(schema, indent=2) + b"\n"


if __name__ == "__main__":
    from gateway.app import create_app
    from gateway.engines import Gateway
    from gateway.settings.model import GatewaySettings

    FILE.write_bytes(document(create_app(Gateway(GatewaySettings(), []))))
