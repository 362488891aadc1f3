"""Pure: a request of these routes in neutral words, and a transcript as a document or as events on the wire."""

import math
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.contract import stt
from adapters.contract.errors import InvalidRequest, Unsupported
from gateway.api.transcriptions import schema, subtitles
from gateway.api.transcriptions.schema import LISTS, CreateTranscription, CreateTranslation, TranscriptFormat
from gateway.languages import english_name
from gateway.pipeline.listen import Heard, RecognitionOptions, TranscriptDelta, TranscriptFinished

UNKNOWN_LANGUAGE = "unknown"
"""The name of a language that the engine cannot tell: clients expect a text."""


def listed(values: dict[str, Any]) -> dict[str, Any]:
    """``values`` in which the fields that hold lists do so, also if they came as one text such as ``word,segment``."""
    return values | {name: _list_of(values[name]) for name in LISTS if name in values}


def _list_of(value: Any) -> Any:
    if isinstance(value, list):
        return [piece for item in value for piece in (_pieces(item) if isinstance(item, str) else [item])]
    if not isinstance(value, str) or value.lstrip().startswith("["):
        return value  # JSON is read later
    return _pieces(value)


def _pieces(text: str) -> list[str]:
    return [piece.strip() for piece in text.split(",") if piece.strip()]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for; ``ignored`` are its fields that have no effect, whichever the engine."""

    options: RecognitionOptions
    response_format: TranscriptFormat
    stream: bool = False
    ignored: tuple[str, ...] = ()


def wanted(request: CreateTranscription | CreateTranslation, can: stt.Info) -> Wanted:
    """What is asked of a recogniser that ``can`` do so much. Raises ``InvalidRequest``."""
    if isinstance(request, CreateTranslation):
        response_format = request.response_format or "json"
        words, segments = _times(response_format, [], can)
        options = RecognitionOptions(
            prompt=request.prompt or None,
            temperature=request.temperature,
            word_times=words,
            segment_times=segments,
            translate=True,
        )
        return Wanted(options=options, response_format=response_format)
    response_format = _checked_format(request)
    granularities = request.timestamp_granularities or []
    words, segments = _times(response_format, granularities, can)
    options = RecognitionOptions(
        language=request.language,
        prompt=request.prompt or None,
        temperature=request.temperature,
        word_times=words,
        segment_times=segments,
    )
    without_effect = {
        "chunking_strategy": request.chunking_strategy is not None,
        "timestamp_granularities": bool(granularities) and response_format != "verbose_json",
    }
    ignored = tuple(name for name, is_sent in without_effect.items() if is_sent)
    return Wanted(options=options, response_format=response_format, stream=request.stream is True, ignored=ignored)


def _times(response_format: TranscriptFormat, granularities: Sequence[str], can: stt.Info) -> tuple[bool, bool]:
    """Whether times of words, and of segments, are asked of the recogniser. Raises ``Unsupported``."""
    if response_format in {"srt", "vtt"}:
        if not can.segment_times and not can.word_times:
            raise Unsupported(
                f"The recogniser gives no times, which {response_format!r} is made of: choose another one with --stt, "
                "or ask for 'json' or 'text'.",
                param="response_format",
            )
        return not can.segment_times, can.segment_times
    if response_format == "verbose_json":
        return "word" in granularities, "segment" in granularities if granularities else can.segment_times
    return False, False


def _checked_format(request: CreateTranscription) -> TranscriptFormat:
    """The format of the answer. Raises ``InvalidRequest`` for what does not go together with it, or with any engine."""
    response_format = request.response_format or "json"
    if response_format == "diarized_json":
        raise Unsupported(
            "Unsupported value: 'diarized_json'. The gateway's recognisers do not tell speakers apart. Supported "
            "values are: 'json', 'text', 'srt', 'verbose_json', and 'vtt'.",
            param="response_format",
        )
    if request.include:
        raise Unsupported(
            "Unsupported value: 'logprobs'. The gateway's recognisers give no probabilities of tokens: leave 'include' "
            "out.",
            param="include",
        )
    if "word" in (request.timestamp_granularities or ()) and response_format != "verbose_json":
        raise InvalidRequest(
            "`response_format` must be `verbose_json` if `timestamp_granularities[]` is provided.",
            param="timestamp_granularities",
            code="invalid_value",
        )
    if request.stream and response_format not in {"json", "text"}:
        raise Unsupported(
            f"Unsupported value: 'response_format' does not support {response_format!r} when stream=true. Supported "
            "values are: 'json' and 'text'.",
            param="response_format",
        )
    return response_format


def event_of(event: Heard) -> schema.StreamEvent | None:
    """The event on the wire, ``None`` for what is not shown."""
    match event:
        case TranscriptDelta():
            return schema.TextDelta(delta=event.text)
        case TranscriptFinished():
            return schema.TextDone(text=event.text)
        case _:
            return None


def document(heard: TranscriptFinished, wanted: Wanted) -> bytes:
    """The whole transcript as the body of an answer."""
    match wanted.response_format:
        case "text":
            return f"{heard.text}\n".encode()
        case "srt" | "vtt":
            write = subtitles.srt if wanted.response_format == "srt" else subtitles.vtt
            return (write(subtitles.cues(heard.text, heard.segments, heard.words)) or "\n").encode()
        case "verbose_json":
            return msgspec.json.encode(_verbose(heard, wanted.options))
        case _:
            return msgspec.json.encode(schema.Transcript(text=heard.text, usage=_duration(heard)))


def _duration(heard: TranscriptFinished) -> schema.Duration:
    return schema.Duration(seconds=math.ceil(heard.seconds))


def _verbose(heard: TranscriptFinished, options: RecognitionOptions) -> schema.VerboseTranscript:
    language = english_name("en" if options.translate else heard.language or "")
    return schema.VerboseTranscript(
        task="translate" if options.translate else "transcribe",
        language=language.lower() if language else UNKNOWN_LANGUAGE,
        duration=round(heard.seconds, 3),
        text=heard.text,
        segments=[_segment(*each) for each in enumerate(heard.segments)] if options.segment_times else None,
        words=[_word(each) for each in heard.words] if options.word_times else None,
        usage=_duration(heard),
    )


def _word(word: stt.Word) -> schema.Word:
    return schema.Word(word=word.text.strip(), start=round(word.start, 3), end=round(word.end, 3))


def _segment(number: int, segment: stt.Segment) -> schema.Segment:
    text = segment.text.encode()
    compression = segment.compression_ratio
    return schema.Segment(
        id=number,
        seek=0,
        start=round(segment.start, 3),
        end=round(segment.end, 3),
        text=segment.text,
        tokens=list(segment.tokens),
        temperature=segment.temperature or 0.0,
        avg_logprob=segment.avg_logprob or 0.0,
        # By Whisper's definition, so that it can be told for any text.
        compression_ratio=len(text) / len(zlib.compress(text)) if compression is None else compression,
        no_speech_prob=segment.no_speech_prob or 0.0,
    )
