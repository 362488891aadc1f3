"""Windows in which more is said than the model can write at once are gone on with; the model is scripted."""

import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from adapters.stt.recognition import SAMPLE_RATE, RecognitionRequest

pytest.importorskip("faster_whisper", reason="needs faster-whisper")

from faster_whisper import WhisperModel
from tokenizers import Tokenizer, decoders, models

from adapters.stt.faster_whisper.decoding import WindowDecoder
from adapters.stt.faster_whisper.recording import Recording

_POSITIONS = 448  # of the decoder
_FRAME = SAMPLE_RATE // 100
_STEP = 2  # frames
_LETTERS = random.Random(0)
WORDS = [f" {_LETTERS.getrandbits(32):x}" for _ in range(1000)]
_SPECIAL = ("endoftext", "startoftranscript", "en", "transcribe", "translate", "startofprev", "notimestamps")
_TOKENS = {f"<|{name}|>": len(WORDS) + place for place, name in enumerate(_SPECIAL)}
_PLAIN = _TOKENS["<|notimestamps|>"]


class Dictation:
    """Hears each word in the samples, which count the words, and writes them as CTranslate2's Whisper would.

    If it is asked for times, it writes them before the words at ``borders`` and at the end.
    """

    is_multilingual = True

    def __init__(self, borders: range) -> None:
        self._borders = borders

    def encode(self, features: Any) -> Any:
        return np.asarray(features)

    def generate(self, encoded: Any, prompts: list[list[int]], *, max_length: int, **_: Any) -> list[Any]:
        read = len(prompts[0]) - 1
        limit = min(max_length // 2, max_length - read)
        assert read + limit <= _POSITIONS
        found = [self._tokens(window[0].round().astype(int), prompts[0][-1] != _PLAIN)[:limit] for window in encoded]
        return [SimpleNamespace(sequences_ids=[each], scores=[-0.1], no_speech_prob=0.0) for each in found]

    def heard(self, samples: Any) -> list[int]:
        return [int(word) for word in dict.fromkeys(samples.tolist()) if word]

    def _tokens(self, samples: Any, timed: bool) -> list[int]:
        heard = self.heard(samples)
        if not timed:
            return heard
        tokens = [_PLAIN + 1]
        for word in heard:
            if word in self._borders and word != heard[0]:
                tokens += [_time(np.argmax(samples == word))] * 2
            tokens.append(word)
        return [*tokens, _time(np.count_nonzero(samples))]


def _time(frame: Any) -> int:
    return _PLAIN + 1 - int(frame) // -_STEP


class Model:
    """What is used of a ``WhisperModel``."""

    max_length, input_stride, time_precision = _POSITIONS, _STEP, 0.02
    supported_languages = ("en",)
    get_prompt: Any = WhisperModel.get_prompt
    _split_segments_by_timestamps: Any = WhisperModel._split_segments_by_timestamps

    def __init__(self, borders: range) -> None:
        vocabulary = {word: place for place, word in enumerate(WORDS)} | _TOKENS
        self.hf_tokenizer: Any = Tokenizer(models.WordLevel(vocabulary, unk_token=WORDS[0]))
        self.hf_tokenizer.decoder = decoders.Fuse()
        self.model = Dictation(borders)

    @staticmethod
    def feature_extractor(samples: Any) -> Any:
        return samples[None, ::_FRAME] * 32768


@pytest.mark.parametrize("asked", [{}, {"segment_times": True}], ids=["text", "segments"])
@pytest.mark.parametrize("prompt", [[], [0] * 223], ids=["no prompt", "prompt"])
@pytest.mark.parametrize("borders", [range(0, 1000, 30), range(0)], ids=["pauses", "no pause"])
@pytest.mark.parametrize(("words", "seconds"), [(75, 2), (240, 8), (400, 29)])
def test_all_that_is_said_fast_is_written(
    words: int, seconds: int, borders: range, prompt: list[int], asked: dict[str, Any]
) -> None:
    said = 1 + np.arange(seconds * SAMPLE_RATE) * words // (seconds * SAMPLE_RATE)
    model = Model(borders)
    decoder = WindowDecoder(model, beam_size=1, short=True)
    request = RecognitionRequest(pcm=said.astype("<i2").tobytes(), language="en", **asked)
    recording = Recording(request, prompt)
    while not recording.is_done:
        decoder.advance([recording])
    assert recording.text().split() == "".join(WORDS[1 : words + 1]).split()


def test_a_loop_is_not_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dictation, "heard", lambda *_: [1] * 500)
    model = Model(range(0))
    recording = Recording(RecognitionRequest(pcm=bytes(29 * SAMPLE_RATE * 2), language="en"), [])
    decoder = WindowDecoder(model, beam_size=1, short=True)
    decoder.advance([recording])
    assert recording.is_done
    assert recording.text() == WORDS[1].strip()
