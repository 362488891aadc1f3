"""Recognises with Whisper, several recordings at once; imports torch."""

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers.models.whisper.tokenization_whisper import LANGUAGES, _combine_tokens_into_words

from adapters.contract import stt
from adapters.contract.errors import InvalidRequest
from adapters.stt.recognition import SAMPLE_RATE, ModelFacts, RecognitionRequest, RecognitionResult
from adapters.stt.transformers.errors import ADAPTER
from adapters.stt.transformers.written_windows import WrittenWindows

_ISO = {"jw": "jv"}  # Whisper's code for Javanese
_WHISPER = {iso: own for own, iso in _ISO.items()}


class WhisperRecogniser:
    """The Whisper of a loaded pipeline."""

    def __init__(self, pipeline: Any) -> None:
        self._features = pipeline.feature_extractor
        self._tokenizer = pipeline.tokenizer
        self._model = pipeline.model
        self._generation = pipeline.model.generation_config
        self._is_multilingual = bool(getattr(self._generation, "is_multilingual", False))
        self._generation.max_length = self._model.config.max_target_positions
        last = getattr(self._generation, "no_timestamps_token_id", self._model.config.vocab_size)
        self._first_time_token = last + 1
        codes = {token.strip("<|>"): number for token, number in getattr(self._generation, "lang_to_id", {}).items()}
        self._languages = {number: _ISO.get(code, code) for code, number in codes.items()}
        self.facts = ModelFacts(
            languages=tuple(self._languages.values()) if self._is_multilingual else ("en",),
            word_times=bool(getattr(self._generation, "alignment_heads", None)),
            segment_times=True,
            translation=self._is_multilingual,
        )

    def batch_key(self, request: RecognitionRequest) -> tuple[Any, ...] | None:
        """Requests with equal keys can be recognised together; ``None``: this one alone, it is longer than a window."""
        if request.seconds > self._features.n_samples / SAMPLE_RATE:
            return None
        asked = (request.prompt, request.temperature, request.word_times, request.segment_times, request.translate)
        return (request.language is None, *asked)

    def recognise(
        self, recordings: Sequence[Any], requests: Sequence[RecognitionRequest], tell: Callable[[str], None]
    ) -> list[RecognitionResult]:
        """Recognise ``recordings`` (mono at 16 kHz, -1 to 1), whose requests have one key.

        ``tell`` is called with the text of a long one after each of its windows. Raises ``InvalidRequest`` and whatever
        the model raises.
        """
        asked = requests[0]
        is_long = max(map(len, recordings)) > self._features.n_samples
        timed = asked.word_times or asked.segment_times or is_long
        found = self._written(recordings, requests, timed=timed, tell=tell if is_long else None)
        for place, segments in enumerate(found):
            if not timed and self._is_cut_off(segments):
                # With times it goes on after the last one that it wrote.
                (found[place],) = self._written([recordings[place]], [requests[place]], timed=True)
        return [self._result(segments, request) for segments, request in zip(found, requests, strict=True)]

    def _written(
        self,
        recordings: Sequence[Any],
        requests: Sequence[RecognitionRequest],
        *,
        timed: bool,
        tell: Callable[[str], None] | None = None,
    ) -> list[Any]:
        """The segments that the model writes for each of the recordings; ``tell`` is given where one is long."""
        arguments = self._arguments(requests, timed=timed)
        if tell is not None:
            written = WrittenWindows(self._first_time_token, lambda tokens: tell(self._text(tokens)))
            arguments |= {"stopping_criteria": [written], "monitor_progress": written.next_window}
        inputs = self._features(
            list(recordings),
            sampling_rate=SAMPLE_RATE,
            return_tensors="pt",
            return_attention_mask=True,
            **({"truncation": False, "padding": "longest"} if tell is not None else {}),
        ).to(self._model.device, self._model.dtype)
        found: list[Any] = self._model.generate(
            input_features=inputs.input_features,
            attention_mask=inputs.attention_mask,
            return_segments=True,
            num_beams=1,
            **arguments,
        )["segments"]
        return found

    def _is_cut_off(self, segments: Sequence[dict[str, Any]]) -> bool:
        """Whether the model wrote no end, as there was no room for more."""
        return any(self._generation.eos_token_id not in segment["result"].tolist() for segment in segments)

    def _arguments(self, requests: Sequence[RecognitionRequest], *, timed: bool) -> dict[str, Any]:
        asked = requests[0]
        arguments: dict[str, Any] = {}
        if self._is_multilingual:
            arguments["task"] = "translate" if asked.translate else "transcribe"
            if asked.language is not None:
                arguments["language"] = [_WHISPER.get(str(each.language), each.language) for each in requests]
        if asked.temperature:
            arguments |= {"do_sample": True, "temperature": asked.temperature}
        if asked.prompt is not None:
            arguments["prompt_ids"] = self._prompt_tokens(asked.prompt)
        if timed:
            arguments["return_timestamps"] = True
            if asked.word_times:
                arguments["return_token_timestamps"] = True
        else:
            # If the model wrote times unasked, generation would start again at the same place forever.
            times = range(self._first_time_token, self._model.config.vocab_size)
            arguments["suppress_tokens"] = [*(self._generation.suppress_tokens or ()), *times]
        return arguments

    def _result(self, segments: Sequence[dict[str, Any]], request: RecognitionRequest) -> RecognitionResult:
        """The segments that the model wrote for one recording."""
        language = request.language or (self._language(segments) if self._is_multilingual else "en")
        return RecognitionResult(
            text=self._text(torch.cat([segment["tokens"] for segment in segments])) if segments else "",
            words=self._words(segments, language, request.seconds) if request.word_times else (),
            segments=self._segments(segments, request) if request.segment_times else (),
            language=language,
        )

    def _text(self, tokens: Any) -> str:
        return " ".join(self._tokenizer.decode(tokens, skip_special_tokens=True).split())

    def _segments(self, segments: Sequence[dict[str, Any]], request: RecognitionRequest) -> tuple[stt.Segment, ...]:
        found = ((self._text(segment["tokens"]), segment) for segment in segments)
        return tuple(
            stt.Segment(
                text=text,
                start=min(float(segment["start"]), request.seconds),
                end=min(float(segment["end"]), request.seconds),
                tokens=tuple(segment["tokens"].tolist()),
                temperature=request.temperature or 0.0,
                compression_ratio=len(text.encode()) / len(zlib.compress(text.encode())),
            )
            for text, segment in found
            if text
        )

    def _words(self, segments: Sequence[dict[str, Any]], language: str | None, seconds: float) -> tuple[stt.Word, ...]:
        """The words of all segments; the time of a token is the end of what is heard of it."""
        found: list[stt.Word] = []
        name = LANGUAGES.get(_WHISPER.get(language or "", language), "english")  # some languages have no spaces
        for segment in segments:
            tokens, times = segment["tokens"].tolist(), segment["token_timestamps"].tolist()
            places = [place for place, token in enumerate(tokens) if token < self._generation.eos_token_id]
            words, _, indices = _combine_tokens_into_words(self._tokenizer, [tokens[place] for place in places], name)
            for word, of_word in zip(words, indices, strict=True):
                if word.strip():
                    first, last = places[of_word[0]], places[of_word[-1]]
                    start = min(times[first - 1] if first else float(segment["start"]), seconds)
                    end = max(start, min(times[last], seconds))
                    found.append(stt.Word(text=word.strip(), start=round(start, 2), end=round(end, 2)))
        return tuple(found)

    def _language(self, segments: Sequence[dict[str, Any]]) -> str | None:
        """The language that the model detected, which begins all that it wrote."""
        for segment in segments[:1]:
            written = segment["result"]
            tokens = written["sequences"] if isinstance(written, dict) else written
            return next((self._languages[token] for token in tokens.tolist() if token in self._languages), None)
        return None

    def _prompt_tokens(self, text: str) -> Any:
        """The last tokens of a prompt, at most half of what the model writes at once."""
        count = self._model.config.max_target_positions // 2 - 1
        try:
            ids = self._tokenizer.get_prompt_ids(text, return_tensors="pt")
        except ValueError as error:
            raise InvalidRequest(
                "The prompt contains a special token of the model; remove what is between <| and |>.",
                adapter=ADAPTER,
                param="prompt",
            ) from error
        return torch.cat([ids[:1], ids[1:][1 - count :]]).to(self._model.device)
