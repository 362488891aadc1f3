"""Packets of the gateway's voice: their sound, their timestamps, and silence."""

import asyncio
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from gateway.realtime.hearing.audio_format import FORMATS
from gateway.webrtc.opus_track import FRAME_TICKS, SILENCE, TAIL_FRAMES, OpusTrack
from gateway.webrtc.playout import RATE, Playout

TONE_HZ = 440


def tone(seconds: float) -> bytes:
    return bytes((np.sin(np.arange(int(RATE * seconds)) * 2 * np.pi * TONE_HZ / RATE) * 8000).astype("<i2").tobytes())


def playing(pcm: bytes) -> OpusTrack:
    playout = Playout(lambda *_: None)
    playout.begin("one", FORMATS["audio/pcm"])
    playout.add("one", pcm)
    playout.complete("one")
    return OpusTrack(playout)


def decoded(packets: list[Any]) -> "np.ndarray[Any, Any]":
    decoder: Any = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.format, decoder.layout = 48_000, "s16", "mono"
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(bytes(packet)))]
    return np.concatenate([np.frombuffer(frame.planes[0], "<i2", count=frame.samples) for frame in frames])


async def test_what_is_played_is_heard_and_then_it_is_silent() -> None:
    track = playing(tone(0.2))
    packets = [await track.recv() for _ in range(10 + TAIL_FRAMES)]
    heard = decoded(packets)
    loud = heard[4800:7200].astype(float)
    spectrum = np.abs(np.fft.rfft(loud * np.hanning(len(loud))))
    assert abs(np.argmax(spectrum) * 48_000 / len(loud) - TONE_HZ) < 25
    assert np.abs(heard[-4800:]).max() < 50
    assert {after.pts - before.pts for before, after in pairwise(packets)} == {FRAME_TICKS}


async def test_quiet_costs_a_packet_now_and_then_and_time_goes_on() -> None:
    playout = Playout(lambda *_: None)
    track = OpusTrack(playout)
    first, second = await track.recv(), await track.recv()
    assert bytes(first) == bytes(second) == SILENCE
    assert second.pts - first.pts >= 15 * FRAME_TICKS
    assert np.abs(decoded([first, second])).max() == 0
    waiting = asyncio.create_task(track.recv())
    await asyncio.sleep(0.1)
    playout.begin("one", FORMATS["audio/pcm"])
    playout.add("one", tone(0.1))
    third = await waiting
    assert bytes(third) != SILENCE
    assert 2 * FRAME_TICKS < third.pts - second.pts < 18 * FRAME_TICKS


async def test_a_track_that_was_stopped_has_ended() -> None:
    track = playing(tone(0.2))
    track.stop()
    with pytest.raises(MediaStreamError):
        await track.recv()
