"""From writing to utterances, in virtual time: early, in batches, without gaps, and never in crumbs."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.utterance_scheduler import (
    DRY_MARGIN_SECONDS,
    LONGER_FRAGMENT_SECONDS,
    LONGEST_BATCH,
    MOST_PENDING,
    SHORTEST_FRAGMENT_SECONDS,
    Pacing,
    UtteranceGate,
    UtteranceScheduler,
)
from gateway.text.speech_duration import CHARACTERS_PER_SECOND, seconds_to_say
from tests.support.virtual_time import in_virtual_time

MUCH = 1_000.0
"""Seconds of audio that nobody has heard yet."""

FRAGMENT_CHARACTERS = SHORTEST_FRAGMENT_SECONDS * CHARACTERS_PER_SECOND


def now() -> float:
    return asyncio.get_running_loop().time()


async def speaking(batch: int, unheard: float) -> UtteranceScheduler:
    """A backlog whose first utterance was spoken, and so many seconds of it are still unheard."""
    backlog = UtteranceScheduler(Pacing(batch_sentences=batch, first_utterance_seconds=0.0))
    backlog.write("Hello there! ")
    assert await backlog.utterance() == "Hello there!"
    backlog.spoken(unheard)
    return backlog


async def rest(backlog: UtteranceScheduler) -> list[str]:
    """All that is given from now on, when each utterance leaves much to hear."""
    texts = []
    while (text := await backlog.utterance()) is not None:
        texts.append(text)
        backlog.spoken(MUCH)
    return texts


async def write_slowly(backlog: UtteranceScheduler, text: str, words_per_second: float) -> None:
    for number, word in enumerate(text.split(" ")):
        backlog.write(f" {word}" if number else word)
        await asyncio.sleep(1 / words_per_second)
    backlog.close()


@pytest.mark.parametrize("looks", range(1, 8))
@in_virtual_time
async def test_words_that_become_due_between_two_looks_at_the_clock_are_spoken(
    monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    backlog = UtteranceScheduler(Pacing(batch_sentences=3, first_utterance_seconds=0.3))
    seen = 0

    def clock() -> float:
        nonlocal seen
        seen += 1
        return now() + (seen > looks)

    monkeypatch.setattr("gateway.pipeline.utterance_scheduler._now", clock)
    backlog.write("a model that knows no full stop ")
    async with asyncio.timeout(10):
        assert (await backlog.utterance() or "").startswith("a model")


@in_virtual_time
async def test_the_first_clause_goes_alone_and_at_once() -> None:
    backlog = UtteranceScheduler(Pacing(batch_sentences=3, first_utterance_seconds=0.3))
    waiting = asyncio.create_task(backlog.utterance())
    await asyncio.sleep(0.1)
    backlog.write("Once upon a time, there was a king. He was old. And ")
    assert await waiting == "Once upon a time,"
    assert now() == pytest.approx(0.1)


@in_virtual_time
async def test_without_a_clause_the_first_words_go_at_the_deadline() -> None:
    backlog = UtteranceScheduler(Pacing(batch_sentences=3, first_utterance_seconds=0.3))
    waiting = asyncio.create_task(backlog.utterance())
    await asyncio.sleep(5)
    backlog.write("there was a ki")
    assert await waiting == "there was a"
    assert now() == pytest.approx(5.3), "the time runs from the first text"


@in_virtual_time
async def test_when_there_is_no_word_at_the_deadline_the_next_one_goes() -> None:
    backlog = UtteranceScheduler(Pacing(batch_sentences=3, first_utterance_seconds=0.3))
    waiting = asyncio.create_task(backlog.utterance())
    backlog.write("unbe")
    await asyncio.sleep(2)
    assert not waiting.done()
    backlog.write("lievable that")
    assert await waiting == "unbelievable"


@in_virtual_time
async def test_later_sentences_are_gathered() -> None:
    backlog = await speaking(3, MUCH)
    waiting = asyncio.create_task(backlog.utterance())
    backlog.write("One is here. Two is here. ")
    await asyncio.sleep(10)
    assert not waiting.done(), "spoken before the batch was full"
    backlog.write("Three is here. Four")
    assert await waiting == " One is here. Two is here. Three is here."
    assert now() == pytest.approx(10)


@in_virtual_time
async def test_a_batch_takes_no_more_than_its_size_and_the_rest_goes_at_the_end() -> None:
    backlog = await speaking(2, MUCH)
    backlog.write("One is. Two is. Three is. Four is. Five is.")
    backlog.close()
    assert await rest(backlog) == [" One is. Two is.", " Three is. Four is.", " Five is."]


@in_virtual_time
async def test_a_batch_is_never_longer_than_engines_take() -> None:
    backlog = await speaking(100, MUCH)
    backlog.write(" ".join(["Word"] * 20 + ["end. "]) * 25)
    backlog.close()
    batches = await rest(backlog)
    assert len(batches) == 3
    assert LONGEST_BATCH - 110 < len(batches[0]) <= LONGEST_BATCH


@in_virtual_time
async def test_an_utterance_is_no_longer_than_what_is_unheard_allows() -> None:
    """An engine that gives nothing before it has made it all would else let the listener run dry."""
    backlog = await speaking(3, 1.5)
    backlog.write("The first is about this long. The second is about this long. The third is about this long.")
    backlog.close()
    assert await rest(backlog) == [
        " The first is about this long. The second is about this long.",
        " The third is about this long.",
    ]


@in_virtual_time
async def test_sentences_go_before_the_listener_runs_dry() -> None:
    backlog = await speaking(3, 10.0)
    backlog.write("One is here. And two")
    assert await backlog.utterance() == " One is here."
    assert now() == pytest.approx(10 - DRY_MARGIN_SECONDS)


@in_virtual_time
async def test_the_time_to_the_first_samples_is_part_of_the_margin() -> None:
    backlog = UtteranceScheduler(Pacing(batch_sentences=3, first_utterance_seconds=0.3))
    backlog.write("Hello there! One is here. And two")
    await backlog.utterance()
    await asyncio.sleep(2)  # until the engine gives something
    backlog.spoken(10)
    assert await backlog.utterance() == " One is here."
    assert now() == pytest.approx(2 + 10 - 2 - DRY_MARGIN_SECONDS)


@in_virtual_time
async def test_a_gap_long_ago_does_not_make_later_audio_heard() -> None:
    backlog = await speaking(2, 1.0)
    await asyncio.sleep(60)
    backlog.write("One is here. Two")
    assert await backlog.utterance() == " One is here."
    backlog.spoken(10)
    backlog.write(" is here. Three")
    assert await backlog.utterance() == " Two is here."
    assert now() == pytest.approx(60 + 10 - DRY_MARGIN_SECONDS)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("The oven must be hot, when you put the br", " The oven must be hot,"),
        ("The oven must be quite hot when you put the br", " The oven must be quite hot when you put the"),
        ("Fine. The oven must be quite hot, when you", " Fine. The oven must be quite hot,"),
        ("It is fine as it is now. The oven must be", " It is fine as it is now."),
        ("烤箱必须很热，然后你把面包放", " 烤箱必须很热，"),
    ],
)
@in_virtual_time
async def test_without_a_sentence_clauses_go_else_words(written: str, spoken: str) -> None:
    backlog = await speaking(3, 2.0)
    backlog.write(written)
    assert await backlog.utterance() == spoken
    assert now() == pytest.approx(2 - DRY_MARGIN_SECONDS)
    backlog.close()
    assert "".join([spoken, *await rest(backlog)]) == f" {written}"


@in_virtual_time
async def test_a_word_or_two_wait_for_more() -> None:
    backlog = await speaking(3, 1.0)
    waiting = asyncio.create_task(backlog.utterance())
    await write_slowly(backlog, "Nobody ever hears single words of me.", words_per_second=1)
    text = await waiting
    assert text == " Nobody ever hears"
    assert len(" Nobody ever") < FRAGMENT_CHARACTERS <= len(text)


@in_virtual_time
async def test_a_model_slower_than_speech_pauses_less_often_for_longer() -> None:
    backlog = UtteranceScheduler(Pacing(batch_sentences=3, first_utterance_seconds=0.3))
    text = "There " + "is really nothing in here that could end anything " * 8
    writing = asyncio.create_task(write_slowly(backlog, text.strip(), words_per_second=2))
    lengths = []
    while (utterance := await backlog.utterance()) is not None:
        lengths.append(len(utterance))
        backlog.spoken(seconds_to_say(utterance))
    await writing
    assert lengths[0] < FRAGMENT_CHARACTERS <= lengths[1], "the first goes at its deadline"
    assert min(lengths[2:-1]) >= LONGER_FRAGMENT_SECONDS * CHARACTERS_PER_SECOND - 1


@in_virtual_time
async def test_the_model_waits_while_too_much_is_unspoken() -> None:
    backlog = await speaking(1, MUCH)
    await backlog.room()
    backlog.write("Here it is. " * (MOST_PENDING + 1))
    waiting = asyncio.create_task(backlog.room())
    await asyncio.sleep(1)
    assert not waiting.done()
    await backlog.utterance()
    await waiting


@given(
    st.lists(st.tuples(st.sampled_from([0, 0.05, 0.3, 2.0]), st.text("ab ,.!\n`*。，1")), max_size=30),
    st.integers(1, 3),
)
@in_virtual_time
async def test_the_utterances_are_the_text_whatever_the_pace(pieces: list[tuple[float, str]], batch: int) -> None:
    backlog = UtteranceScheduler(Pacing(batch_sentences=batch, first_utterance_seconds=0.3))

    async def write() -> None:
        for pause, text in pieces:
            await asyncio.sleep(pause)
            backlog.write(text)
        backlog.close()

    writing = asyncio.create_task(write())
    said = []
    for seconds in itertools.cycle([0.1, 3.0, 0.5]):
        if (utterance := await backlog.utterance()) is None:
            break
        said.append(utterance)
        backlog.spoken(seconds)
    await writing
    assert "".join(said) == "".join(text for _, text in pieces)


@in_virtual_time
async def test_a_gate_lets_some_utterances_pass_and_the_others_once_it_is_open() -> None:
    gate = UtteranceGate(1)
    backlog = UtteranceScheduler(Pacing(batch_sentences=1, first_utterance_seconds=0.0), gate)
    backlog.write("Hello there! How are you? Fine. ")
    backlog.close()
    assert await backlog.utterance() == "Hello there!"
    backlog.spoken(MUCH)
    waiting = asyncio.create_task(backlog.utterance())
    await asyncio.sleep(10)
    assert not waiting.done()
    gate.open()
    assert await waiting == " How are you?"
    assert await backlog.utterance() == " Fine."
