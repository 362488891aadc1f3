"""A transcript on its way: headers, a failure in the middle, a client that leaves."""

import asyncio
import logging
from collections.abc import AsyncGenerator

import pytest

from adapters import scripted
from adapters.contract import stt
from adapters.contract.errors import Unavailable, UpstreamError
from tests.support.http_client import WAV, benched, form, raw, refused
from tests.support.raw_client import RawConnection, request
from tests.support.server import events_in, gateway_of, question, scripted_engines, until

ROUTE = "/v1/audio/transcriptions"


class Interrupted:
    """Recognises the beginning, then raises ``error`` or waits for ever."""

    def __init__(self, error: Exception | None = None, beginning: str = "It was ") -> None:
        self.error = error
        self.beginning = beginning

    async def __call__(self, _request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        if self.beginning:
            yield stt.PartialTranscript(stable=self.beginning)
        if self.error is not None:
            raise self.error
        await asyncio.Event().wait()


def recognising(script: Interrupted) -> scripted.Scripted[stt.Request, stt.Event, stt.Info]:
    return scripted.Scripted(stt.Info(sample_rate=16_000), script)


@pytest.mark.parametrize("stream", ["true", "false"])
async def test_a_failure_before_the_first_word_has_a_real_status(stream: str) -> None:
    engine = recognising(Interrupted(Unavailable("All ears are busy.", retry_after=2), beginning=""))
    async with benched(gateway_of(scripted_engines(stt=engine))) as bench:
        response = await bench.client.post(ROUTE, **form(fields={"stream": stream}))
        assert refused(response, 503)["code"] == "service_unavailable"
        assert response.headers["retry-after"] == "2"


async def test_a_failure_in_the_middle_is_the_last_event_or_the_status_of_a_document() -> None:
    engine = recognising(Interrupted(UpstreamError("The tape broke.")))
    async with benched(gateway_of(scripted_engines(stt=engine))) as bench:
        response = await bench.client.post(ROUTE, **form(fields={"stream": "true"}))
        first, last = events_in(response.text)
        assert (response.status_code, first["delta"]) == (200, "It was ")
        assert last == {
            "error": {"message": "The tape broke.", "type": "server_error", "param": None, "code": "upstream_error"}
        }
        refused(await bench.client.post(ROUTE, **form()), 502)


@pytest.mark.parametrize("query", ["", "?stream=true"])
async def test_a_client_that_leaves_frees_the_recogniser(query: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    engine = recognising(Interrupted())
    async with benched(gateway_of(scripted_engines(stt=engine))) as bench:
        head = f"content-type: {WAV['content-type']}"
        address = str(bench.client.base_url).rstrip("/")
        connection = await RawConnection.open(address, request("POST", ROUTE + query, head, body=question()))
        await until(lambda: engine.open == 1)
        await connection.close()
        await until(bench.at_rest)
    left = [line for line in caplog.messages if line.startswith("transcription_") and " left " in line]
    assert len(left) == 1
    assert "It was" not in caplog.text


async def test_the_headers_of_a_document_and_of_a_stream() -> None:
    async with benched(gateway_of(scripted_engines())) as bench:
        whole = await bench.client.post(ROUTE, **raw(question(), WAV))
        streamed = await bench.client.post(ROUTE, **raw(question(), WAV, "stream=true"))
        text = await bench.client.post(ROUTE, **raw(question(), WAV, "response_format=text"))
    assert whole.headers["content-type"] == "application/json"
    assert int(whole.headers["content-length"]) == len(whole.content)
    assert whole.headers["server-timing"].startswith("stt;dur=")
    assert "x-response-id" not in whole.headers
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert streamed.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "server-timing" not in streamed.headers
