"""One spoken conversation: the microphone is sent as it is heard, the answers are played as they come."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection

from adapters.options import shown_url
from gateway.cli.answer_file import NoAnswer
from gateway.cli.talk.connection import connected
from gateway.cli.talk.dialogue import Dialogue, Refused, appended, parsed
from gateway.cli.talk.screen import Terminal
from gateway.cli.talk.sound_device import BYTES_PER_MS, SoundDevice, level, opened
from gateway.tasks import merged

AHEAD = 50
"""Blocks and events that may wait for the one before them."""

BLOCKS_PER_LEVEL = 5
"""Blocks of 20 ms between two looks at the level of the microphone."""


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to talk to, and how.

    ``address``: of the realtime route. ``fields``: of its session. ``device``: see ``sound_device.opened``.
    ``half_duplex``: the microphone is not listened to while an answer plays, for loudspeakers beside a microphone.
    """

    address: str
    key: str | None = None
    device: str | None = None
    half_duplex: bool = False
    fields: Mapping[str, Any] = {}


async def converse(talk: Talk) -> None:
    """Talk until the server ends it. Raises ``NoAnswer``, and ``SettingsError`` for a device that cannot be used."""
    screen = Terminal()
    with opened(talk.device) as device:
        async with connected(talk.address, talk.key) as connection:
            dialogue = Dialogue(talk.fields, device, screen)
            try:
                await _exchange(talk, connection, device, dialogue, screen)
            except Refused as error:
                raise NoAnswer(str(error)) from None
            except (ValueError, TypeError, KeyError, AttributeError) as error:  # what is no gateway fails in many ways
                raise NoAnswer(
                    f"What answers at {shown_url(talk.address)} is not a gateway ({type(error).__name__})."
                ) from None
            finally:
                screen.close()


async def _exchange(
    talk: Talk, connection: ClientConnection, device: SoundDevice, dialogue: Dialogue, screen: Terminal
) -> None:
    sent = blocks = 0
    async with merged(_received(connection), device.microphone(), buffer=AHEAD) as items:
        async for item in items:
            if isinstance(item, str):
                for event in dialogue.on_event(parsed(item), sent // BYTES_PER_MS):
                    await connection.send(msgspec.json.encode(event).decode())
                continue
            muted = talk.half_duplex and device.unplayed_ms() > 0
            block = bytes(len(item)) if muted else item
            await connection.send(msgspec.json.encode(appended(block)).decode())
            sent += len(block)
            blocks += 1
            if blocks % BLOCKS_PER_LEVEL == 0:
                screen.level(level(block))


async def _received(connection: ClientConnection) -> AsyncGenerator[str | bytes, None]:
    """The frames of the server; a connection that ends is a ``ConnectionClosed``, whoever ended it."""
    while True:
        yield await connection.recv(decode=True)
