"""``speech-to-speech ask``: one turn on the terminal, with engines of its own or through a running gateway."""

import asyncio
import base64
import os
import sys
from collections.abc import Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import httpx
import msgspec
import openai
import soundfile

from adapters.contract.audio import SAMPLE_BYTES
from adapters.contract.errors import AdapterError
from adapters.options import shown_url
from gateway.audio.decode import decode
from gateway.audio.encode import FORMATS, OUTPUT_RATE
from gateway.engines import Gateway, build
from gateway.pipeline.playback import played
from gateway.pipeline.turn import take_turn
from gateway.settings.composition import start_notes
from gateway.settings.model import Loaded, SettingsError
from gateway.speech_to_speech import schema, translate
from gateway.telemetry import Stopwatch

LONGEST_MESSAGE = 500
"""Characters of what is said of a failure; what is no gateway may answer with a whole page."""

LENGTH_IN_HEADER = ("wav", "flac")
"""Formats whose header says how long they are, which a stream cannot know: they are made here, from its samples."""


UNWRITABLE = (OSError, soundfile.LibsndfileError)
"""What a full disk, or a place where nothing may be written, raises."""


class NoAnswer(Exception):
    """The answer did not come whole, or could not be kept; the message is one line."""


def ask_here(loaded: Loaded, source: str, output: str) -> int:
    """Ask the question in ``source`` (a file, ``-``: standard input), write the answer to ``output``; 1 on failure."""
    recording, file = _read(source), AnswerFile(output)
    gateway = build(loaded)
    gateway.preflight()
    for note in start_notes([gateway.routes[0].route]):
        print(note, file=sys.stderr)
    try:
        asyncio.run(_ask_here(gateway, recording, file))
    except (AdapterError, NoAnswer) as error:
        return _failed(str(error))
    return 0


async def _ask_here(gateway: Gateway, recording: bytes, file: "AnswerFile") -> None:
    try:
        await gateway.warm_up()
        served = gateway.admit(None)
        watch = Stopwatch()
        asked = msgspec.structs.replace(
            translate.turn_of(schema.SpeechToSpeechRequest(), [], served),
            audio=decode(
                recording,
                sample_rate=served.engines.hearing_rate,
                max_seconds=gateway.settings.max_audio_seconds,
            ),
        )
        events = take_turn(served.engines, asked, watch)
        with file, Printed() as printed:
            async with aclosing(played(events, file.wire_format, served.engines.tts.info.sample_rate)) as answer:
                async for event, data in answer:
                    file.write(data)
                    if (shown := translate.event_of(event, translate.Ending(response_id=""))) is not None:
                        printed.show(msgspec.to_builtins(shown))
        print(file.summary())
    finally:
        await gateway.aclose()


def ask_gateway(url: str, source: str, output: str, fields: dict[str, str]) -> int:
    """The same turn at the gateway behind ``url`` (…/v1); ``fields`` go along with the recording. 1 on failure."""
    url = _address(url)
    recording, file = _read(source), AnswerFile(output)
    try:
        # The gateway asks for no key; the client insists on sending one.
        with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client, file, Printed() as printed:
            for event in _events(client, recording, {**fields, "response_format": file.wire_format}):
                if event["type"] == "speech.audio.delta":
                    file.write(base64.b64decode(event["audio"]))
                else:
                    printed.show(event)
    except openai.APIConnectionError:
        return _failed(f"No gateway answers at {shown_url(url)}; start one with 'speech-to-speech'.")
    except (openai.APIError, NoAnswer) as error:
        return _failed(str(error))
    print(file.summary())
    return 0


def _address(url: str) -> str:
    """``url``, with the path that every gateway has when it has none. Raises ``SettingsError``."""
    try:
        address = httpx.URL(url)
        address.host.encode("idna")  # as the resolver will
        if address.scheme in {"http", "https"} and address.host and (address.port or 0) <= 65535:
            return str(address.copy_with(path="/v1")) if address.path == "/" else url
    except (httpx.InvalidURL, ValueError):
        pass  # it is told below
    raise SettingsError(f"Cannot ask at {shown_url(url)!r}; --url takes an address such as http://127.0.0.1:8765/v1.")


def _events(client: openai.OpenAI, recording: bytes, fields: dict[str, str]) -> Iterator[Any]:
    """The events of an answer that is whole. Raises ``NoAnswer`` when it breaks off, and what the client raises."""
    stream: openai.Stream[Any] = client.post(
        "/audio/speech-to-speech",
        cast_to=object,
        body={**fields, "stream_format": "sse"},
        files={"file": ("question", recording)},
        options={"headers": {"Content-Type": "multipart/form-data"}},
        stream=True,
        stream_cls=openai.Stream[object],
    )
    whole = False
    with stream:
        try:
            for event in stream:
                yield event
                whole = event["type"] == "speech.audio.done"
        except openai.APIConnectionError:
            pass  # it is told by what is missing, as when the connection ends in good order
    if not whole:
        raise NoAnswer(
            f"The answer of {shown_url(str(client.base_url))} broke off; was the gateway there stopped? Ask again."
        )


