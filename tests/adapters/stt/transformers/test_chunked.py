"""CTC models and models with another decoder than Whisper."""

from pathlib import Path

import numpy as np
import pytest

from adapters.contract.checks import read
from adapters.contract.errors import Unsupported
from tests.models import tiny_ctc, tiny_whisper
from tests.support.recogniser_engine import asking, heard, loaded

QUESTION, LIGHTS, GREETING = tiny_whisper.recordings()


async def test_a_ctc_model(tmp_path: Path) -> None:
    tiny_ctc.build_ctc(tmp_path)
    async with loaded(tmp_path) as engine:
        assert (engine.info.languages, engine.info.word_times) == (None, True)
        transcript, finished = await heard(engine, asking(QUESTION.samples, word_times=True, language="de"))
        assert set(transcript.text) == {*tiny_ctc.LETTERS[:2], " "}, "markers leak"
        assert [word.text for word in transcript.words] == transcript.text.split()
        assert all(word.start < word.end <= finished.seconds for word in transcript.words)
        assert finished.language == "de"
        transcript, _ = await heard(engine, asking(QUESTION.samples, segment_times=True))
        assert " ".join(segment.text for segment in transcript.segments) == transcript.text
        assert transcript.words == ()
        events = await read(
            engine.stream(asking(np.tile(QUESTION.samples, 20), prompt="x", temperature=0.5, word_times=True))
        )
        assert events[0].ignored == ("prompt", "temperature")
        assert 35 < events[-2].words[-1].end <= events[-1].seconds, "a long recording is heard to its end"


async def test_another_model_with_a_decoder(tmp_path: Path) -> None:
    tiny_ctc.build_seq2seq(tmp_path)
    async with loaded(tmp_path) as engine:
        transcript, _ = await heard(engine, asking(QUESTION.samples))
        twice, _ = await heard(engine, asking(np.tile(QUESTION.samples, 20)))
        assert len(twice.text.split()) == 2 * len(transcript.text.split()) == 8, "39 s are heard in two parts"
        events = await read(engine.stream(asking(np.tile(QUESTION.samples, 20))))
        assert [event.stable for event in events[1:-2]] == [" ".join(twice.text.split()[:4])]
        with pytest.raises(Unsupported, match="gives no word times"):
            await heard(engine, asking(QUESTION.samples, word_times=True))
        with pytest.raises(Unsupported, match="does not translate"):
            await heard(engine, asking(QUESTION.samples, translate=True))
        started, *_ = await read(engine.stream(asking(QUESTION.samples, temperature=0.5)))
        assert started.ignored == ()
