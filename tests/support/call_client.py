"""A client of calls: aiortc, as a browser is one, over loopback; events are checked as their strictest readers do."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import av
import httpx
import numpy as np
import soxr
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from tests.support.realtime_client import RATE
from tests.support.server_events import checked_frame

FRAME = RATE // 50
LONGEST_LOSS = 48_000 // 5
"""Samples that are missing because packets were lost; more are a pause."""

SECONDS = 60.0
"""How long an event is waited for."""


class Voice(MediaStreamTrack):  # type: ignore[misc]
    """A microphone: silence, or what is ``said``."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._said = bytearray()
        self._frame = 0
        self._start = 0.0

    def say(self, pcm: bytes) -> None:
        """Speak ``pcm`` (s16le at 24 kHz) next."""
        self._said += pcm

    async def recv(self) -> Any:
        """The next 20 ms, in real time."""
        loop = asyncio.get_running_loop()
        self._start = self._start or loop.time()
        await asyncio.sleep(max(0.0, self._start + self._frame * 0.02 - loop.time()))
        pcm = bytes(self._said[: FRAME * 2]).ljust(FRAME * 2, b"\0")
        del self._said[: FRAME * 2]
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, "<i2").reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._frame * FRAME, Fraction(1, RATE)
        self._frame += 1
        return frame


class CallClient:
    """One call; ``events`` and ``audio`` (s16le at 24 kHz) are all that came so far."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.voice = Voice()
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.addTrack(self.voice)
        self.peer.on("track", self._heard)
        self.channel = self.peer.createDataChannel("oai-events")
        self.channel.on("message", self._told)
        self._news = asyncio.Event()
        self._samples: list[np.ndarray[Any, Any]] = []
        self._listening: asyncio.Task[None] | None = None
        self._read = 0
        self.location = ""

    async def offer(self) -> str:
        """The offer, with all candidates."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return str(self.peer.localDescription.sdp)

    @classmethod
    async def made_offer(cls) -> str:
        """An offer whose client is gone."""
        client = cls()
        offer = await client.offer()
        await client.close()
        return offer

    async def accept(self, answer: str) -> None:
        """Connect, and wait for the session."""
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        await self.until("session.created")

    def send(self, type_: str, **fields: Any) -> None:
        """Send an event."""
        self.channel.send(json.dumps({"type": type_, **fields}))

    async def until(self, type_: str) -> dict[str, Any]:
        """The next event of a type."""
        async with asyncio.timeout(SECONDS):
            while True:
                while self._read < len(self.events):
                    self._read += 1
                    if (event := self.events[self._read - 1])["type"] == type_:
                        return event
                self._news.clear()
                await self._news.wait()

    def types(self) -> list[str]:
        """The types of all events so far."""
        return [event["type"] for event in self.events]

    def audio(self) -> "np.ndarray[Any, Any]":
        """What was heard, s16 at 24 kHz."""
        if not self._samples:
            return np.zeros(0, "<i2")
        return soxr.resample(np.concatenate(self._samples), 48_000, RATE).astype("<i2")  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Hang up on this side."""
        await self.peer.close()
        if self._listening is not None:
            await self._listening

    def _told(self, text: str) -> None:
        self.events.append(checked_frame(text.encode()))
        self._news.set()

    def _heard(self, track: Any) -> None:
        self._listening = asyncio.create_task(self._listen(track))

    async def _listen(self, track: Any) -> None:
        expected = 0
        try:
            while True:
                frame = await track.recv()
                samples = np.frombuffer(frame.planes[0], "<i2", count=frame.samples * 2)
                if 0 < (lost := frame.pts - expected) <= LONGEST_LOSS:
                    self._samples.append(np.zeros(lost, "<i2"))
                self._samples.append(samples.reshape(-1, 2)[:, 0].copy())
                expected = frame.pts + frame.samples
        except MediaStreamError:
            return


async def post_offer(address: str, offer: str, key: str | None = None, **request: Any) -> httpx.Response:
    """Begin a call; ``request`` replaces the offer as the body, or adds to it."""
    plain = {"content": offer, "headers": {"content-type": "application/sdp"}}
    if request.keys() & {"json", "files"}:
        plain = {}
    auth = None if key is None else _Bearer(key)
    async with httpx.AsyncClient(timeout=20, auth=auth) as http:
        return await http.post(f"{address}/v1/realtime/calls", **{**plain, **request})


class _Bearer(httpx.Auth):
    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["authorization"] = f"Bearer {self._key}"
        yield request


@asynccontextmanager
async def calling(
    address: str, key: str | None = None, form: Callable[[str], dict[str, Any]] = lambda _: {}
) -> AsyncGenerator[CallClient, None]:
    """A call whose session has begun; the client hangs up at the end. ``form`` is the request with an offer."""
    client = CallClient()
    try:
        offer = await client.offer()
        answer = await post_offer(address, offer, key, **form(offer))
        assert answer.status_code == 201, answer.text
        assert answer.headers["content-type"].startswith("application/sdp")
        client.location = answer.headers["location"]
        await client.accept(answer.text)
        yield client
    finally:
        await client.close()


async def place_again(address: str, offer: str) -> None:
    """Wait until the only place for a session is free."""
    async with asyncio.timeout(20):
        while (await post_offer(address, offer)).status_code == 503:
            await asyncio.sleep(0.1)
