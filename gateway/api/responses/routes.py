"""The routes of the Responses API."""

import logging
import time
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from adapters.contract.errors import Unsupported
from gateway.access.caller import Caller
from gateway.api.responses.openapi import ResponsesOperation
from gateway.api.responses.passed_response import NumberedRelay, PassedResponse
from gateway.api.responses.response import Given, Shelf, WrittenResponse
from gateway.api.responses.retrieval import delete_response, input_items, resolved, response_json
from gateway.api.responses.schema import FIELDS, Deleted, PassedFields, ResponsesRequest
from gateway.api.responses.translate import check, ignored, passed_request, response_of, turn_request
from gateway.api.responses.writer import ResponseWriter
from gateway.conversation.item_ids import new_family
from gateway.engines.lifecycle import Gateway
from gateway.engines.route import ServedRoute
from gateway.http.auth import caller_of
from gateway.http.form import Fields, query_fields, query_names, read_json
from gateway.http.json_answer import json_answer
from gateway.http.offload import offloaded
from gateway.http.openapi import ApiOperation, query_operation
from gateway.http.rate_limit import admit
from gateway.http.request_id import request_id
from gateway.http.streaming import StreamingResponse, connection_of
from gateway.http.validation import fields_of
from gateway.telemetry.timings import Stopwatch
from gateway.turns.conversation_turn import Turns
from gateway.turns.passed_turn import passes
from gateway.wire.item_page import ItemPage, PageQuery, page_of
from gateway.wire.items import MessageItem, named, with_types
from gateway.wire.passed_items import kept_items
from gateway.wire.tools import check_tool_types

logger = logging.getLogger(__name__)

OPTIONS = {"limited": True, "fields": FIELDS}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A response that ``caller`` asks for in ``fields``, at the route ``served``; ``relay`` sends to its client."""

    caller: Caller
    fields: Fields
    served: ServedRoute
    watch: Stopwatch
    relay: NumberedRelay


@post(
    "/v1/responses",
    status_code=200,
    opt=OPTIONS,
    operation_class=ResponsesOperation,
    operation_id="createResponse",
    summary="A response of a language model",
    tags=["Responses"],
)
async def create_response(
    request: Request[Any, Any, Any],
    gateway: NamedDependency[Gateway],
    turns: NamedDependency[Turns],
    shelf: NamedDependency[Shelf],
) -> StreamingResponse:
    """Answer a text or the items of a conversation, streamed or whole."""
    watch, caller = Stopwatch(), caller_of(request.scope)
    fields = await read_json(request)
    fields = msgspec.structs.replace(fields, values=await resolved(shelf.archive, fields.values))
    model = fields.values.get("model")
    served = admit(request.scope, gateway, model if isinstance(model, str) else None, ("llm",))
    answer = _passed_on if passes(served, "responses", fields.values) else _translated
    relay = NumberedRelay(connection_of(request.scope))
    asked = Asked(caller=caller, fields=fields, served=served, watch=watch, relay=relay)
    name, response = await answer(asked, turns, shelf)
    logger.info("%s is answered by %s", request_id(request.scope), name)
    return response


async def _passed_on(asked: Asked, turns: Turns, shelf: Shelf) -> tuple[str, StreamingResponse]:
    """The response of the route's own server, and the name of the turn."""
    fields = asked.fields
    wire, _ = await offloaded(fields.size, fields_of, fields, PassedFields, ())
    check(wire)
    family = new_family()
    given = await offloaded(fields.size, kept_items, wire.input, family)
    route = asked.served.name
    request = await offloaded(fields.size, passed_request, fields.values, wire, asked.caller, given, route)
    turn = turns.pass_on(msgspec.structs.replace(request, relay=asked.relay), asked.served, asked.watch)
    answer = PassedResponse(turn, wire, Given(items=given, family=family), shelf, asked.relay)
    return turn.id, answer.response(asked.watch, fields.ignored)


async def _translated(asked: Asked, turns: Turns, shelf: Shelf) -> tuple[str, StreamingResponse]:
    """The response of a turn that the gateway takes itself, and the name of that."""
    size, watch = asked.fields.size, asked.watch
    wire, unknown = await offloaded(size, _read, asked.fields)
    check(wire)
    items = [MessageItem(role="user", content=wire.input)] if isinstance(wire.input, str) else wire.input or []
    family = new_family()
    given = named(items, "input", family)
    request = await offloaded(size, turn_request, wire, asked.caller, given)
    turn = turns.begin(request, asked.served, watch)
    response = response_of(wire, request, turn.id, asked.served.name, int(time.time()))
    writer = ResponseWriter(response, summarised=bool(wire.reasoning and wire.reasoning.summary))
    answer = WrittenResponse(turn, writer, Given(items=given, family=family), shelf, (*unknown, *ignored(wire)))
    return turn.id, answer.streamed(watch) if wire.stream else answer.whole(watch)


def _read(fields: Fields) -> tuple[ResponsesRequest, tuple[str, ...]]:
    values = fields.values
    if "input" in values:
        values = {**values, "input": with_types(values["input"], "input")}
    check_tool_types(values.get("tools"))
    return fields_of(msgspec.structs.replace(fields, values=values), ResponsesRequest, ())


@get(
    "/v1/responses/{response_id:str}",
    opt=OPTIONS,
    operation_class=ApiOperation,
    operation_id="getResponse",
    tags=["Responses"],
)
async def get_response(
    request: Request[Any, Any, Any], shelf: NamedDependency[Shelf], response_id: FromPath[str]
) -> Response[bytes]:
    """Give a response that is kept, or is being written."""
    if request.query_params.get("stream", "false") != "false":
        raise Unsupported(
            "A response cannot be streamed again here: leave 'stream' out to get it whole.", param="stream"
        )
    ignored = tuple(name for name in query_names(request) if name != "stream")
    return json_answer(await response_json(shelf, response_id), ignored)


@delete(
    "/v1/responses/{response_id:str}",
    status_code=200,
    opt=OPTIONS,
    operation_class=ApiOperation,
    operation_id="deleteResponse",
    tags=["Responses"],
)
async def remove_response(
    request: Request[Any, Any, Any], shelf: NamedDependency[Shelf], response_id: FromPath[str]
) -> Response[Deleted]:
    """Forget a response; it cannot be continued any more."""
    return json_answer(await delete_response(shelf, response_id), query_names(request))


@post(
    "/v1/responses/{response_id:str}/cancel",  # not limited: it frees the place of another request
    status_code=200,
    operation_class=ApiOperation,
    operation_id="cancelResponse",
    tags=["Responses"],
)
async def cancel_response(
    request: Request[Any, Any, Any], shelf: NamedDependency[Shelf], response_id: FromPath[str]
) -> Response[bytes]:
    """End a response that another request is streaming; one that has ended already stays as it is."""
    if (running := shelf.running.find(response_id)) is not None:
        await running.cancel()
    return json_answer(await response_json(shelf, response_id), query_names(request))


@get(
    "/v1/responses/{response_id:str}/input_items",
    opt=OPTIONS,
    operation_class=query_operation(PageQuery),
    operation_id="listInputItems",
    tags=["Responses"],
)
async def list_input_items(
    request: Request[Any, Any, Any], shelf: NamedDependency[Shelf], response_id: FromPath[str]
) -> Response[ItemPage]:
    """List the items that a response was given."""
    query, unknown = fields_of(query_fields(request), PageQuery, ())
    return json_answer(page_of(await input_items(shelf, response_id), query), unknown)
