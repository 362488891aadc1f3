"""Reads a transcription of a server, whole or streamed, into the contract's events."""

from collections.abc import Iterator

from adapters.contract import stt
from adapters.contract.errors import Unsupported
from adapters.stt.languages import language_code
from adapters.stt.openai.wire import Transcription, decode
from adapters.stt.segments import segments_of
from adapters.upstream import ErrorFactory, UnreadableJson

MAX_CHARACTERS = 1_000_000
"""Of one transcript."""

Event = stt.PartialTranscript | stt.FinalTranscript | stt.Finished


class TranscriptionReader:
    """Reads the answer to ``request``, whose audio is ``seconds`` long; errors are in the name of ``adapter``."""

    def __init__(self, errors: ErrorFactory, request: stt.Request, *, adapter: str, seconds: float) -> None:
        self._errors = errors
        self._request = request
        self._adapter = adapter
        self._seconds = seconds
        self._told = ""
        self._final: Transcription | None = None
        self._may_end = False  # after pieces whose end is not announced
        self.done = False

    def feed(self, data: bytes, name: str | None = None) -> Iterator[Event]:
        """The events of one server-sent event. Raises ``AdapterError``."""
        if not data.lstrip().startswith(b"{"):  # transformers serve sends text instead of JSON
            self._may_end = True
            yield from self._tell(data.decode(errors="replace"))
            return
        event = self._decoded(data)
        match event.type:
            case "transcript.text.delta":
                yield from self._tell(event.delta)
            case "transcript.text.done":
                self._final, self.done = event, True
            case None if event.choices:
                for choice in event.choices:
                    yield from self._tell(choice.delta.content if choice.delta else None)
                    self.done = self.done or choice.finish_reason is not None
            case None if event.text is not None:
                # One event a segment: their texts begin with a space, or must be parted by one.
                parted = not self._told or self._told[-1:].isspace() or event.text[:1].isspace()
                yield from self._tell(event.text if parted else f" {event.text}")
                self._may_end = True
            case _:
                pass  # segments, usage, keep-alive

    def whole(self, data: bytes) -> Iterator[Event]:
        """An answer that was not streamed: its text comes with ``finish``. Raises ``AdapterError``."""
        self._final = self._decoded(data)
        if self._final.text is None:
            raise self._errors.upstream_error("sent no transcript")
        self.done = True
        yield from ()

    def finish(self, *, marked: bool = False) -> Iterator[Event]:
        """The final transcript. Raises ``AdapterError`` when there is none, or when it lacks what was asked for."""
        if not (self.done or self._may_end or (marked and self._told)):
            cut = "stopped in the middle of the transcript" if self._told else "sent no transcript"
            raise self._errors.upstream_error(cut)
        final = self._final or Transcription()
        text = (final.text or "").strip()
        if not text.startswith(self._told.strip()):
            text = self._told.strip()  # what was told is not taken back
        words, segments = final.timed_words(), final.timed_segments()
        if self._request.segment_times and not segments:
            segments = segments_of(words)
        for field, times in (("word_times", words), ("segment_times", segments)):
            if text and getattr(self._request, field) and not times:
                raise Unsupported(
                    f"The server gives no {field.replace('_', ' ')} with this model; choose another --stt_model.",
                    adapter=self._adapter,
                    param=field,
                )
        yield stt.FinalTranscript(
            text=text,
            words=words if self._request.word_times else (),
            segments=segments if self._request.segment_times else (),
        )
        heard = final.language or next((each.code for each in final.languages or () if each.code), None)
        spoken = None if self._request.translate else language_code(heard)  # of a translation it is English
        yield stt.Finished(language=self._request.language or spoken, seconds=self._seconds)

    def _tell(self, piece: str | None) -> Iterator[Event]:
        if not piece:
            return
        self._told = (self._told + piece).lstrip()
        if len(self._told) > MAX_CHARACTERS:
            raise self._errors.upstream_error("sent a transcript that is too long to read")
        if self._told.strip():
            yield stt.PartialTranscript(stable=self._told.rstrip())

    def _decoded(self, data: bytes) -> Transcription:
        try:
            event = decode(data)
        except UnreadableJson as error:
            raise self._errors.upstream_error("sent an answer that is not JSON, or only a part of one") from error
        if event.error or event.type == "error":
            raise self._errors.reported_in(data)
        return event
