"""What can have been heard of an answer, in virtual time: no more than was sent, no more than there was time for."""

import asyncio

import pytest

from gateway.pipeline.playhead import Playhead
from gateway.text.speech_duration import seconds_to_say
from tests.support.virtual_time import in_virtual_time

LATER = 1_000.0
"""Seconds after which whatever was sent has been heard."""


def made(*utterances: tuple[str, float]) -> Playhead:
    """Utterances that were synthesised, each with the seconds that it lasts."""
    heard = Playhead()
    for text, seconds in utterances:
        heard.begin(text)
        heard.made(seconds / 2)
        heard.made(seconds / 2)
        heard.complete()
    return heard


@in_virtual_time
async def test_nothing_is_heard_before_audio_went_out() -> None:
    heard = made(("One is here.", 2.0))
    await asyncio.sleep(LATER)
    assert heard.text() == ""


@in_virtual_time
async def test_all_is_heard_when_all_was_sent_and_there_was_time() -> None:
    heard = made(("**One** is here.", 2.0), (" Two [is](https://example.com).\n", 2.0))
    for _ in range(40):
        heard.sent(0.1)
    await asyncio.sleep(4)
    assert heard.text() == "**One** is here. Two [is](https://example.com).\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, ""),
        (0.2, ""),
        (0.5, "one"),
        (1.0, "one two"),
        (1.5, "one two three"),
        (2.0, "one two three four."),
        (2.5, "one two three four. five"),
        (3.94, "one two three four. five six seven"),
        (3.96, "one two three four. five six seven eight."),
    ],
)
@pytest.mark.parametrize("scarce", ["audio", "time"])
@in_virtual_time
async def test_what_is_heard_grows_by_words_with_the_scarcer_of_audio_and_time(
    scarce: str, seconds: float, text: str
) -> None:
    heard = made(("one two three four.", 2.0), (" five six seven eight.", 2.0))
    heard.sent(seconds if scarce == "audio" else 4.0)
    await asyncio.sleep(seconds if scarce == "time" else LATER)
    assert heard.text() == text


@in_virtual_time
async def test_the_time_runs_from_the_first_audio() -> None:
    heard = made(("one two three four.", 2.0))
    await asyncio.sleep(LATER)
    heard.sent(2.0)
    assert heard.text() == ""
    await asyncio.sleep(1.0)
    assert heard.text() == "one two"


@in_virtual_time
async def test_what_is_not_said_is_remembered_when_what_stands_before_it_was_heard() -> None:
    heard = made(("Like this:", 1.0), ("\n```\nx = 1\n```\n", 0.0), ("It is simple.", 1.0))
    heard.sent(0.5)
    await asyncio.sleep(LATER)
    assert heard.text() == "Like"
    heard.sent(0.5)
    assert heard.text() == "Like this:\n```\nx = 1\n```\n"
    heard.sent(1.0)
    assert heard.text() == "Like this:\n```\nx = 1\n```\nIt is simple."


@in_virtual_time
async def test_an_utterance_that_is_still_being_made_is_not_taken_for_heard() -> None:
    """How long it will be is not known; what there is of it lasts as long as such a text usually does, or longer."""
    text = "one two three four five six seven eight nine ten eleven twelve."
    heard = Playhead()
    heard.begin(text)
    heard.made(seconds_to_say(text) / 3)
    heard.sent(seconds_to_say(text) / 3)
    await asyncio.sleep(LATER)
    assert heard.text() == "one two three four"
    heard.made(seconds_to_say(text))
    heard.sent(seconds_to_say(text))
    assert heard.text() == "one two three four five six seven eight nine ten eleven"


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("你好，我是你的朋友，很高兴见到你。", "你好，我是你的"),
        ("नमस्ते दोस्तों आज मौसम अच्छा है।", "नमस्ते दोस्तों"),
        ("résumé naïve façade über", "résumé naïve"),
    ],
)
@in_virtual_time
async def test_no_word_or_letter_is_cut_in_any_script(text: str, prefix: str) -> None:
    heard = made((text, 2.0))
    heard.sent(1.05)
    await asyncio.sleep(LATER)
    assert text.startswith(heard.text())
    assert heard.text().startswith(prefix)
    assert len(heard.text()) <= len(text) * 0.7
