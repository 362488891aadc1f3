"""The sound device: what is played when, what is heard, and one line where there is none."""

import asyncio
import math
import sys
from array import array
from types import ModuleType
from typing import Any

import pytest

from gateway.cli.talk.sound_device import BLOCK, UNREAD_BLOCKS, SoundDevice, devices_text, level, load_library, opened
from gateway.settings.model import SettingsError


def block_of(device: SoundDevice, heard: bytes = bytes(2 * BLOCK)) -> bytes:
    """What the loudspeaker gets for a block in which the microphone heard ``heard``."""
    played = bytearray(b"\xff" * 2 * BLOCK)
    device.on_block(heard, memoryview(played), BLOCK, None, None)
    return bytes(played)


async def test_what_waits_is_played_in_order_and_then_silence() -> None:
    device = SoundDevice()
    device.play(b"\1" * 2 * BLOCK)
    device.play(b"\2" * BLOCK)
    assert device.unplayed_ms() == 30
    assert block_of(device) == b"\1" * 2 * BLOCK
    assert block_of(device) == b"\2" * BLOCK + b"\0" * BLOCK
    assert block_of(device) == bytes(2 * BLOCK)
    assert device.unplayed_ms() == 0


async def test_silence_forgets_what_waits() -> None:
    device = SoundDevice()
    device.play(b"\1" * 20 * BLOCK)
    device.silence()
    assert block_of(device) == bytes(2 * BLOCK)


async def test_a_microphone_that_nobody_reads_keeps_a_bounded_part() -> None:
    device = SoundDevice()
    for number in range(UNREAD_BLOCKS + 50):
        block_of(device, number.to_bytes(2, "little"))
    await asyncio.sleep(0)
    microphone = device.microphone()
    heard = [int.from_bytes(await anext(microphone), "little") for _ in range(UNREAD_BLOCKS)]
    assert heard == list(range(UNREAD_BLOCKS))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await anext(microphone)


def test_the_level_of_silence_and_of_full_scale() -> None:
    sine = array("h", (round(32767 * math.sin(index / 4)) for index in range(BLOCK)))
    assert level(bytes(2 * BLOCK)) == 0
    assert level(b"") == 0
    assert 0.9 < level(sine.tobytes()) <= 1
    assert 0.45 < level(array("h", (value // 30 for value in sine)).tobytes()) < 0.47


def test_without_the_package_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(SettingsError, match=r"pip install 'speech-gateway\[talk\]'"):
        load_library()


def test_without_portaudio_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Finder:
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(SettingsError, match="PortAudio"):
        load_library()


class NoDevice(Exception):
    """As PortAudio fails."""


def library(monkeypatch: pytest.MonkeyPatch, devices: str, **functions: Any) -> None:
    module = ModuleType("sounddevice")
    module.__dict__.update(PortAudioError=NoDevice, query_devices=lambda: devices, **functions)
    monkeypatch.setitem(sys.modules, "sounddevice", module)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, (None, None)),
        ("3", (3, 3)),
        ("USB", ("USB", "USB")),
        ("1,Speaker (USB)", (1, "Speaker (USB)")),
        (",2", (None, 2)),
    ],
)
async def test_devices_by_number_or_name(
    name: str | None, expected: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def stream(**given: Any) -> Any:
        asked.append(given["device"])
        raise NoDevice("Invalid device")

    library(monkeypatch, "", RawStream=stream)
    with pytest.raises(SettingsError, match="--list_devices"), opened(name):
        pass
    assert asked == [expected]


def test_the_list_of_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    library(monkeypatch, "> 0 Microphone")
    assert devices_text() == "> 0 Microphone\n"
    library(monkeypatch, "")
    assert devices_text() == "No sound devices.\n"
