"""The recogniser in process: Whisper by heart, CTC and encoder-decoder models; leaving stops it, failures are named."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.contract import stt
from adapters.contract.checks import read, stt_grammar
from adapters.contract.errors import AdapterError, InvalidRequest, Unavailable, Unsupported, UpstreamError
from adapters.options import BadOption
from adapters.stt.transformers.adapter import TransformersRecogniser
from adapters.stt.transformers.recognition import SAMPLE_RATE

for package in ("torch", "transformers"):
    pytest.importorskip(package, reason=f"needs {package}")

from tests.models import tiny_ctc, tiny_whisper  # noqa: E402 - they import the packages
from tests.support.recogniser_engine import loaded, pipeline_of  # noqa: E402

QUESTION, LIGHTS, GREETING = tiny_whisper.recordings()
SECRET = "what somebody said"


async def blocks(samples: Any) -> AsyncIterator[bytes]:
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    for start in range(0, len(pcm), 3200):
        yield pcm[start : start + 3200]


def asking(samples: Any, **wanted: Any) -> stt.Request:
    return stt.Request(audio=blocks(samples), **wanted)


async def heard(engine: TransformersRecogniser, request: stt.Request) -> tuple[stt.FinalTranscript, stt.Finished]:
    events = await read(engine.stream(request))
    stt_grammar(events)
    assert isinstance(events[-2], stt.FinalTranscript)
    assert isinstance(events[-1], stt.Finished)
    return events[-2], events[-1]


@pytest.fixture
async def whisper() -> TransformersRecogniser:
    return await loaded(tiny_whisper.trained())


def windows(*recordings: tiny_whisper.Recording) -> Any:
    """The recordings one after the other, each filling what the model hears at once."""
    length = tiny_whisper.WINDOW_SECONDS * SAMPLE_RATE
    return np.concatenate([np.pad(each.samples, (0, length - len(each.samples))) for each in recordings])


async def test_what_the_model_says_of_itself(whisper: TransformersRecogniser) -> None:
    assert set(whisper.info.languages or ()) == {"en", "de"}
    assert (whisper.info.word_times, whisper.info.max_parallel, whisper.failure) == (True, 1, None)


@pytest.mark.parametrize("recording", [QUESTION, LIGHTS, GREETING], ids=lambda recording: recording.text)
async def test_words_and_language_are_heard(whisper: TransformersRecogniser, recording: tiny_whisper.Recording) -> None:
    transcript, finished = await heard(whisper, asking(recording.samples))
    assert (transcript.text, transcript.words) == (recording.text, ())
    assert finished.language == recording.language
    assert finished.seconds == pytest.approx(len(recording.samples) / SAMPLE_RATE, abs=1e-4)


@pytest.mark.parametrize("language", ["de", "de-AT", "DE"])
async def test_a_language_that_is_given_is_not_guessed(whisper: TransformersRecogniser, language: str) -> None:
    forced: list[Any] = []
    model = pipeline_of(whisper).model
    tell = model.generate

    def generate(**arguments: Any) -> Any:
        forced.append(arguments.get("language"))
        return tell(**arguments)

    model.generate = generate
    transcript, finished = await heard(whisper, asking(GREETING.samples, language=language))
    assert (transcript.text, finished.language, forced) == (GREETING.text, "de", ["de"])


async def test_a_prompt_leads_the_spelling_and_a_long_one_is_cut(whisper: TransformersRecogniser) -> None:
    for prompt in (tiny_whisper.PROMPT, "word " * 500):
        transcript, _ = await heard(whisper, asking(QUESTION.samples, prompt=prompt))
        if prompt == tiny_whisper.PROMPT:
            assert transcript.text == tiny_whisper.PROMPTED


@pytest.mark.parametrize("language", ["en", None])
async def test_every_word_has_its_time(whisper: TransformersRecogniser, language: str | None) -> None:
    transcript, finished = await heard(whisper, asking(QUESTION.samples, word_times=True, language=language))
    assert [word.text for word in transcript.words] == QUESTION.text.split() == transcript.text.split()
    times = [time for word in transcript.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] == 0.0  # where the model hears all of its three recordings begin
    assert 0 < times[-1] <= finished.seconds
    assert finished.language == "en"


async def test_asking_for_times_leaves_the_model_as_it_was(whisper: TransformersRecogniser) -> None:
    config = pipeline_of(whisper).model.config
    before = config._attn_implementation
    await heard(whisper, asking(QUESTION.samples, word_times=True))
    assert config._attn_implementation == before != "eager"


async def test_audio_longer_than_the_model_hears_at_once(whisper: TransformersRecogniser) -> None:
    said = (QUESTION, LIGHTS, QUESTION)
    expected = " ".join(each.text for each in said)
    transcript, finished = await heard(whisper, asking(windows(*said)))
    assert (transcript.text, finished.language, finished.seconds) == (expected, "en", 12.0)
    transcript, _ = await heard(whisper, asking(windows(*said), word_times=True))
    assert [word.text for word in transcript.words] == expected.split()
    # What is said in each window has times in that window.
    starts = [word.start for word in transcript.words]
    assert [int(start // 4) for start in starts] == [0] * 6 + [1] * 4 + [2] * 6


async def test_too_short_for_a_word(whisper: TransformersRecogniser) -> None:
    transcript, finished = await heard(whisper, asking(np.zeros(1000)))
    assert (transcript.text, finished.seconds) == ("", 0.0625)


async def test_a_reader_that_leaves_stops_the_model(whisper: TransformersRecogniser) -> None:
    layers: list[None] = []
    pipeline_of(whisper).model.register_forward_pre_hook(lambda *_: layers.append(None))
    recording = windows(*[QUESTION] * 8)
    await heard(whisper, asking(recording))
    whole = len(layers)
    layers.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as scope, aclosing(whisper.stream(asking(recording))) as events:
            waiting = asyncio.ensure_future(_until(lambda: bool(layers)))
            waiting.add_done_callback(lambda _: scope.reschedule(0))
            async for _ in events:
                pass
    assert pipeline_of(whisper).running == 0
    ran = len(layers)
    assert 0 < ran < whole
    await asyncio.sleep(0.05)
    assert len(layers) == ran, "the model is still at work"
    assert (await heard(whisper, asking(LIGHTS.samples)))[0].text == LIGHTS.text


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


async def test_a_ctc_model(tmp_path: Path) -> None:
    tiny_ctc.build_ctc(tmp_path)
    engine = await loaded(tmp_path)
    assert (engine.info.languages, engine.info.word_times) == (None, True)
    transcript, finished = await heard(engine, asking(QUESTION.samples, word_times=True, language="de"))
    assert set(transcript.text) == {*tiny_ctc.LETTERS[:2], " "}, "markers leak"
    assert [word.text for word in transcript.words] == transcript.text.split()
    assert all(word.start < word.end <= finished.seconds for word in transcript.words)
    assert finished.language == "de"
    events = await read(engine.stream(asking(np.tile(QUESTION.samples, 20), prompt="x", word_times=True)))
    assert events[0].ignored == ("prompt",)
    assert 35 < events[-2].words[-1].end <= events[-1].seconds, "a long recording is heard to its end"


async def test_another_model_with_a_decoder(tmp_path: Path) -> None:
    tiny_ctc.build_seq2seq(tmp_path)
    engine = await loaded(tmp_path)
    transcript, _ = await heard(engine, asking(QUESTION.samples))
    twice, _ = await heard(engine, asking(np.tile(QUESTION.samples, 20)))
    assert len(twice.text.split()) == 2 * len(transcript.text.split()) == 8, "39 s are heard in two parts"
    with pytest.raises(Unsupported, match="gives no word times"):
        await heard(engine, asking(QUESTION.samples, word_times=True))


@pytest.mark.parametrize(
    ("wanted", "error", "names"),
    [
        ({"language": "fr"}, Unsupported, "'fr'"),
        ({"prompt": "<|en|> hello"}, InvalidRequest, "special token of the model"),
    ],
)
async def test_requests_that_cannot_be_met(
    whisper: TransformersRecogniser, wanted: dict[str, Any], error: type[AdapterError], names: str
) -> None:
    with pytest.raises(error, match=names):
        await heard(whisper, asking(QUESTION.samples, **wanted))


@contextmanager
def broken(engine: TransformersRecogniser, error: Exception) -> Iterator[None]:
    """The model's forward pass raises ``error``."""

    def forward(*_arguments: Any) -> None:
        raise error

    hook = pipeline_of(engine).model.register_forward_pre_hook(forward)
    try:
        yield
    finally:
        hook.remove()


