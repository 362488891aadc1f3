"""The exchange of ``talk``: half duplex sends silence while an answer plays, and what no gateway sends ends it."""

import asyncio
import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from gateway.cli.answer_file import NoAnswer
from gateway.cli.talk import conversation
from gateway.cli.talk.conversation import Talk, converse
from gateway.cli.talk.sound_device import BLOCK, SoundDevice

VOICE = b"\1\2" * BLOCK


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> list[SoundDevice]:
    """The sound device once it is opened; a test drives it."""
    made: list[SoundDevice] = []

    @contextmanager
    def opening(_name: str | None) -> Iterator[SoundDevice]:
        made.append(SoundDevice())
        yield made[0]

    monkeypatch.setattr(conversation, "opened", opening)
    return made


def hears(device: SoundDevice) -> None:
    device.on_block(VOICE, memoryview(bytearray(2 * BLOCK)), BLOCK, None, None)


@pytest.mark.parametrize("half_duplex", [False, True])
async def test_the_microphone_while_an_answer_plays(half_duplex: bool, device: list[SoundDevice]) -> None:
    received: list[bytes] = []

    async def handler(connection: ServerConnection) -> None:
        answer = base64.b64encode(bytes(2 * 2 * BLOCK)).decode()
        await connection.send(json.dumps({"type": "response.output_audio.delta", "item_id": "a", "delta": answer}))
        while not device[0].unplayed_ms():
            await asyncio.sleep(0.005)
        hears(device[0])  # it plays one of the two blocks of the answer meanwhile
        received.append(await appended(connection))
        hears(device[0])
        hears(device[0])
        received.append(await appended(connection))
        await connection.close(1000, "Enough.")

    async def appended(connection: ServerConnection) -> bytes:
        return base64.b64decode(json.loads(await connection.recv())["audio"])

    with pytest.raises(NoAnswer, match=r"ended the conversation: Enough\."):
        await talk_to(handler, half_duplex=half_duplex)
    assert received == [bytes(2 * BLOCK) if half_duplex else VOICE, VOICE]


@pytest.mark.parametrize("frame", ["nonsense", '{"type": "response.done"}', '{"type": "error", "error": 3}'])
@pytest.mark.usefixtures("device")
async def test_what_is_no_gateway_ends_it(frame: str) -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send(frame)
        await connection.wait_closed()

    with pytest.raises(NoAnswer, match="is not a gateway"):
        await talk_to(handler)


@pytest.mark.usefixtures("device")
async def test_a_session_that_expires_ends_it() -> None:
    error = {"type": "invalid_request_error", "code": "session_expired", "message": "It was an hour."}

    async def handler(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "error", "error": error}))
        await connection.wait_closed()

    with pytest.raises(NoAnswer, match=r"It was an hour\."):
        await talk_to(handler)


async def talk_to(handler: Any, *, half_duplex: bool = False) -> None:
    async with asyncio.timeout(10), serve(handler, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        await converse(Talk(address=f"ws://127.0.0.1:{port}/v1/realtime", half_duplex=half_duplex))
