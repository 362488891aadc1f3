"""All utterances are recognised in one thread, one at a time."""

import asyncio
import threading

from adapters.stt.transformers.adapter import TransformersRecogniser
from tests.models import tiny_whisper
from tests.support.recogniser_engine import asking, heard, pipeline_of

QUESTION, LIGHTS, GREETING = tiny_whisper.recordings()


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


async def test_utterances_take_turns(whisper: TransformersRecogniser) -> None:
    recordings = (QUESTION, LIGHTS, GREETING)
    most = 0

    def note(*_: object) -> None:
        nonlocal most
        most = max(most, pipeline_of(whisper).running)

    pipeline_of(whisper).model.register_forward_pre_hook(note)
    found = await asyncio.gather(*(heard(whisper, asking(recording.samples)) for recording in recordings))
    assert [transcript.text for transcript, _ in found] == [recording.text for recording in recordings]
    assert most == 1
