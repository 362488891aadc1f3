"""What is wrong with a request for a response is said in OpenAI's words, and nothing is left behind."""

import asyncio
from itertools import product
from typing import Any

import httpx
import pytest

from gateway.engines.build import build
from gateway.settings.load import load
from tests.support.http_client import JSON, refused
from tests.support.raw_client import RawConnection, request
from tests.support.responses_client import CLOCK, desk
from tests.support.server import EMBEDDED, served, until
from tests.support.upstream_server import UpstreamServer, replies

TEXT = {"role": "user", "content": "Hi"}
DEEP = b'{"input": "Hi", "metadata": ' + b'{"a":' * 1_000 + b"1" + b"}" * 1_001


WRONG: list[tuple[Any, str, str | None, str]] = [
    ({}, "input", "missing_required_parameter", "Missing required parameter: 'input'."),
    ({"input": None}, "input", "missing_required_parameter", "Missing required parameter: 'input'."),
    ({"input": ""}, "input", "empty_string", "Invalid 'input': empty string."),
    ({"input": []}, "input", "empty_array", "Invalid 'input': empty array."),
    (
        {"input": 5},
        "input",
        "invalid_type",
        "Invalid type for 'input': expected one of a string or array, but got an integer instead.",
    ),
    ({"input": ["Hi"]}, "input[0]", "invalid_type", "Invalid type for 'input[0]'"),
    ({"input": [{"role": "user"}]}, "input[0].content", "missing_required_parameter", "Missing required parameter"),
    ({"input": [{**TEXT, "role": "robot"}]}, "input[0].role", "invalid_value", "Invalid value: 'robot'"),
    (
        {"input": [{"type": "item_reference"}]},
        "input",
        "missing_required_parameter",
        "Missing required parameter: 'input[].id'",
    ),
    (
        {"input": [{"type": "item_reference", "id": "msg_9"}, TEXT, {"type": "item_reference", "id": "msg_9"}]},
        "input",
        "invalid_value",
        "Duplicate item found with id msg_9. Remove duplicate items from your input and try again.",
    ),
    (
        {"input": [{"type": "item_reference", "id": f"msg_{number}"} for number in range(2049)]},
        "input",
        "array_above_max_length",
        "Invalid 'input': array too long. Expected an array with maximum length 2048",
    ),
    (
        {"input": [{"type": "web_search_call", "id": "ws_1"}]},
        "input[0].type",
        "invalid_value",
        "Invalid value: 'web_search_call'. Supported values are: 'message', 'function_call', "
        "'function_call_output', 'reasoning', and 'item_reference'.",
    ),
    (
        {"input": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        "input[0].content[0].type",
        "invalid_value",
        "Invalid value: 'input_audio'. Supported values are: 'input_text'",
    ),
    ({"input": [{**TEXT, "id": "no id"}]}, "input[0].id", "invalid_value", "Invalid 'input[0].id': 'no id'"),
    (
        {"input": [{"type": "function_call_output", "call_id": "c9", "output": "x"}]},
        "input",
        "invalid_value",
        "No tool call found for function call output with call_id c9.",
    ),
    (
        {"input": [{"type": "item_reference", "id": "msg_9"}]},
        "input",
        None,
        "Item with id 'msg_9' not found. Items are not persisted when `store` is set to false.",
    ),
    (
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "file:///etc/passwd"}]}]},
        "input",
        "invalid_value",
        "Invalid image",
    ),
    (
        {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}]},
        "input",
        "unsupported_value",
        "Images by 'file_id'",
    ),
    ({"input": "Hi", "background": True}, "background", "unsupported_value", "Background responses"),
    ({"input": "Hi", "prompt": {"id": "pmpt_1"}}, "prompt", "unsupported_value", "Prompt templates"),
    (
        {"input": "Hi", "tools": [CLOCK, {"type": "web_search"}]},
        "tools[1].type",
        "unsupported_value",
        "Tools of type 'web_search' are not available with this model. Supported values are: 'function'.",
    ),
    ({"input": "Hi", "tools": [{"type": "function"}]}, "tools", "missing_required_parameter", "Missing required"),
    ({"input": "Hi", "tool_choice": "required"}, "tool_choice", "invalid_value", "'tool_choice' is only allowed"),
    (
        {"input": "Hi", "max_output_tokens": 5},
        "max_output_tokens",
        "integer_below_min_value",
        "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 5 instead.",
    ),
    ({"input": "Hi", "temperature": 3}, "temperature", "decimal_above_max_value", "Invalid 'temperature'"),
    ({"input": "Hi", "stream": "yes"}, "stream", "invalid_type", "Invalid type for 'stream': expected a boolean"),
    (
        {"input": "Hi", "reasoning": {"effort": "huge"}},
        "reasoning.effort",
        "invalid_value",
        "Invalid value: 'huge'",
    ),
    (
        {"input": "Hi", "truncation": "some"},
        "truncation",
        "invalid_value",
        "Invalid value: 'some'. Supported values are: 'auto'",
    ),
    (
        {"input": "Hi", "metadata": {"k": "v" * 513}},
        "metadata",
        "string_above_max_length",
        "Invalid 'metadata",
    ),
    (
        {"input": "Hi", "previous_response_id": "resp_9"},
        "previous_response_id",
        "previous_response_not_found",
        "Previous response with id 'resp_9' not found.",
    ),
    (
        {"input": "Hi", "previous_response_id": "resp 9"},
        "previous_response_id",
        "previous_response_not_found",
        "Previous response with id 'resp 9' not found.",
    ),
    ({"input": "Hi", "conversation": "my talk"}, "conversation", "invalid_value", "Invalid 'conversation'"),
    (
        {"input": "Hi", "conversation": "c", "previous_response_id": "resp_9"},
        "previous_response_id",
        "mutually_exclusive_parameters",
        "Mutually exclusive parameters",
    ),
    ({"input": "x" * 1_000_001}, "input", "string_above_max_length", "Invalid 'input': string too long."),
    ({"input": [TEXT] * 2_049}, "input", "array_above_max_length", "Invalid 'input': array too long."),
]
"""Bodies, and the parameter, the code and the message with which they are refused."""


