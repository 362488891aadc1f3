"""The part of calls in the API description: an offer in three forms, an answer in one."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIHeader, OpenAPIMediaType, OpenAPIResponse, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from gateway.http.openapi import ApiOperation, WireSchema

SDP = {"type": "string", "description": "A session description (SDP)."}
WITH_SESSION = {
    "type": "object",
    "required": ["sdp"],
    "properties": {
        "sdp": SDP,
        "session": {"type": "object", "description": "The configuration of the session, as in session.update."},
    },
}


@dataclass
class CallOperation(ApiOperation):
    """The operation as it is; the handler reads its body itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        sdp, fields = (OpenAPIMediaType(schema=WireSchema(wire=wire)) for wire in (SDP, WITH_SESSION))
        content = {"application/sdp": sdp, "multipart/form-data": fields, "application/json": fields}
        self.request_body = RequestBody(required=True, content=content)
        location = OpenAPIHeader(schema=Schema(type=OpenAPIType.STRING), description="The path of the call.")
        self.responses = {
            "201": OpenAPIResponse(
                description="The answer to the offer.",
                headers={"location": location},
                content={"application/sdp": sdp},
            )
        }
        super().__post_init__()
