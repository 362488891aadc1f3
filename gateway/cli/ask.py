"""``speech-to-speech ask``: one turn on the terminal, with engines of its own or through a running gateway."""

import asyncio
import base64
import sys
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec
import openai

from adapters.contract import llm
from adapters.contract.errors import AdapterError
from adapters.options import shown_url
from gateway.audio.decode import decoder
from gateway.cli.answer_file import AnswerFile, NoAnswer
from gateway.conversation.build import build_history
from gateway.conversation.history import ConversationRef
from gateway.engines.build import build
from gateway.engines.lifecycle import Gateway
from gateway.pipeline.encoded import encoded
from gateway.pipeline.listen import TranscriptFinished
from gateway.settings.composition import start_notes
from gateway.settings.model import Loaded, SettingsError
from gateway.telemetry.outcome import log_outcome
from gateway.telemetry.timings import Stopwatch
from gateway.turns.conversation_turn import Turns
from gateway.turns.request import TurnRequest
from gateway.turns.result import TurnFinished
from gateway.wire.usage import StageTimes, stage_times

LONGEST_MESSAGE = 500
"""Characters of the message of a failure: a server that is no gateway may answer with a whole page."""


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


async def _ask_here(gateway: Gateway, recording: bytes, file: AnswerFile) -> None:
    history = build_history(gateway.settings)
    try:
        await gateway.warm_up()
        request = TurnRequest(
            audio=decoder(recording, gateway.settings.max_audio_seconds), conversation=ConversationRef(keep=False)
        )
        turn = Turns(history, log_outcome).begin(request, gateway.admit(None), Stopwatch())
        with file, Printed() as printed:
            async with aclosing(encoded(turn.events(), file.wire_format, turn.sample_rate)) as events:
                async for event, data in events:
                    file.write(data)
                    match event:
                        case TranscriptFinished():
                            printed.heard(event.text)
                        case llm.TextDelta():
                            printed.text(event.text)
                        case TurnFinished():
                            printed.finished(stage_times(event.outcome.timings))
        print(file.summary())
    finally:
        await gateway.aclose()
        await history.aclose()


def ask_gateway(url: str, source: str, output: str, fields: dict[str, str]) -> int:
    """The same turn at the gateway behind ``url`` (…/v1); ``fields`` go along with the recording. 1 on failure."""
    url = _address(url)
    recording, file = _read(source), AnswerFile(output)
    try:
        # The gateway asks for no key; the client insists on sending one.
        with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client, file, Printed() as printed:
            for event in _events(client, recording, {**fields, "response_format": file.wire_format}):
                match event:
                    case {"type": "speech.audio.delta", "audio": data}:
                        file.write(base64.b64decode(data))
                    case {"type": "transcript.text.done", "text": text}:
                        printed.heard(text)
                    case {"type": "speech.text.delta", "delta": delta}:
                        printed.text(delta)
                    case {"type": "speech.audio.done", "timings": timings}:
                        printed.finished(msgspec.convert(timings, StageTimes))
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
        pass  # reported below
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
            pass  # reported below, as when the connection ends in good order
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

    def heard(self, text: str) -> None:
        """Print the transcript, and begin the line of the answer."""
        print(f"heard:  {text}\nanswer: ", end="", flush=True)
        self._line_is_open = True

    def text(self, delta: str) -> None:
        """Print more of the answer."""
        print(delta, end="", flush=True)
        self._line_is_open = True

    def finished(self, times: StageTimes) -> None:
        """Print how long the stages took."""
        stages = {
            "recognition": times.stt_ms,
            "model": times.llm_first_ms,
            "synthesis": times.tts_first_ms,
            "first audio after": times.first_audio_ms,
            "all": times.total_ms,
        }
        print(f"\ntime:   {', '.join(f'{stage} {ms:.0f} ms' for stage, ms in stages.items() if ms is not None)}")
        self._line_is_open = False