def _read(source: str) -> bytes:
    if source == "-" and sys.stdin is None:
        raise SettingsError("Cannot read '-': standard input is closed.")
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise SettingsError(f"Cannot read {source!r}: {error.strerror}.") from None


def _failed(message: str) -> int:
    print(f"speech-to-speech: {' '.join(message.split())[:LONGEST_MESSAGE]}", file=sys.stderr)
    return 1


class Printed:
    """What was heard and what is answered, on standard output; leaving it ends a line that a failure left open."""

    def __init__(self) -> None:
        self._line_is_open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        if self._line_is_open:
            print(flush=True)

    def show(self, event: dict[str, Any]) -> None:
        """Print what an event of the answer says."""
        match event:
            case {"type": "transcript.text.done", "text": text}:
                print(f"heard:  {text}\nanswer: ", end="", flush=True)
                self._line_is_open = True
            case {"type": "speech.text.delta", "delta": delta}:
                print(delta, end="", flush=True)
                self._line_is_open = True
            case {"type": "speech.audio.done", "timings": times}:
                print(f"\ntime:   {_stages(times)}")
                self._line_is_open = False


def _stages(times: dict[str, float | None]) -> str:
    stages = {
        "recognition": times["stt_ms"],
        "model": times["llm_first_ms"],
        "synthesis": times["tts_first_ms"],
        "first audio after": times["first_audio_ms"],
        "all": times["total_ms"],
    }
    return ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in stages.items() if ms is not None)


class AnswerFile:
    """Where the answer is written while it comes; its ending says in which format.

    It is a file beside the one that was asked for and takes its name when it is whole: an older answer survives a
    failure. For a format whose header tells its length the wire carries plain PCM, its ``wire_format``.
    Making and entering it raise ``SettingsError``; writing and leaving raise ``NoAnswer`` when the disk is full.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._format = self._path.suffix.removeprefix(".").lower()
        if self._format not in FORMATS:
            raise SettingsError(f"Cannot tell the format of {path!r}; its name must end in .{', .'.join(FORMATS)}.")
        try:
            folder, taken = self._path.parent.is_dir(), self._path.is_dir()
        except OSError as error:  # a name that is too long, for one
            raise SettingsError(self._refusal(error)) from None
        if not folder:
            raise SettingsError(f"Cannot write {path!r}: there is no folder {str(self._path.parent)!r}.")
        if taken:
            raise SettingsError(f"Cannot write {path!r}: it is a folder; name a file.")
        self._part = self._path.with_name(f".speech-to-speech-{os.getpid()}.part")
        self.wire_format = "pcm" if self._format in LENGTH_IN_HEADER else self._format
        self._written = 0
        self._split = b""
        self._file: BinaryIO | soundfile.SoundFile

    def __enter__(self) -> Self:
        try:
            self._part.touch()  # it tells what is wrong, which libsndfile does not
            if self._format in LENGTH_IN_HEADER:
                container = {"format": self._format.upper(), "subtype": "PCM_16"}
                self._file = soundfile.SoundFile(str(self._part), "w", OUTPUT_RATE, 1, **container)
            else:
                self._file = self._part.open("wb")
        except UNWRITABLE as error:
            raise SettingsError(self._refusal(error)) from None
        return self

    def write(self, data: bytes) -> None:
        """Add to the answer."""
        try:
            if isinstance(self._file, soundfile.SoundFile):
                data = self._split + data
                whole = len(data) // SAMPLE_BYTES * SAMPLE_BYTES
                self._split = data[whole:]  # a slice may end within a sample
                data = data[:whole]
                self._file.buffer_write(data, "int16")
            else:
                self._file.write(data)
            self._written += len(data)
        except UNWRITABLE as error:
            raise NoAnswer(self._refusal(error)) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        whole = error is None and self._written > 0
        try:
            self._file.close()
            if whole:
                self._part.replace(self._path)
        except UNWRITABLE as failure:
            if error is None:
                raise NoAnswer(self._refusal(failure)) from None
        finally:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)

    def _refusal(self, error: Exception) -> str:
        reason = error.strerror if isinstance(error, OSError) else "the disk may be full"
        return f"Cannot write {str(self._path)!r}: {reason}."

    def summary(self) -> str:
        """What became of it."""
        if not self._written:
            return "There was nothing to say, so no file was written."
        if self.wire_format == "pcm":
            return f"wrote:  {self._path} ({self._written / (SAMPLE_BYTES * OUTPUT_RATE):.1f} s)"
        return f"wrote:  {self._path} ({self._written} bytes)"
