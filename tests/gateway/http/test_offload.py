"""Large requests are taken apart beside the event loop, over a socket and in every form they can have."""

import base64
import threading
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from gateway.http import form as form_reader
from gateway.http import voice_turns
from gateway.http.offload import LARGE_BYTES, offloaded
from tests.support.http_client import JSON, ROUTE, Bench, benched, form, raw
from tests.support.server import gateway_of, question, scripted_engines

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncGenerator[Bench, None]:
    async with benched(gateway_of(scripted_engines())) as bench:
        yield bench


def in_json(fields: str) -> dict[str, Any]:
    data = base64.b64encode(question()).decode()
    return raw(f'{{"input_audio": {{"data": "{data}"}}, {fields}}}'.encode(), JSON)


LARGE = "x" * (LARGE_BYTES + 1)


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (in_json('"extra": ""'), in_json(f'"extra": "{LARGE}"')),
        (form(fields={"extra": "x"}), form(fields={"extra": LARGE})),
    ],
    ids=["JSON", "form"],
)
async def test_only_small_requests_are_taken_apart_on_the_event_loop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, small: dict[str, Any], large: dict[str, Any]
) -> None:
    threads: set[str] = set()

    def noted(function: Any) -> Any:
        def work(*arguments: Any, **keywords: Any) -> Any:
            threads.add(threading.current_thread().name)
            return function(*arguments, **keywords)

        return work

    monkeypatch.setattr(form_reader, "_json", noted(form_reader._json))
    monkeypatch.setattr(form_reader._Form, "fields", noted(form_reader._Form.fields))
    for name in ("fields_of", "recording_of", "images_of", "turn_request"):
        monkeypatch.setattr(voice_turns, name, noted(getattr(voice_turns, name)))
    assert (await bench.client.post(ROUTE, **small)).status_code == 200
    assert threads == {threading.main_thread().name}
    threads.clear()
    assert (await bench.client.post(ROUTE, **large)).status_code == 200
    assert threads == {"call in turn"}


@pytest.mark.parametrize("size", [LARGE_BYTES, LARGE_BYTES + 1])
async def test_errors_pass_unchanged(size: int) -> None:
    with pytest.raises(ZeroDivisionError):
        await offloaded(size, divmod, 1, 0)
    assert await offloaded(size, divmod, 7, 2) == (3, 1)
