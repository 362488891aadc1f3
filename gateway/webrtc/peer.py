"""One WebRTC connection: an offer is answered, audio goes both ways, and there is a data channel for events."""

import asyncio
import logging
from typing import Any

from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import SessionDescription

from adapters.contract.errors import InvalidRequest
from gateway.telemetry.log_format import where
from gateway.webrtc.event_channel import EventChannel
from gateway.webrtc.ice import Network
from gateway.webrtc.microphone import Microphone
from gateway.webrtc.opus_track import OpusTrack
from gateway.webrtc.playout import Playout

logger = logging.getLogger(__name__)

LABEL = "oai-events"
"""The name of the data channel that carries events."""

MOST_CANDIDATES = 64
"""Addresses of the client that are tried."""

MOST_MEDIA = 8
"""Sections of an offer."""

CLOSING_SECONDS = 5.0
"""How long closing a connection may take."""

OPUS = [codec for codec in RTCRtpReceiver.getCapabilities("audio").codecs if codec.mimeType == "audio/opus"]


class Peer:
    """The connection of one call over ``network``; ``playout`` is heard by the client, ``microphone`` hears it."""

    def __init__(self, network: Network, playout: Playout, microphone: Microphone, channel: EventChannel) -> None:
        self.ended = asyncio.Event()
        """Set once the connection is lost or closed."""
        self.connected = asyncio.Event()
        self._network = network
        self._microphone = microphone
        self._channel = channel
        self._track: Any = None
        self._connection = RTCPeerConnection(network.configuration)
        self._audio = self._connection.addTransceiver(OpusTrack(playout), direction="sendrecv")
        self._audio.setCodecPreferences(OPUS)
        self._connection.on("connectionstatechange", self._changed)
        self._connection.on("datachannel", self._opened)

    async def answer(self, offer: str) -> str:
        """The answer (SDP) to ``offer``. Raises ``InvalidRequest`` for one that cannot be answered."""
        _check(offer)
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
            for transceiver in self._connection.getTransceivers():
                if transceiver is not self._audio:
                    transceiver.direction = "inactive"
            self._track = self._audio.receiver.track
            self._network.bind(self._audio.receiver.transport.transport.iceGatherer._connection)
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except Exception as error:  # noqa: BLE001 - the library raises whatever its code runs into
            logger.info("an offer cannot be answered: %s", where(error))
            raise _invalid("it cannot be answered; it needs audio in Opus, DTLS fingerprints and ICE.") from None
        return str(self._connection.localDescription.sdp)

    async def listen(self) -> None:
        """Give the microphone what the client says, until it says nothing any more; returns at once without a track."""
        if self._track is None:
            return
        try:
            while True:
                self._microphone.take(await self._track.recv())
        except MediaStreamError:
            return

    async def close(self) -> None:
        """Close everything: sockets, tasks, the thread that decodes."""
        self.ended.set()
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._connection.close()
        except TimeoutError:
            logger.error("a WebRTC connection did not close within %g s", CLOSING_SECONDS)

    def _changed(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self.connected.set()
        elif state in ("failed", "closed"):
            self.ended.set()

    def _opened(self, channel: Any) -> None:
        if channel.label == LABEL:
            self._channel.attach(channel)


def _check(offer: str) -> None:
    """Raise ``InvalidRequest`` for what is no offer of one connection with audio, within bounds."""
    try:
        description = SessionDescription.parse(offer)
    except Exception:  # noqa: BLE001 - the parser raises whatever its code runs into
        raise _invalid("it is no session description (SDP).") from None
    if not any(media.kind == "audio" for media in description.media):
        raise _invalid("it has no audio; add an audio track or transceiver before you make the offer.")
    if len(description.media) > MOST_MEDIA:
        raise _invalid(f"it has {len(description.media)} media sections, and {MOST_MEDIA} is the most.")
    if sum(len(media.ice_candidates) for media in description.media) > MOST_CANDIDATES:
        raise _invalid(f"it has more than {MOST_CANDIDATES} candidates.")
    bundled = {mid for group in description.group if group.semantic == "BUNDLE" for mid in group.items}
    if len(description.media) > 1 and any(media.rtp.muxId not in bundled for media in description.media):
        raise _invalid("its media sections are not all in one BUNDLE group.")


def _invalid(reason: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid 'sdp': {reason}", param="sdp", code="invalid_offer")
