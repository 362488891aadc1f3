"""Recognises with models other than Whisper (CTC, transducers, other decoders), long recordings in parts."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from adapters.contract import stt
from adapters.stt.recognition import SAMPLE_RATE, ModelFacts, RecognitionRequest, RecognitionResult
from adapters.stt.segments import segments_of
from adapters.stt.transformers.pipeline import without, words

PART_SECONDS = 30
"""The audio that these models are given at once: what they compute and hold grows with its square."""

SEARCHED_SECONDS = 5
"""A part ends at the quietest moment of so much before its greatest length: between words, if there is a pause."""

_LEAST_SECONDS = 1
_WITHOUT_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_MOMENT_SECONDS = 0.05


class ChunkedRecogniser:
    """A loaded model that takes no prompts and has no choice of languages."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._has_decoder = pipeline.type == "seq2seq"
        # The pipeline counts in samples, and only these models have the ratio of samples to their frames.
        timed = pipeline.type == "ctc" and hasattr(pipeline.model.config, "inputs_to_logits_ratio")
        self.facts = ModelFacts(
            languages=None,
            word_times=timed,
            segment_times=timed,
            ignored=("prompt",) if self._has_decoder else ("prompt", "temperature"),
        )
        # A CTC model's unknown sounds and the like, which the pipeline leaves in the text.
        self._markers = re.compile("|".join(map(re.escape, pipeline.tokenizer.all_special_tokens)))

    def batch_key(self, request: RecognitionRequest) -> None:
        """Each recording alone: the padding of a batch changes what many of these models hear."""

    def recognise(
        self, recordings: Sequence[Any], requests: Sequence[RecognitionRequest], tell: Callable[[str], None]
    ) -> list[RecognitionResult]:
        """Recognise one recording (mono at 16 kHz, -1 to 1). Raises whatever the model raises.

        A long one is recognised in parts, and ``tell`` called with the text after each but the last.
        """
        (samples,), (request,) = recordings, requests
        timed = request.word_times or request.segment_times
        arguments = self._arguments(request.temperature, timed=timed)
        text, found = "", list[stt.Word]()
        for start, end in parts(samples):
            output = self._pipeline(samples[start:end], **arguments)
            text = joined(text, without(output["text"], self._markers))
            if timed:
                found += (_later(word, start / SAMPLE_RATE) for word in words(output, self._markers))
            if text and end < len(samples):
                tell(text)
        return [
            RecognitionResult(
                text=text,
                words=tuple(found) if request.word_times else (),
                segments=segments_of(found) if request.segment_times else (),
            )
        ]

    def _arguments(self, temperature: float | None, *, timed: bool) -> dict[str, Any]:
        if self._has_decoder:
            drawn = {"do_sample": True, "temperature": temperature} if temperature else {}
            return {"generate_kwargs": {"num_beams": 1, **drawn}}
        return {"return_timestamps": "word"} if timed else {}


def parts(samples: Any) -> Iterator[tuple[int, int]]:
    """Where the parts of a recording (mono at 16 kHz) begin and end, in samples."""
    start = 0
    while len(samples) - start > PART_SECONDS * SAMPLE_RATE:
        longest = min(PART_SECONDS * SAMPLE_RATE, len(samples) - start - _LEAST_SECONDS * SAMPLE_RATE)
        end = start + longest
        searched = samples[end - SEARCHED_SECONDS * SAMPLE_RATE : end]
        moments = np.abs(searched).reshape(-1, round(_MOMENT_SECONDS * SAMPLE_RATE)).mean(axis=1)
        quietest = int(moments.argmin())
        cut = end - len(searched) + round((quietest + 0.5) * _MOMENT_SECONDS * SAMPLE_RATE)
        yield start, cut
        start = cut
    yield start, len(samples)


def joined(text: str, more: str) -> str:
    """With a space between them, unless one of both is written without any."""
    return f"{text}{more}" if _WITHOUT_SPACES.search(f"{text[-1:]}{more[:1]}") else f"{text} {more}".strip()


def _later(word: stt.Word, seconds: float) -> stt.Word:
    return msgspec.structs.replace(word, start=word.start + seconds, end=word.end + seconds)
