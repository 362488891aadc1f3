"""What the description says of an answer's headers is what answers carry."""

import re

from gateway.app import create_app
from gateway.engines.lifecycle import Gateway
from gateway.settings.load import load
from tests.support.http_client import FROM_ELSEWHERE, ROUTE, asked, benched
from tests.support.server import gateway_of, scripted_engines


async def test_every_header_of_an_answer_is_described_and_the_other_way_round() -> None:
    schema = create_app(Gateway(load([], {}).settings, [])).openapi_schema.to_schema()
    described = schema["paths"][ROUTE]["post"]["responses"]["200"]["headers"].keys()
    async with benched(gateway_of(scripted_engines())) as bench:
        response = await bench.client.post(ROUTE, **asked(unknown=1))
    carried = set(response.headers) - FROM_ELSEWHERE
    assert carried == described - {"x-transcript-truncated"}


def test_a_handlers_docstring_is_a_sentence_for_the_reader() -> None:
    schema = create_app(Gateway(load([], {}).settings, [])).openapi_schema.to_schema()
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            assert re.fullmatch(r"[A-Z][^`]*\.", operation["description"]), path
