"""Phrases that are spoken together: which share a batch, what one failure does to the others, and that none is cut."""

from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from adapters.blocking import Ended
from adapters.contract.errors import UpstreamError
from adapters.tts.transformers.batched import BATCH, PhraseBatch, PhraseJob
from adapters.tts.transformers.voices import Chosen
from tests.support.device import DEVICE


class Notes:
    """A voice that notes its batches, says each text itself, and fails on "bad"."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[str], float, int]] = []

    def speak(self, texts: list[str], speed: float, speaker: int) -> list[bytes]:
        self.batches.append((texts, speed, speaker))
        if "bad" in texts:
            raise ValueError("secret")
        return [text.encode() for text in texts]


def job(text: str, *, speed: float = 1.0, model: str = "m", speaker: int = 0) -> PhraseJob:
    return PhraseJob(text=text, speed=speed, chosen=Chosen(model=model, speaker=speaker))


def batch_of(voice: Notes, *jobs: PhraseJob) -> PhraseBatch:
    batch = PhraseBatch(MappingProxyType({"m": voice, "other": voice}))
    for key, each in enumerate(jobs):
        batch.add(key, each)
    return batch


def test_what_is_alike_is_spoken_together() -> None:
    voice = Notes()
    batch = batch_of(voice, job("one"), job("two"), job("six", speed=1.5), job("ten", speaker=1), job("four"))
    assert list(batch.step()) == [(0, b"one"), (0, Ended()), (1, b"two"), (1, Ended()), (4, b"four"), (4, Ended())]
    assert list(batch.step()) == [(2, b"six"), (2, Ended())]
    assert list(batch.step()) == [(3, b"ten"), (3, Ended())]
    assert voice.batches == [(["one", "two", "four"], 1.0, 0), (["six"], 1.5, 0), (["ten"], 1.0, 1)]


def test_another_model_or_length_waits_for_its_turn() -> None:
    voice = Notes()
    batch = batch_of(
        voice, job("a" * 10), job("a" * 4), job("a" * 5), job("a" * 20), job("a" * 21), job("b" * 10, model="other")
    )
    list(batch.step())
    assert [len(text) for text in voice.batches[0][0]] == [10, 5, 20]


def test_a_batch_has_a_size() -> None:
    voice = Notes()
    batch = batch_of(voice, *[job("one")] * (BATCH + 1))
    list(batch.step())
    list(batch.step())
    assert [len(texts) for texts, *_ in voice.batches] == [BATCH, 1]


def test_one_that_fails_fails_alone() -> None:
    first, bad, second = (
        outcome
        for _, outcome in batch_of(Notes(), job("one"), job("bad"), job("two")).step()
        if not isinstance(outcome, Ended)
    )
    assert (first, second) == (b"one", b"two")
    assert isinstance(bad, UpstreamError)
    assert bad.message == "The speech model failed (ValueError)."


def test_a_device_that_is_lost_ends_the_batch() -> None:
    class Lost(Notes):
        def speak(self, texts: list[str], speed: float, speaker: int) -> list[bytes]:
            raise RuntimeError("CUDA error: device-side assert triggered")

    with pytest.raises(RuntimeError, match="CUDA"):
        list(batch_of(Lost(), job("one"), job("two")).step())


def test_who_has_left_is_not_spoken_for() -> None:
    voice = Notes()
    batch = batch_of(voice, job("one"), job("two"))
    batch.drop(0)
    assert [key for key, _ in batch.step()] == [1, 1]


def test_a_phrase_is_as_long_in_a_batch_as_alone(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="needs transformers")
    from adapters.tts.transformers.model import VitsVoice  # noqa: PLC0415 - imports torch
    from tests.models.tiny_vits import build  # noqa: PLC0415 - imports torch

    voice = VitsVoice("tiny", build(tmp_path / "vits"), DEVICE)
    texts = ["hello there", "好", "hello there how are you today", "hello there"]
    alone = [voice.speak([text], 1.0, 0)[0] for text in texts]
    together = voice.speak(texts, 1.0, 0)
    assert [len(pcm) for pcm in together] == [len(pcm) for pcm in alone]
    assert together[1] == b""
    assert all(np.frombuffer(pcm, "<i2").any() for pcm in together if pcm)
