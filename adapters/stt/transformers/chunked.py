"""Recognises with models other than Whisper (CTC, transducers, other decoders), long recordings in chunks."""

import re
from collections.abc import Callable, Sequence
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

    def recognise(
        self, recordings: Sequence[Any], requests: Sequence[RecognitionRequest], tell: Callable[[str], None]
    ) -> list[RecognitionResult]:
        """Recognise one recording (mono at 16 kHz, -1 to 1). Raises whatever the model raises.

        A model with a decoder is given long recordings in parts, and ``tell`` the text after each.
        """
        (samples,), (request,) = recordings, requests
        if self._has_decoder:
            return [RecognitionResult(text=self._written(samples, request.temperature, tell))]
        timed = request.word_times or request.segment_times
        arguments: dict[str, Any] = {"return_timestamps": "word"} if timed else {}
        if len(samples) > CHUNK_SECONDS * SAMPLE_RATE and self._has_frame_ratio:
            arguments["chunk_length_s"] = CHUNK_SECONDS  # overlapping chunks, which the pipeline joins again
        output = self._pipeline(samples, **arguments)
        found = words(output, self._markers) if timed else ()
        return [
            RecognitionResult(
                text=without(output["text"], self._markers),
                words=found if request.word_times else (),
                segments=segments_of(found) if request.segment_times else (),
            )
        ]

    def _written(self, samples: Any, temperature: float | None, tell: Callable[[str], None]) -> str:
        drawn = {"do_sample": True, "temperature": temperature} if temperature else {}
        size = CHUNK_SECONDS * SAMPLE_RATE
        text = ""
        for start in range(0, len(samples), size):
            output = self._pipeline(samples[start : start + size], generate_kwargs={"num_beams": 1, **drawn})
            text = without(f"{text} {output['text']}", self._markers)
            if text and start + size < len(samples):
                tell(text)
        return text
