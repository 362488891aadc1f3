"""Recognises with Whisper through its pipeline; imports torch."""

from typing import Any

import torch
from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

from adapters.contract.errors import InvalidRequest
from adapters.stt.transformers.errors import ADAPTER
from adapters.stt.transformers.pipeline import NOTHING, without, words
from adapters.stt.transformers.recognition import SAMPLE_RATE, RecognitionRequest, RecognitionResult

_ISO = {"jw": "jv"}  # Whisper's code for Javanese
_WHISPER = {iso: own for own, iso in _ISO.items()}


class WhisperPipeline:
    """A loaded Whisper: the ``languages`` that it takes, and whether it gives ``word_times``."""

    takes_prompts = True

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._model = pipeline.model
        self._generation = pipeline.model.generation_config
        self._is_multilingual = bool(getattr(self._generation, "is_multilingual", False))
        self._generation.max_length = self._model.config.max_target_positions
        last = getattr(self._generation, "no_timestamps_token_id", self._model.config.vocab_size)
        self._time_tokens = range(last + 1, self._model.config.vocab_size)
        self.word_times = bool(getattr(self._generation, "alignment_heads", None))
        self.languages = self._languages() if self._is_multilingual else ("en",)

    def _languages(self) -> tuple[str, ...]:
        codes = (token.strip("<|>") for token in self._generation.lang_to_id)
        return tuple(_ISO.get(code, code) for code in codes)

    def recognise(self, samples: Any, request: RecognitionRequest) -> RecognitionResult:
        """Recognise ``samples`` (mono at 16 kHz, -1 to 1). Raises ``InvalidRequest`` and whatever the model raises."""
        generate: dict[str, Any] = {"num_beams": 1}
        arguments: dict[str, Any] = {}
        language = request.language
        if self._is_multilingual:
            generate["task"] = "transcribe"
            if language is None and request.word_times:
                # The pipeline puts a language that it detects before the tokens, but not before their times.
                language = self._detect_language(samples)
            if language is None:
                arguments["return_language"] = True
            else:
                generate["language"] = _WHISPER.get(language, language)
        if request.prompt is not None:
            generate["prompt_ids"] = self._prompt_tokens(request.prompt)
        if request.word_times or len(samples) > self._pipeline.feature_extractor.n_samples:
            arguments["return_timestamps"] = "word" if request.word_times else True
        else:
            # If the model wrote times unasked, the pipeline would start again at the same place forever.
            generate["suppress_tokens"] = [*(self._generation.suppress_tokens or ()), *self._time_tokens]
        output = self._pipeline(samples, generate_kwargs=generate, **arguments)
        if language is None:
            language = _language(output) if self._is_multilingual else "en"
        return RecognitionResult(
            text=without(output["text"], NOTHING), words=words(output) if request.word_times else (), language=language
        )

    def _detect_language(self, samples: Any) -> str:
        features = self._pipeline.feature_extractor(samples, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        with torch.inference_mode():
            ids = self._model.detect_language(
                input_features=features.input_features.to(self._model.device, self._model.dtype)
            )
        (token,) = self._pipeline.tokenizer.convert_ids_to_tokens(ids.tolist())
        code: str = token.strip("<|>")
        return _ISO.get(code, code)

    def _prompt_tokens(self, text: str) -> Any:
        """The last tokens of a prompt, at most half of what the model writes at once."""
        count = self._model.config.max_target_positions // 2 - 1
        try:
            ids = self._pipeline.tokenizer.get_prompt_ids(text, return_tensors="pt")
        except ValueError as error:
            raise InvalidRequest(
                "The prompt contains a special token of the model; remove what is between <| and |>.",
                adapter=ADAPTER,
                param="prompt",
            ) from error
        return torch.cat([ids[:1], ids[1:][1 - count :]]).to(self._model.device)


def _language(output: dict[str, Any]) -> str | None:
    """The code of the language that the pipeline names in English."""
    names = [chunk["language"] for chunk in output.get("chunks", ()) if chunk.get("language")]
    code = TO_LANGUAGE_CODE.get(names[0]) if names else None
    return _ISO.get(code, code) if code else None
