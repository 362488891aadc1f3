"""What is done at each event of a realtime server: what to send, to play and to print; without sound or sockets."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from gateway.cli.talk.sound_device import BYTES_PER_MS


class Speaker(Protocol):
    """Where the answer is played."""

    def play(self, audio: bytes) -> None:
        """Play ``audio`` after what waits already."""

    def unplayed_ms(self) -> int:
        """How much waits to be played."""

    def silence(self) -> None:
        """Forget what waits to be played."""


class Screen(Protocol):
    """Where the conversation is shown."""

    def heard(self, text: str, *, final: bool) -> None:
        """What the user says: all of it so far."""

    def answer(self, delta: str) -> None:
        """More of the answer's text."""

    def answered(self, first_audio_ms: int | None, *, interrupted: bool) -> None:
        """The answer is over."""

    def failure(self, message: str) -> None:
        """Something went wrong; the conversation goes on."""


class Refused(Exception):
    """The server ends the conversation; the message is its own."""


class Dialogue:
    """One conversation. ``fields`` of the session are asked for at its beginning."""

    def __init__(self, fields: Mapping[str, Any], speaker: Speaker, screen: Screen) -> None:
        self._fields = fields
        self._speaker = speaker
        self._screen = screen
        self._said: dict[str, str] = {}
        self._item = ""
        self._item_ms = 0
        self._turn_end_ms: int | None = None
        self._first_audio_ms: int | None = None

    def on_event(self, event: Mapping[str, Any], sent_ms: int) -> list[dict[str, Any]]:
        """Do what ``event`` asks for, after ``sent_ms`` of audio were sent; the events to send. Raises ``Refused``.

        An event without the fields that it must have raises ``KeyError``, ``TypeError`` or ``ValueError``.
        """
        match event["type"]:
            case "session.created":
                return [{"type": "session.update", "session": {"type": "realtime", **self._fields}}]
            case "input_audio_buffer.speech_started":
                return self._interrupted()
            case "input_audio_buffer.speech_stopped":
                self._turn_end_ms, self._first_audio_ms = int(event["audio_end_ms"]), None
            case "conversation.item.input_audio_transcription.delta":
                said = self._said[event["item_id"]] = self._said.get(event["item_id"], "") + event["delta"]
                self._screen.heard(said, final=False)
            case "conversation.item.input_audio_transcription.completed":
                self._said.pop(event["item_id"], None)
                self._screen.heard(str(event["transcript"]), final=True)
            case "conversation.item.input_audio_transcription.failed":
                self._said.pop(event["item_id"], None)
                self._screen.failure(f"not understood: {event['error'].get('message')}")
            case "response.output_audio.delta":
                self._play(event["item_id"], base64.b64decode(event["delta"], validate=True), sent_ms)
            case "response.output_audio_transcript.delta" | "response.output_text.delta":
                self._screen.answer(str(event["delta"]))
            case "response.done":
                self._done(event["response"])
            case "error":
                self._failed(event["error"])
        return []

    def _play(self, item: str, audio: bytes, sent_ms: int) -> None:
        if item != self._item:
            self._item, self._item_ms = item, 0
        self._item_ms += len(audio) // BYTES_PER_MS
        self._speaker.play(audio)
        if self._turn_end_ms is not None and self._first_audio_ms is None:
            self._first_audio_ms = max(0, sent_ms - self._turn_end_ms)

    def _interrupted(self) -> list[dict[str, Any]]:
        """Fall silent, and tell how much of the answer was heard."""
        unplayed = self._speaker.unplayed_ms()
        if not unplayed:
            return []
        self._speaker.silence()
        heard_ms = max(0, self._item_ms - unplayed)
        return [
            {
                "type": "conversation.item.truncate",
                "item_id": self._item,
                "content_index": 0,
                "audio_end_ms": heard_ms,
            }
        ]

    def _done(self, response: Mapping[str, Any]) -> None:
        status, details = response["status"], response.get("status_details") or {}
        if status == "failed":
            self._screen.failure(str((details.get("error") or {}).get("message") or "the answer failed"))
        self._screen.answered(self._first_audio_ms, interrupted=status == "cancelled")
        self._turn_end_ms = None

    def _failed(self, error: Mapping[str, Any]) -> None:
        if error.get("code") == "session_expired":
            raise Refused(str(error["message"]))
        self._screen.failure(str(error["message"]))


def parsed(frame: str | bytes) -> dict[str, Any]:
    """The event of a frame. Raises ``ValueError`` where it is none."""
    event = msgspec.json.decode(frame)
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise binascii.Error("no event of a realtime server")
    return event


def appended(block: bytes) -> dict[str, Any]:
    """The event that carries ``block`` of the microphone."""
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(block).decode()}
