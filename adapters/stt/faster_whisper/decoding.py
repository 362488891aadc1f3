"""Decodes the current windows of several recordings at once, again where the result is doubtful."""

from collections.abc import Hashable, Sequence
from typing import Any

import msgspec
import numpy as np
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_ctranslate2_storage

from adapters.contract.errors import InvalidRequest
from adapters.stt.faster_whisper.errors import ADAPTER
from adapters.stt.faster_whisper.guards import Decoded, best, without_loops
from adapters.stt.faster_whisper.recording import FRAMES_PER_SECOND, FULL_WINDOW, Recording
from adapters.stt.recognition import ModelFacts

TEMPERATURES = (0.0, 0.4, 0.8)
"""Of the attempts at one window, unless the request sets one above 0."""

_SURE_LANGUAGE = 0.5  # the probability of one that was detected in a short window
_SAMPLES = 3  # drawn at a temperature above 0, of which the most likely one is taken
_MAX_PROMPT = 223  # tokens, as the model was trained
_MAX_TOKENS = 448  # of the prompt and what is written, which is half of them at most, as the model was trained
_TOKENS_PER_SECOND = 40  # of any language; more is a loop
_LATEST_START = 50  # of the first segment, in steps of 20 ms
_LEAST_MOVE = 50  # frames from one window to the next: without progress one would come forever
_PREPENDED, _APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"

_OWN_CODES = {"jv": "jw"}  # Whisper's code for Javanese
_ISO = {own: iso for iso, own in _OWN_CODES.items()}