async def test_what_is_wrong_is_named() -> None:
    async with desk() as at:
        for (body, param, code, message), stream in product(WRONG, (False, True)):
            sent = {"stream": stream, **body} if stream else body
            error = refused(await at.http.post("/v1/responses", json=sent), 400)
            assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code), error
            assert error["message"].startswith(message), error
        assert at.engines.llm.opened == 0


async def test_a_conversation_that_is_not_kept_is_not_begun() -> None:
    async with desk() as at:
        error = refused(await at.http.post("/v1/responses", json={"input": "Hi", "conversation": "conv_9"}), 404)
        assert error == {
            "message": "Conversation with id 'conv_9' not found.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }


async def test_a_response_that_is_not_kept() -> None:
    asked = (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items"))
    async with desk() as at:
        for name, (method, path) in product(("resp_9", "resp%209", "x" * 500), asked):
            error = refused(await at.http.request(method, f"/v1/responses/{name}{path}"), 404)
            assert (error["code"], error["param"]) == (None, None)
            assert error["message"] == f"Response with id '{name.replace('%20', ' ')[:100]}' not found."


@pytest.mark.parametrize(
    ("sent", "status", "message"),
    [
        ({"content": b"{", "headers": JSON}, 400, "We could not parse the JSON body of your request."),
        ({"content": b"[1]", "headers": JSON}, 400, "We could not parse the JSON body of your request."),
        (
            {"content": DEEP, "headers": JSON},
            400,
            "We could not parse the JSON body of your request. (nested more than 128 levels deep)",
        ),
        ({"content": b'{"input": ' + b"[" * 100_000, "headers": JSON}, 400, "We could not parse the JSON body"),
        ({"content": b"Hi", "headers": {"content-type": "text/plain"}}, 415, "Unsupported content type: 'text/plain'."),
        ({"data": {"input": "Hi"}}, 415, "Unsupported content type: 'application/x-www-form-urlencoded'."),
        (
            {"content": b'{"input":"' + b"x" * 36 * 1024 * 1024 + b'"}', "headers": JSON},
            413,
            "413: Maximum content size",
        ),
        ({"content": b'{"input":"' + b"x" * 35 * 1024 * 1024 + b'"}', "headers": JSON}, 400, "Invalid 'input': string"),
    ],
    ids=["cut", "no object", "deep", "very deep", "text", "form", "36 MiB", "35 MiB"],
)
async def test_what_is_no_request(sent: dict[str, Any], status: int, message: str) -> None:
    async with desk() as at:
        error = refused(await at.http.post("/v1/responses", **sent), status)
        assert error["message"].startswith(message), error["message"][:300]


async def test_a_page_that_there_is_not() -> None:
    pages = ("limit=0", "limit=101", "limit=x", "order=up", "after=msg_9")
    async with desk() as at:
        response = await at.sdk.responses.create(input="Hi")
        for query in pages:
            answer = await at.http.get(f"/v1/responses/{response.id}/input_items?{query}")
            assert refused(answer, 400)["param"] == query.partition("=")[0]


async def test_a_response_is_not_streamed_again() -> None:
    async with desk() as at:
        response = await at.sdk.responses.create(input="Hi")
        answer = await at.http.get(f"/v1/responses/{response.id}", params={"stream": "true", "starting_after": 3})
        assert refused(answer, 400)["param"] == "stream"


async def test_other_methods_and_paths() -> None:
    async with desk() as at:
        assert refused(await at.http.get("/v1/responses"), 405)["code"] == "method_not_supported"
        assert (await at.http.get("/v1/responses/a/b")).status_code == 404


@pytest.mark.parametrize("bytes_sent", [0, 10, 60])
async def test_a_client_that_leaves_before_its_request_is_whole(bytes_sent: int) -> None:
    async with desk() as at:
        tasks = len(asyncio.all_tasks())
        body = b'{"input": "Hi", "stream": true}'
        whole = request("POST", "/v1/responses", "content-type: application/json", body=body)
        connection = await RawConnection.open(at.address, whole[: len(whole) - len(body) + bytes_sent // 2])
        await connection.close()
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        assert at.engines.llm.open == 0
        assert isinstance(await at.http.get("/health"), httpx.Response)


async def test_what_a_server_of_the_other_protocol_refuses_is_named_as_here() -> None:
    error = {"message": "No.", "type": "invalid_request_error", "param": "response_format", "code": "unsupported_value"}
    async with UpstreamServer(replies(400, {"error": error})) as server:
        flags = ("--llm_backend", "chat-completions", "--responses_api_base_url", server.base_url, "--model_name", "m")
        gateway = build(load((*EMBEDDED, *flags), {}))
        async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
            assert (
                refused(
                    await client.post(
                        "/v1/responses", json={"input": "Hi", "text": {"format": {"type": "json_object"}}}
                    ),
                    400,
                )["param"]
                == "text.format"
            )