@pytest.mark.parametrize(
    ("failure", "error", "names"),
    [
        (RuntimeError(f"CUDA out of memory. {SECRET}"), Unavailable, "not enough memory"),
        (MemoryError(SECRET), Unavailable, "not enough memory"),
        (KeyError(SECRET), UpstreamError, r"\(KeyError\)"),
    ],
)
async def test_a_failure_is_named_without_what_was_said_and_the_engine_goes_on(
    whisper: TransformersRecogniser, failure: Exception, error: type[AdapterError], names: str
) -> None:
    with broken(whisper, failure), pytest.raises(error, match=names) as raised:
        await heard(whisper, asking(QUESTION.samples))
    assert SECRET not in raised.value.message
    assert whisper.failure is None
    assert (await heard(whisper, asking(QUESTION.samples)))[0].text == QUESTION.text


async def test_an_engine_whose_device_is_lost_says_so(whisper: TransformersRecogniser) -> None:
    import torch  # noqa: PLC0415

    with broken(whisper, torch.AcceleratorError("CUDA error: unspecified")):
        with pytest.raises(Unavailable, match="its device failed"):
            await heard(whisper, asking(QUESTION.samples))
    with pytest.raises(Unavailable, match="its device failed"):
        await heard(whisper, asking(QUESTION.samples))
    assert whisper.failure is not None


async def test_before_it_is_loaded_and_after_it_is_closed() -> None:
    engine = TransformersRecogniser(TransformersRecogniser.Options(stt_model=str(tiny_whisper.trained())))
    with pytest.raises(Unavailable, match="not loaded"):
        await heard(engine, asking(QUESTION.samples))
    await engine.warm_up()
    await engine.aclose()
    with pytest.raises(Unavailable, match="not loaded"):
        await heard(engine, asking(QUESTION.samples))


async def test_what_is_no_recognition_model_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UpstreamError, match="must be a model for automatic speech recognition"):
        await loaded(tmp_path)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"stt_model": "./absent"}, "--stt_model './absent' does not exist"),
        ({"stt_model": "./absent", "stt_device": "cuda:63"}, "--stt_device 'cuda:63' is not available"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_loaded(options: dict[str, Any], names: str) -> None:
    with pytest.raises(BadOption, match=names):
        TransformersRecogniser(TransformersRecogniser.Options(**options)).preflight()
