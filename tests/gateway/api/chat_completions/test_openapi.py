"""The description of the route: what it takes, and both forms of its answer."""

import msgspec

from gateway.app import create_app
from gateway.http.openapi import document
from tests.support.server import gateway_of, scripted_engines


def test_the_operation_names_what_comes_and_goes() -> None:
    api = msgspec.json.decode(document(create_app(gateway_of(scripted_engines()))))
    operation = api["paths"]["/v1/chat/completions"]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    answer = operation["responses"]["200"]["content"]
    assert body.rpartition("/")[2] in api["components"]["schemas"]
    assert answer["application/json"]["schema"]["$ref"].rpartition("/")[2] in api["components"]["schemas"]
    assert answer["text/event-stream"]["schema"]["$ref"].rpartition("/")[2] in api["components"]["schemas"]
    assert operation["responses"].keys() == {"200", "default"}
    assert "x-transcript" in operation["responses"]["200"]["headers"]
    assert "x-conversation-id" not in operation["responses"]["200"]["headers"]
