"""A real Whisper: words, times, languages, long and live audio, silence, several recordings at once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from adapters.contract import stt
from adapters.contract.checks import read, stt_grammar
from adapters.contract.errors import InvalidRequest, Unavailable
from adapters.stt.faster_whisper.adapter import FasterWhisper
from adapters.tts.espeak import library
from tests.models import tiny_whisper
from tests.support.recogniser_engine import asking, heard
from tests.support.word_errors import error_rate
from tests.support.workers import speech

pytest.importorskip("faster_whisper", reason="needs faster-whisper")

QUESTION = "What is the capital of France?"
SENTENCES = (
    "Please turn off the lights in the kitchen.",
    "I would like a cup of coffee with milk.",
    "The weather tomorrow will be cold and rainy.",
    "The capital of Germany is Berlin, and the capital of France is Paris.",
    "How many people live in New York today?",
    "We need to buy bread, butter and cheese.",
    "This machine can understand what people say.",
    "He opened the window because it was very hot.",
    "It was a dark and stormy night, and the rain fell in torrents.",
    "Could you tell me the way to the station?",
    "Remember to water the plants twice a week, and do not forget to feed the cat.",
)

GREEK = (
    "Η Ελλάδα είναι μια όμορφη χώρα με πολλά νησιά και μεγάλη ιστορία. Η Αθήνα είναι η πρωτεύουσα και έχει πολλά "
    "μουσεία. Σήμερα ο καιρός είναι καλός και ο ήλιος λάμπει. Τα παιδιά παίζουν στον κήπο και η μητέρα μαγειρεύει το "
    "μεσημεριανό. Αύριο θα πάμε στη θάλασσα για να κολυμπήσουμε και να φάμε ψάρι. Ο δάσκαλος εξηγεί το μάθημα στους "
    "μαθητές και εκείνοι ακούν προσεκτικά. Το βράδυ βλέπουμε μια ταινία και πίνουμε τσάι στο σαλόνι."
)


@pytest.fixture
async def whisper(real_model: Callable[[str], Path]) -> AsyncGenerator[FasterWhisper, None]:
    engine = FasterWhisper(FasterWhisper.Options(stt_model=str(real_model("whisper-base")), stt_device="cpu"))
    async with aclosing(engine):
        await engine.warm_up()
        yield engine


@cache
def question() -> Any:
    return tiny_whisper.recordings()[0].samples


def spoken(text: str, voice: str = "gmw/en-US") -> Any:
    pcm = np.frombuffer(speech(text, voice), np.int16).astype(np.float32) / 32768
    return soxr.resample(pcm, library.inventory().sample_rate, 16_000)


async def test_a_recorded_question(whisper: FasterWhisper) -> None:
    assert "de" in (whisper.info.languages or ())
    assert (whisper.info.translation, whisper.info.max_parallel, whisper.failure) == (True, 8, None)
    asked = asking(question(), word_times=True, segment_times=True, prompt="Cities", temperature=0.0)
    transcript, finished = await heard(whisper, asked)
    assert (transcript.text, finished.language) == (QUESTION, "en")
    assert [word.text for word in transcript.words] == QUESTION.split()
    assert all(one.end <= other.start for one, other in pairwise(transcript.words))
    (segment,) = transcript.segments
    assert segment.text == QUESTION
    assert 0 <= segment.start < 0.5
    assert 1.4 < segment.end <= finished.seconds
    assert -1 < (segment.avg_logprob or 0) < 0
    assert (segment.no_speech_prob or 1) < 0.1


async def test_spoken_sentences(whisper: FasterWhisper) -> None:
    transcripts = await asyncio.gather(*(heard(whisper, asking(spoken(sentence))) for sentence in SENTENCES))
    rate = error_rate(SENTENCES, [transcript.text for transcript, _ in transcripts])
    assert rate < 0.25, f"{rate:.0%} of the words are wrong"


async def test_long_audio_loses_nothing_at_the_borders_of_windows(whisper: FasterWhisper) -> None:
    recording = np.concatenate([np.pad(spoken(sentence), (0, 8000)) for sentence in SENTENCES])
    seconds = len(recording) / 16_000
    assert seconds > 32
    (transcript, finished), (short, _) = await asyncio.gather(
        heard(whisper, asking(recording, segment_times=True)), heard(whisper, asking(question()))
    )
    assert short.text == QUESTION
    assert error_rate([" ".join(SENTENCES)], [transcript.text]) < 0.25
    assert finished.seconds == pytest.approx(seconds, abs=1e-3)
    assert transcript.segments[-1].end > seconds - 3
    assert all(one.end <= other.start + 0.01 for one, other in pairwise(transcript.segments))
    events = await read(whisper.stream(asking(recording, word_times=True)))
    *partials, transcript, _ = events[1:]
    assert partials, "each window is told when it is done"
    assert all(transcript.text.startswith(partial.stable) and not partial.unstable for partial in partials)
    assert len(partials[0].stable) < len(transcript.text)
    assert error_rate([" ".join(SENTENCES)], [" ".join(word.text for word in transcript.words)]) < 0.25


async def test_as_much_is_heard_without_times_as_with_them(whisper: FasterWhisper) -> None:
    recording = np.concatenate([spoken(GREEK, "grk/el")] * 2)[: 29 * 16_000]
    (text, _), (segments, _) = await asyncio.gather(
        heard(whisper, asking(recording, language="el")),
        heard(whisper, asking(recording, language="el", segment_times=True)),
    )
    assert text.text == segments.text
    assert segments.segments[-1].end > 28, "it needs more tokens than the model writes at once"


async def test_languages(whisper: FasterWhisper) -> None:
    german = spoken("Guten Tag, wie geht es Ihnen heute?", "gmw/de")
    (transcript, finished), (translated, source) = await asyncio.gather(
        heard(whisper, asking(german)), heard(whisper, asking(german, translate=True, language="de"))
    )
    assert finished.language == source.language == "de"
    assert "wie geht es" in transcript.text.lower()
    assert translated.text
    assert "geht" not in translated.text, "it is not in German any more"
    transcript, finished = await heard(whisper, asking(german, word_times=True))
    assert finished.language == "de"
    assert {"wie", "geht", "es"} <= {word.text.strip(" ,?").lower() for word in transcript.words}


@pytest.mark.parametrize("level", [0.0, 0.003, 0.1])
async def test_where_nobody_speaks_nothing_is_invented(whisper: FasterWhisper, level: float) -> None:
    noise = np.random.default_rng(0).normal(0, 1, 5 * 16_000) * level
    transcript, finished = await heard(whisper, asking(noise))
    assert (transcript.text, finished.seconds) == ("", 5.0)


async def test_one_that_is_refused_does_not_spoil_the_others(whisper: FasterWhisper) -> None:
    refused, found = await asyncio.gather(
        heard(whisper, asking(question(), prompt="<|en|>")),
        heard(whisper, asking(question())),
        return_exceptions=True,
    )
    assert isinstance(refused, InvalidRequest)
    assert isinstance(found, tuple)
    assert found[0].text == QUESTION


async def test_several_at_once_are_one_batch(whisper: FasterWhisper, monkeypatch: pytest.MonkeyPatch) -> None:
    from adapters.stt.faster_whisper.decoding import WindowDecoder  # noqa: PLC0415 - imports the library

    sizes: list[int] = []
    advance = WindowDecoder.advance

    def counted(decoder: WindowDecoder, recordings: Any) -> None:
        sizes.append(len(recordings))
        advance(decoder, recordings)

    monkeypatch.setattr(WindowDecoder, "advance", counted)
    languages = ("en", None, "en", "de", "en", "en")
    found = await asyncio.gather(*(heard(whisper, asking(question(), language=each)) for each in languages))
    assert [transcript.text == QUESTION for transcript, _ in found] == [language != "de" for language in languages]
    assert sum(sizes) == 6
    assert max(sizes) > 1, "those that came while the first was recognised are one batch"


async def live(samples: Any) -> AsyncIterator[bytes]:
    """In blocks of a tenth of a second, as they are spoken."""
    now = asyncio.get_running_loop().time
    started = now()
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    for start in range(0, len(pcm), 3200):
        await asyncio.sleep(max(0.0, started + (start + 3200) / 32_000 - now()))
        yield pcm[start : start + 3200]


async def test_live_audio_has_partial_transcripts(whisper: FasterWhisper) -> None:
    said = " ".join(SENTENCES[:2])
    recording = np.concatenate([spoken(said), question()])
    events = await read(whisper.stream(stt.Request(audio=live(recording))))
    stt_grammar(events)
    partials = [event for event in events if isinstance(event, stt.PartialTranscript)]
    assert len(partials) >= 2
    assert partials[-1].stable
    assert error_rate([f"{said} {QUESTION}"], [events[-2].text]) < 0.25
    assert events[-2].words == ()


async def test_before_it_is_loaded() -> None:
    with pytest.raises(Unavailable, match="it was not started"):
        await heard(FasterWhisper(FasterWhisper.Options(stt_device="cpu")), asking(question()))
