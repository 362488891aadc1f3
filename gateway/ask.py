"""``speech-to-speech ask``: one turn on the terminal, with engines of its own or through a running gateway."""

import asyncio
import base64
import sys
from collections.abc import Iterator
from contextlib import aclosing, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import msgspec
import openai

from adapters.contract import tts
from adapters.contract.audio import SAMPLE_BYTES
from adapters.contract.errors import AdapterError
from gateway.audio.decode import decode
from gateway.audio.encode import FORMATS, OUTPUT_RATE, Encoder, wav_header
from gateway.engines import Gateway, build
from gateway.pipeline import answer, turn
from gateway.serve import ECHO_NOTE
from gateway.settings.model import Loaded, SettingsError
from gateway.speech_to_speech import schema, translate
from gateway.telemetry import Stopwatch


def ask_here(loaded: Loaded, source: str, output: str) -> int:
    """Ask the question in ``source`` (a file, ``-``: standard input), write the answer to ``output``; 1 on failure."""
    recording, file = _read(source), AnswerFile(output)
    gateway = build(loaded)
    if gateway.routes[0].route.settings.llm_backend == "echo":
        print(ECHO_NOTE, file=sys.stderr)
    try:
        asyncio.run(_ask_here(gateway, recording, file))
    except AdapterError as error:
        return _failed(error.message)
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
        encoder = Encoder(file.wire_format, sample_rate=served.engines.tts.info.sample_rate)
        with closing(encoder), file:
            async with aclosing(turn.take_turn(served.engines, asked, watch)) as events:
                async for event in events:
                    if isinstance(event, tts.AudioChunk):
                        file.write(encoder.feed(event.pcm))
                    elif isinstance(event, answer.AnswerFinished):
                        file.write(encoder.finish())
                    if (shown := translate.event_of(event, "")) is not None:
                        _show(msgspec.to_builtins(shown))
        print(file.summary())
    finally:
        await gateway.aclose()


def ask_gateway(url: str, source: str, output: str, fields: dict[str, str]) -> int:
    """The same turn at the gateway behind ``url`` (…/v1); ``fields`` go along with the recording. 1 on failure."""
    recording, file = _read(source), AnswerFile(output)
    try:
        # The gateway asks for no key; the client insists on sending one.
        with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client, file:
            for event in _events(client, recording, {**fields, "response_format": file.wire_format}):
                if event["type"] == "speech.audio.delta":
                    file.write(base64.b64decode(event["audio"]))
                else:
                    _show(event)
    except openai.APIConnectionError:
        return _failed(f"No gateway answers at {url}; start one with 'speech-to-speech'.")
    except openai.APIError as error:
        return _failed(error.message)
    print(file.summary())
    return 0


def _events(client: openai.OpenAI, recording: bytes, fields: dict[str, str]) -> Iterator[Any]:
    stream: openai.Stream[Any] = client.post(
        "/audio/speech-to-speech",
        cast_to=object,
        body={**fields, "stream_format": "sse"},
        files={"file": ("question", recording)},
        options={"headers": {"Content-Type": "multipart/form-data"}},
        stream=True,
        stream_cls=openai.Stream[object],
    )
    with stream:
        yield from stream


def _read(source: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise SettingsError(f"Cannot read {source!r}: {error.strerror}.") from None


def _failed(message: str) -> int:
    print(f"speech-to-speech: {message}", file=sys.stderr)
    return 1


def _show(event: dict[str, Any]) -> None:
    match event:
        case {"type": "transcript.text.done", "text": text}:
            print(f"heard:  {text}\nanswer: ", end="", flush=True)
        case {"type": "speech.text.delta", "delta": delta}:
            print(delta, end="", flush=True)
        case {"type": "speech.audio.done", "timings": times}:
            stages = {
                "recognition": times["stt_ms"],
                "model": times["llm_first_ms"],
                "synthesis": times["tts_first_ms"],
                "first audio after": times["first_audio_ms"],
                "all": times["total_ms"],
            }
            known = ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in stages.items() if ms is not None)
            print(f"\ntime:   {known}")


class AnswerFile:
    """Where the answer is written while it comes; its ending says in which format. Raises ``SettingsError``.

    A WAV file gets its true length at the end, so the wire carries plain PCM for it: ``wire_format``.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._format = self._path.suffix.removeprefix(".").lower()
        if self._format not in FORMATS:
            raise SettingsError(f"Cannot tell the format of {path!r}; its name must end in .{', .'.join(FORMATS)}.")
        if not self._path.parent.is_dir():
            raise SettingsError(f"Cannot write {path!r}: there is no folder {str(self._path.parent)!r}.")
        self.wire_format = "pcm" if self._format == "wav" else self._format
        self._file: BinaryIO | None = None
        self._written = 0

    def __enter__(self) -> Self:
        return self

    def write(self, data: bytes) -> None:
        """Add to the answer; nothing is on disk before the first audio."""
        if not data:
            return
        if self._file is None:
            self._file = self._path.open("wb")
            if self._format == "wav":
                self._file.write(wav_header(OUTPUT_RATE, None))
        self._written += self._file.write(data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        if self._format == "wav":
            self._file.seek(0)
            self._file.write(wav_header(OUTPUT_RATE, self._written))
        self._file.close()
        if error is not None:
            with suppress(OSError):
                self._path.unlink()

    def summary(self) -> str:
        """What became of it."""
        if self._file is None:
            return "There was nothing to say, so no file was written."
        if self.wire_format == "pcm":
            return f"wrote:  {self._path} ({self._written / (SAMPLE_BYTES * OUTPUT_RATE):.1f} s)"
        return f"wrote:  {self._path} ({self._written} bytes)"