class _Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One way to decode: frames of the window, and the temperature."""

    window: int
    temperature: float


class WindowDecoder:
    """Decodes with a loaded ``faster_whisper.WhisperModel``; ``short`` lets the windows follow the sound."""

    def __init__(self, model: Any, *, beam_size: int, short: bool) -> None:
        self._model = model
        self._beam_size = beam_size
        self._short = short
        self.facts = ModelFacts(
            languages=tuple(_ISO.get(code, code) for code in model.supported_languages),
            word_times=True,
            segment_times=True,
            translation=bool(model.model.is_multilingual),
        )

    def prompt(self, text: str | None) -> list[int]:
        """The last tokens of a prompt. Raises ``InvalidRequest``."""
        if text is None:
            return []
        if "<|" in text:
            raise InvalidRequest(
                "The prompt may contain a special token of the model; remove what is between <| and |>.",
                adapter=ADAPTER,
                param="prompt",
            )
        tokens: list[int] = self._tokenizer("en", translate=False).encode(" " + text.strip())
        return tokens[-_MAX_PROMPT:]

    def batch_key(self, recording: Recording) -> Hashable:
        """Recordings with equal keys can be decoded together."""
        asked = recording.request
        # Prompts must be as long. The alignment of words takes one language, and one time of the last word before.
        alone = recording.is_long or recording.language is None
        aligned = (id(recording) if alone else recording.language, asked.translate) if asked.word_times else None
        window, prompt = recording.window(short=self._short), len(recording.prompt)
        return window, prompt, asked.temperature, recording.is_timed, aligned

    def advance(self, recordings: Sequence[Recording]) -> None:
        """Recognise the current window of each recording; all have one ``batch_key``."""
        waiting, tried = list(recordings), {id(each): list[Decoded]() for each in recordings}
        attempts = self._attempts(recordings[0])
        for number, attempt in enumerate(attempts):
            encoded = self._encode(waiting, attempt.window)
            guessed = self._detect_languages(waiting, encoded, attempt)
            found = self._generate(waiting, encoded, attempt)
            accepted: list[Decoded | None] = []
            for recording, decoded in zip(waiting, found, strict=True):
                tried[id(recording)].append(decoded)
                if attempt is attempts[-1]:
                    accepted.append(best(tried[id(recording)]) if decoded.is_doubtful else decoded)
                else:
                    accepted.append(None if decoded.is_doubtful or recording in guessed else decoded)
            self._keep(waiting, accepted, encoded)
            for recording in guessed:
                recording.language = None
            waiting = [each for each, decoded in zip(waiting, accepted, strict=True) if decoded is None]
            if not waiting:
                break
            assert number < len(attempts) - 1, "the last attempt is accepted"

    def _attempts(self, recording: Recording) -> list[_Attempt]:
        temperature, window = recording.request.temperature, recording.window(short=self._short)
        first, *others = (temperature,) if temperature else TEMPERATURES
        again = [_Attempt(window=FULL_WINDOW, temperature=first)] if window < FULL_WINDOW else []
        more = [_Attempt(window=FULL_WINDOW, temperature=each) for each in others]
        return [_Attempt(window=window, temperature=first), *again, *more]

    def _encode(self, recordings: Sequence[Recording], window: int) -> Any:
        extract = self._model.feature_extractor
        mel = [pad_or_trim(extract(each.samples())[:, : each.size], window) for each in recordings]
        return self._model.model.encode(get_ctranslate2_storage(np.stack(mel)))

    def _detect_languages(self, recordings: Sequence[Recording], encoded: Any, attempt: _Attempt) -> list[Recording]:
        """Set the languages that are not known; returns those of which a full window may tell another language."""
        guessed: list[Recording] = []
        if all(recording.language for recording in recordings):
            return guessed
        for recording, found in zip(recordings, self._languages(encoded, len(recordings)), strict=True):
            if recording.language is None:
                token, probability = found[0]
                code = token.strip("<|>")
                recording.language = _ISO.get(code, code)
                if probability < _SURE_LANGUAGE and attempt.window < FULL_WINDOW:
                    guessed.append(recording)
        return guessed

    def _languages(self, encoded: Any, count: int) -> Any:
        """For each window the languages, as tokens with their probabilities, the most likely one first."""
        if not self._model.model.is_multilingual:
            return [[("<|en|>", 1.0)]] * count
        return self._model.model.detect_language(encoded)

    def _generate(self, recordings: Sequence[Recording], encoded: Any, attempt: _Attempt) -> list[Decoded]:
        prompts = [
            self._model.get_prompt(self._tokenizer_of(each), each.prompt, without_timestamps=not each.is_timed)
            for each in recordings
        ]
        read = len(prompts[0]) - 1
        most = min(_MAX_TOKENS // 2, _MAX_TOKENS - read)
        room = _TOKENS_PER_SECOND * (max(each.size for each in recordings) / FRAMES_PER_SECOND + 1)
        limit = min(most, int(room))
        # CTranslate2 writes half of this at most, and no more than is left of it after what was read.
        length = max(2 * limit, read + limit)
        drawn = {"num_hypotheses": _SAMPLES, "sampling_topk": 0, "sampling_temperature": attempt.temperature}
        results = self._model.model.generate(
            encoded,
            prompts,
            max_length=length,
            return_scores=True,
            return_no_speech_prob=True,
            max_initial_timestamp_index=_LATEST_START,
            **({"beam_size": 1, **drawn} if attempt.temperature else {"beam_size": self._beam_size}),
        )
        return [self._decoded(each, result, attempt, most) for each, result in zip(recordings, results, strict=True)]

    def _decoded(self, recording: Recording, result: Any, attempt: _Attempt, most: int) -> Decoded:
        tokens = result.sequences_ids[0]
        return Decoded(
            tokens=tuple(tokens),
            text=self._tokenizer_of(recording).decode(tokens).strip(),
            avg_logprob=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech_prob=result.no_speech_prob,
            temperature=attempt.temperature,
            is_full=len(tokens) >= most,
        )

    def _keep(self, recordings: Sequence[Recording], accepted: Sequence[Decoded | None], encoded: Any) -> None:
        """Add what was accepted to its recording, and move on to the next window."""
        split = [
            self._split(recording, decoded) if decoded is not None and not decoded.is_silence else ([], recording.size)
            for recording, decoded in zip(recordings, accepted, strict=True)
        ]
        if recordings[0].request.word_times and any(segments for segments, _ in split):
            self._align(recordings, [segments for segments, _ in split], encoded)
        for recording, decoded, (segments, moved) in zip(recordings, accepted, split, strict=True):
            if decoded is not None:
                recording.segments += [segment | {"decoded": decoded} for segment in segments]
                recording.move(moved)
                if segments and recording.request.word_times:
                    recording.last_speech = segments[-1]["end"]

    def _split(self, recording: Recording, decoded: Decoded) -> tuple[list[dict[str, Any]], int]:
        """The segments of a window, and by how many frames recognition moves on: to the end of the last whole one.

        None, and 0, where the window was too short for what was said in it: it is divided.
        """
        tokenizer = self._tokenizer_of(recording)
        segments, seek, _ = self._model._split_segments_by_timestamps(
            tokenizer=tokenizer,
            tokens=list(without_loops(decoded.tokens)),
            time_offset=recording.seek / FRAMES_PER_SECOND,
            segment_size=recording.size,
            segment_duration=recording.size / FRAMES_PER_SECOND,
            seek=recording.seek,
        )
        passed_over = seek - recording.seek >= recording.size
        if decoded.is_full and passed_over and recording.is_divisible and not decoded.has_loop:
            recording.divide()
            return [], 0
        texts = [tokenizer.decode(segment["tokens"]) for segment in segments]
        spoken = [segment | {"text": text} for segment, text in zip(segments, texts, strict=True) if text.strip()]
        return spoken, max(seek - recording.seek, _LEAST_MOVE)

    def _align(self, recordings: Sequence[Recording], segments: Sequence[list[dict[str, Any]]], encoded: Any) -> None:
        """Add ``words`` to the segments; where a window has none, nothing is aligned."""
        if len(recordings) > 1 and not all(segments):
            # The encoder's output cannot be divided: those that have segments are encoded apart.
            spoken = [(each, found) for each, found in zip(recordings, segments, strict=True) if found]
            recordings, segments = [each for each, _ in spoken], [found for _, found in spoken]
            encoded = self._encode(recordings, recordings[0].window(short=self._short))
        sizes = [each.size for each in recordings]
        self._model.add_word_timestamps(
            list(segments),
            self._tokenizer_of(recordings[0]),
            encoded,
            sizes if len(sizes) > 1 else sizes[0],
            _PREPENDED,
            _APPENDED,
            recordings[0].last_speech,
        )

    def _tokenizer_of(self, recording: Recording) -> Any:
        return self._tokenizer(recording.language or "en", translate=recording.request.translate)

    def _tokenizer(self, language: str, *, translate: bool) -> Any:
        return Tokenizer(
            self._model.hf_tokenizer,
            self._model.model.is_multilingual,
            task="translate" if translate else "transcribe",
            language=_OWN_CODES.get(language, language),
        )
