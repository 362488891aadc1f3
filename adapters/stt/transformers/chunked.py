"""Recognises with models other than Whisper (CTC, transducers, other decoders), long recordings in chunks."""

import re
from collections.abc import Sequence
from typing import Any

from adapters.stt.recognition import SAMPLE_RATE, ModelFacts, RecognitionRequest, RecognitionResult
from adapters.stt.segments import segments_of
from adapters.stt.transformers.pipeline import without, words

CHUNK_SECONDS = 30
"""The audio that these models are given at once."""


class ChunkedRecogniser:
    """A loaded model that takes no prompts and has no choice of languages."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._has_decoder = pipeline.type == "seq2seq"
        # The pipeline counts in samples, and only these models have the ratio of samples to their frames.
        self._has_frame_ratio = hasattr(pipeline.model.config, "inputs_to_logits_ratio")
        timed = pipeline.type == "ctc" and self._has_frame_ratio
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

    def recognise(self, recordings: Sequence[Any], requests: Sequence[RecognitionRequest]) -> list[RecognitionResult]:
        """Recognise one recording (mono at 16 kHz, -1 to 1). Raises whatever the model raises."""
        (samples,), (request,) = recordings, requests
        timed = request.word_times or request.segment_times
        arguments: dict[str, Any] = {"return_timestamps": "word"} if timed else {}
        if self._has_decoder:
            drawn = {"do_sample": True, "temperature": request.temperature} if request.temperature else {}
            arguments["generate_kwargs"] = {"num_beams": 1, **drawn}
        if len(samples) > CHUNK_SECONDS * SAMPLE_RATE:
            arguments |= self._chunks()
        output = self._pipeline(samples, **arguments)
        found = words(output, self._markers) if timed else ()
        return [
            RecognitionResult(
                text=without(output["text"], self._markers),
                words=found if request.word_times else (),
                segments=segments_of(found) if request.segment_times else (),
            )
        ]

    def _chunks(self) -> dict[str, Any]:
        """How a long recording is cut: CTC models get overlapping chunks, which the pipeline joins again."""
        if self._has_decoder:
            return {"chunk_length_s": CHUNK_SECONDS, "stride_length_s": 0, "ignore_warning": True}
        return {"chunk_length_s": CHUNK_SECONDS} if self._has_frame_ratio else {}
