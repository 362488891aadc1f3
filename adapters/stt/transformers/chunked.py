"""Recognises with models other than Whisper (CTC, transducers, other decoders), long recordings in chunks."""

import re
from typing import Any

from adapters.stt.transformers.pipeline import without, words
from adapters.stt.transformers.recognition import SAMPLE_RATE, RecognitionRequest, RecognitionResult

CHUNK_SECONDS = 30
"""The audio that these models are given at once."""


class ChunkedPipeline:
    """A loaded model that takes no prompts and has no choice of languages; whether it gives ``word_times``."""

    takes_prompts = False
    languages: tuple[str, ...] | None = None

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._has_decoder = pipeline.type == "seq2seq"
        # The pipeline counts in samples, and only these models have the ratio of samples to their frames.
        self._has_frame_ratio = hasattr(pipeline.model.config, "inputs_to_logits_ratio")
        self.word_times = pipeline.type == "ctc" and self._has_frame_ratio
        # A CTC model's unknown sounds and the like, which the pipeline leaves in the text.
        self._markers = re.compile("|".join(map(re.escape, pipeline.tokenizer.all_special_tokens)))

    def recognise(self, samples: Any, request: RecognitionRequest) -> RecognitionResult:
        """Recognise ``samples`` (mono at 16 kHz, -1 to 1). Raises whatever the model raises."""
        arguments: dict[str, Any] = {"return_timestamps": "word"} if request.word_times else {}
        if self._has_decoder:
            arguments["generate_kwargs"] = {"num_beams": 1}
        if len(samples) > CHUNK_SECONDS * SAMPLE_RATE:
            arguments |= self._chunks()
        output = self._pipeline(samples, **arguments)
        return RecognitionResult(
            text=without(output["text"], self._markers),
            words=words(output, self._markers) if request.word_times else (),
        )

    def _chunks(self) -> dict[str, Any]:
        """How a long recording is cut: CTC models get overlapping chunks, which the pipeline joins again."""
        if self._has_decoder:
            return {"chunk_length_s": CHUNK_SECONDS, "stride_length_s": 0, "ignore_warning": True}
        return {"chunk_length_s": CHUNK_SECONDS} if self._has_frame_ratio else {}
