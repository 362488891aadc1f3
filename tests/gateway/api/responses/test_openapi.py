"""What the description says of the Responses and Conversations APIs is what they take and give."""

from typing import Any

import pytest

from gateway.app import create_app
from gateway.engines.lifecycle import Gateway
from gateway.settings.load import load
from tests.support.responses_client import desk

NOT_DESCRIBED = {"cache-control", "content-type", "date", "transfer-encoding", "x-accel-buffering"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    described: dict[str, Any] = create_app(Gateway(load([], {}).settings, [])).openapi_schema.to_schema()
    return described


async def test_every_header_of_an_answer_is_described_and_the_other_way_round(schema: dict[str, Any]) -> None:
    described = schema["paths"]["/v1/responses"]["post"]["responses"]["200"]["headers"].keys()
    async with desk() as at:
        answer = await at.http.post("/v1/responses", json={"input": "Hi", "user": "u"})
    assert set(answer.headers) - NOT_DESCRIBED == described


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/responses", "ResponsesRequest"),
        ("/v1/conversations", "ConversationsConversationRequest"),
        ("/v1/conversations/{conversation_id}", "ConversationsUpdateRequest"),
        ("/v1/conversations/{conversation_id}/items", "ConversationsItemsRequest"),
    ],
)
def test_every_body_is_described(schema: dict[str, Any], path: str, name: str) -> None:
    body = schema["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": f"#/components/schemas/{name}"}
    assert schema["components"]["schemas"][name]["properties"]


@pytest.mark.parametrize(
    "path", ["/v1/responses/{response_id}/input_items", "/v1/conversations/{conversation_id}/items"]
)
def test_the_query_of_a_list_is_described_beside_its_path(schema: dict[str, Any], path: str) -> None:
    parameters = schema["paths"][path]["get"]["parameters"]
    in_path, *in_query = [(parameter["in"], parameter["name"]) for parameter in parameters]
    assert in_path[0] == "path"
    assert in_query == [("query", "order"), ("query", "limit"), ("query", "after")]
    assert all(parameter["description"] for parameter in parameters[1:])


def test_every_event_is_described_by_its_type(schema: dict[str, Any]) -> None:
    answer = schema["paths"]["/v1/responses"]["post"]["responses"]["200"]["content"]["text/event-stream"]["schema"]
    assert "response.output_text.delta" in answer["discriminator"]["mapping"]
    assert len(answer["anyOf"]) == 22
