"""Recordings are recognised together where their requests allow it, all in one thread."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adapters.blocking import Ended, ReaderLeft
from adapters.contract.errors import InvalidRequest
from adapters.stt.recognition import Recognised, RecognitionRequest, RecognitionResult
from adapters.stt.transformers.adapter import TransformersRecogniser
from tests.models import tiny_whisper
from tests.support.device import DEVICE
from tests.support.recogniser_engine import asking, heard, pipeline_of

QUESTION, LIGHTS, GREETING = tiny_whisper.recordings()


def job(recording: tiny_whisper.Recording, **wanted: Any) -> RecognitionRequest:
    return RecognitionRequest(pcm=(recording.samples * 32767).astype("<i2").tobytes(), **wanted)


class Readers:
    """Those who wait for the recordings; ``told`` is what they were given before the end of a step."""

    def __init__(self, check: Callable[[int], None]) -> None:
        self.check = check
        self.told: list[tuple[int, Recognised]] = []

    def give(self, key: int, item: Recognised) -> None:
        self.told.append((key, item))


def batch_of(check: Callable[[int], None] = lambda _: None, size: int = 8) -> tuple[Any, list[int]]:
    """A batch on the trained model, and how many recordings each of its calls has had."""
    from adapters.stt.transformers import batched, model, pipeline  # noqa: PLC0415 - they import torch

    loaded = pipeline.load_pipeline(tiny_whisper.trained(), device=DEVICE, dtype=None)
    sizes: list[int] = []
    generate = loaded.model.generate

    def counted(**arguments: Any) -> Any:
        sizes.append(len(arguments["input_features"]))
        return generate(**arguments)

    loaded.model.generate = counted
    return batched.RecognitionBatch(model.RecognitionModel(loaded), Readers(check), size), sizes


def outcomes(batch: Any, *jobs: RecognitionRequest) -> dict[int, Any]:
    """What each job becomes; a result must be followed by its end."""
    for key, each in enumerate(jobs):
        batch.add(key, each)
    found: dict[int, Any] = {}
    ended: set[int] = set()
    while len(ended) < len(jobs):
        for key, outcome in batch.step():
            if not isinstance(outcome, Ended):
                found[key] = outcome
            if not isinstance(outcome, RecognitionResult):
                ended.add(key)
    return found


# transformers repeats a tensor of torch by a function of numpy.
@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")
def test_recordings_in_several_languages_are_one_batch() -> None:
    batch, sizes = batch_of()
    found = outcomes(batch, job(QUESTION), job(LIGHTS), job(GREETING))
    assert [(each.text, each.language) for each in found.values()] == [
        (each.text, each.language) for each in (QUESTION, LIGHTS, GREETING)
    ]
    assert sizes == [3]
    given = outcomes(batch, *(job(each, language=each.language, word_times=True) for each in (QUESTION, GREETING)))
    assert [each.text for each in given.values()] == [QUESTION.text, GREETING.text]
    assert [len(each.words) for each in given.values()] == [6, 2]
    assert sizes == [3, 2]


def test_what_a_batch_cannot_share_is_recognised_apart_and_no_batch_is_larger_than_allowed() -> None:
    batch, sizes = batch_of(size=2)
    prompted = job(QUESTION, prompt=tiny_whisper.PROMPT)
    long = RecognitionRequest(pcm=bytes(8 * 32_000))
    found = outcomes(batch, job(QUESTION), prompted, long, job(LIGHTS), job(GREETING))
    assert [found[key].text for key in (0, 1, 3, 4)] == [
        *(QUESTION.text, tiny_whisper.PROMPTED, LIGHTS.text, GREETING.text),
    ]
    assert sorted(sizes) == [1, 1, 1, 2]


def test_one_that_fails_does_not_spoil_the_others() -> None:
    batch, _ = batch_of()
    found = outcomes(batch, job(QUESTION, prompt="<|en|>"), job(LIGHTS))
    assert isinstance(found[0], InvalidRequest)
    assert found[1].text == LIGHTS.text
    recognise = batch._model.recognise

    def small(requests: Any, *others: Any) -> Any:
        if len(requests) > 1:
            raise MemoryError
        return recognise(requests, *others)

    batch._model.recognise = small
    found = outcomes(batch, job(QUESTION), job(LIGHTS))
    assert [each.text for each in found.values()] == [QUESTION.text, LIGHTS.text], "too large together, not alone"


def test_a_batch_goes_on_while_anybody_waits_for_it() -> None:
    left: set[int] = set()

    def check(key: int) -> None:
        if key in left:
            raise ReaderLeft

    batch, _ = batch_of(check)
    left.add(0)
    found = outcomes(batch, job(QUESTION), job(LIGHTS))
    assert found[1].text == LIGHTS.text
    left.add(1)
    batch.add(0, job(QUESTION))
    batch.add(1, job(LIGHTS))
    assert list(batch.step()) == []
    for key in (0, 1):
        batch.drop(key)


async def test_what_a_thread_keeps_is_there_for_the_next_utterance(whisper: TransformersRecogniser) -> None:
    kept = threading.local()
    passes: list[int] = []  # how many the thread of each pass has run before

    def count(*_: object) -> None:
        kept.passes = getattr(kept, "passes", 0) + 1
        passes.append(kept.passes)

    pipeline_of(whisper).model.register_forward_pre_hook(count)
    for recording in (QUESTION, LIGHTS):
        assert (await heard(whisper, asking(recording.samples)))[0].text == recording.text
    assert len(passes) > 2
    assert passes == [*range(1, len(passes) + 1)]


async def test_utterances_of_several_sessions_at_once(whisper: TransformersRecogniser) -> None:
    recordings = (QUESTION, LIGHTS, GREETING)
    found = await asyncio.gather(*(heard(whisper, asking(recording.samples)) for recording in recordings))
    assert [transcript.text for transcript, _ in found] == [recording.text for recording in recordings]


@pytest.mark.parametrize("seconds", [0.1, 0.2])
def test_next_to_no_sound_spoils_no_batch(seconds: float) -> None:
    batch, _ = batch_of()
    short = RecognitionRequest(pcm=np.zeros(int(16_000 * seconds), "<i2").tobytes())
    assert outcomes(batch, short, job(LIGHTS))[1].text == LIGHTS.text
