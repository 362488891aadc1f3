"""The end of the server: what runs may finish, what is cut gets an answer, and a second signal waits for nothing."""

import asyncio
import json
import logging
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from adapters import scripted
from adapters.contract import llm
from gateway.app import create_app
from tests.support.http_client import ROUTE, form, refused
from tests.support.raw_client import RawConnection, request
from tests.support.server import events_in, gateway_of, scripted_engines, serving, until


class Model:
    """A model that says a sentence at once, or nothing, and goes on when it is told to."""

    def __init__(self, *first: str) -> None:
        self.first = first
        self.release = asyncio.Event()

    async def __call__(self, _request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        for text in self.first:
            yield llm.TextDelta(text=text)
        await self.release.wait()
        yield llm.TextDelta(text="At last.")
        yield llm.Finished(reason="stop", usage=None)


async def ended_while(
    model: Model, fields: dict[str, str], *, seconds: float, released: bool = False
) -> tuple[httpx.Response | httpx.HTTPError, list[int]]:
    """What a client hears of a turn during which the server is told to end, and how many streams are open after it."""
    engines: Any = scripted_engines(llm=scripted.language_model(model))
    gateway = gateway_of(engines, "--shutdown_seconds", str(seconds))
    async with serving(create_app(gateway), gateway.settings) as (address, server), httpx.AsyncClient() as client:
        asked = asyncio.create_task(client.post(f"{address}{ROUTE}", **form(fields=fields), timeout=20))
        await until(lambda: engines.llm.open == 1)
        await asyncio.sleep(0.2)  # what is said first has been sent by then
        server.should_exit = True
        await asyncio.sleep(0.2)
        if released:
            model.release.set()
        try:
            return await asked, [engines.stt.open, engines.llm.open, engines.tts.open]
        except httpx.HTTPError as error:
            return error, [engines.stt.open, engines.llm.open, engines.tts.open]


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
async def test_what_runs_may_finish(stream_format: str) -> None:
    answer, opened = await ended_while(Model("So. "), {"stream_format": stream_format}, seconds=10, released=True)
    assert isinstance(answer, httpx.Response)
    assert answer.status_code == 200
    assert stream_format == "audio" or [*events_in(answer.text)][-1]["type"] == "speech.audio.done"
    assert opened == [0, 0, 0]


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
async def test_what_is_cut_before_its_first_byte_is_told_to_come_back(
    stream_format: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer, opened = await ended_while(Model(), {"stream_format": stream_format}, seconds=0)
    assert isinstance(answer, httpx.Response)
    error = refused(answer, 503)
    assert error["code"] == "service_unavailable"
    assert "shutting down" in error["message"]
    assert answer.headers["x-should-retry"] == "true"
    assert opened == [0, 0, 0]
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []


async def test_an_event_stream_that_is_cut_ends_with_an_error(caplog: pytest.LogCaptureFixture) -> None:
    answer, opened = await ended_while(Model("So. "), {"stream_format": "sse"}, seconds=0)
    assert isinstance(answer, httpx.Response), "the stream has no end"
    *_, last = events_in(answer.text)
    assert last["error"]["code"] == "service_unavailable"
    assert "shutting down" in last["error"]["message"]
    assert opened == [0, 0, 0]
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []


async def test_sound_that_is_cut_looks_like_no_whole_answer() -> None:
    speech = "This is a long sentence about nothing at all, and it is followed by silence. "
    answer, opened = await ended_while(Model(speech, "And so "), {"response_format": "pcm"}, seconds=0)
    assert isinstance(answer, httpx.RemoteProtocolError)
    assert opened == [0, 0, 0]


async def test_a_request_that_is_still_being_sent_is_told_too() -> None:
    gateway = gateway_of(scripted_engines(), "--shutdown_seconds", "0")
    async with serving(create_app(gateway), gateway.settings) as (address, server):
        start = request("POST", ROUTE, "content-type: audio/wav", "content-length: 100000")
        connection = await RawConnection.open(address, start)
        await until(lambda: server.server_state.tasks)
        server.should_exit = True
        answer = await connection.last_answer()
    assert answer.status == 503
    assert json.loads(answer.body)["error"]["type"] == "server_error"


async def test_while_it_ends_balancers_and_new_turns_are_told() -> None:
    model = Model("So. ")
    engines: Any = scripted_engines(llm=scripted.language_model(model))
    gateway = gateway_of(engines, "--shutdown_seconds", "30")
    async with (
        serving(create_app(gateway), gateway.settings, stop=gateway.stop) as (address, server),
        httpx.AsyncClient(base_url=address, timeout=20) as client,
    ):
        await until(lambda: gateway.state == "ready")
        running = asyncio.create_task(client.post(ROUTE, **form()))
        await until(lambda: engines.llm.open == 1)
        server.should_exit = True
        await until(lambda: gateway.stopping)
        ready = await client.get("/ready")
        assert (ready.status_code, ready.json()["status"], ready.headers["connection"]) == (503, "stopping", "close")
        assert (await client.get("/health")).status_code == 200
        error = refused(await client.post(ROUTE, **form()), 503)
        assert "shutting down" in error["message"]
        model.release.set()
        assert (await running).status_code == 200


async def test_connections_that_wait_for_nothing_do_not_hold_the_end_up() -> None:
    gateway = gateway_of(scripted_engines(), "--shutdown_seconds", "600")
    async with serving(create_app(gateway), gateway.settings) as (address, server):
        silent = await RawConnection.open(address)
        half = await RawConnection.open(address, b"GET /hea")
        used = await RawConnection.open(address, request("GET", "/health"))
        await used.next_answer()
        server.should_exit = True
        assert [await connection.rest() for connection in (silent, half, used)] == [b"", b"", b""]


PROGRAM = """
import asyncio, socket
from gateway.server.server import GatewayServer
from gateway.settings.load import load

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    print("asked", flush=True)
    while (await receive())["type"] != "http.disconnect":
        pass

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
settings = load(["--shutdown_seconds", "600"], {}).settings
GatewayServer(app, settings, stop=lambda: print("ending", flush=True)).run(sockets=[listener])
print("ended", flush=True)
"""


@contextmanager
def program() -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A process that serves an application which never answers, and its port."""
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def asked(port: int) -> socket.socket:
    """A connection with a request on it, as soon as the process accepts one."""
    while not accepts(port):
        time.sleep(0.01)
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(request("GET", "/"))
    return client


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_server_in_order(number: signal.Signals) -> None:
    with program() as (process, port):
        asked(port).close()
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        process.send_signal(number)
        said, logged = process.communicate(timeout=20)
    assert (process.returncode, said, logged) == (0, "ending\nended\n", "")


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_waits_for_nothing(second: signal.Signals) -> None:
    with program() as (process, port):
        assert process.stdout is not None
        client = asked(port)
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "ending\n"
        process.send_signal(second)
        _, logged = process.communicate(timeout=20)
        client.close()
    assert (process.returncode, logged) == (-second, "")
