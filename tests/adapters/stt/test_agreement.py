"""What two hypotheses agree on is stable, and the window has a bound."""

import random
from itertools import pairwise

import pytest

from adapters.contract import stt
from adapters.stt.agreement import WINDOW_SECONDS, Agreement
from adapters.stt.recognition import RecognitionResult

SECOND = bytes(32_000)


def heard(text: str, start: float = 0.0, language: str | None = "en") -> RecognitionResult:
    """A hypothesis with a word each half second."""
    words = tuple(
        stt.Word(text=word, start=start + n / 2, end=start + n / 2 + 0.5) for n, word in enumerate(text.split())
    )
    return RecognitionResult(text=text, words=words, language=language)


def said(agreement: Agreement, text: str, start: float = 0.0, language: str | None = "en") -> tuple[str, str]:
    """One more second, and the hypothesis for all so far."""
    agreement.feed(SECOND)
    agreement.window()
    partial = agreement.hypothesis(heard(text, start, language))
    return partial.stable, partial.unstable


def ended(agreement: Agreement, last: RecognitionResult) -> tuple[str, tuple[stt.Word, ...]]:
    """The whole text after the ``last`` hypothesis."""
    agreement.hypothesis(last)
    return agreement.final()


def test_words_become_stable_when_heard_twice() -> None:
    agreement = Agreement()
    assert not agreement.has_hypothesis
    assert said(agreement, "what is...") == ("", "what is...")
    assert agreement.has_hypothesis
    assert said(agreement, "What is the cap") == ("What is", " the cap")
    assert said(agreement, "What was the capital of") == ("What is the", " capital of")
    assert said(agreement, "What is the capital of France?") == ("What is the capital of", " France?")
    assert ended(agreement, heard("What is the capital of France today?")) == (
        "What is the capital of France today?",
        heard("What is the capital of France today?").words,
    )


def test_what_was_stable_is_not_taken_back() -> None:
    agreement = Agreement()
    said(agreement, "ice cream")
    assert said(agreement, "ice cream")[0] == "ice cream"
    text, _ = ended(agreement, heard("I scream loud"))
    assert text == "ice cream loud"


def test_a_word_at_the_border_is_not_heard_twice() -> None:
    agreement = Agreement()
    said(agreement, "no no")
    said(agreement, "no no")
    text, _ = ended(agreement, heard("no no yes", 0.2))  # all a little later
    assert text == "no no yes"


def test_languages_without_spaces() -> None:
    agreement = Agreement()
    said(agreement, "你 好", language="zh")
    assert said(agreement, "你 好 吗", language="zh") == ("你好", "吗")


def test_audio_up_to_a_window_is_covered() -> None:
    agreement = Agreement()
    said(agreement, "hello")
    assert agreement.is_covered
    agreement.feed(SECOND)
    assert not agreement.is_covered


def test_the_window_moves_on_and_no_audio_is_skipped() -> None:
    agreement = Agreement()
    sizes = []
    for second in range(60):
        agreement.feed(SECOND)
        window = agreement.window()
        sizes.append(len(window) / 32_000)
        agreement.hypothesis(RecognitionResult(text="") if second % 7 else heard(f"word{second}", sizes[-1] - 1))
    assert max(sizes) <= WINDOW_SECONDS
    assert agreement.seconds == 60.0
    # A recogniser that has fallen behind hears all that came in the meantime.
    for _ in range(30):
        agreement.feed(SECOND)
    assert len(agreement.window()) / 32_000 >= 30


def test_words_that_the_window_leaves_are_settled() -> None:
    agreement = Agreement()
    texts = [f"guess{number}" for number in range(3)]
    for text in texts:
        said(agreement, text)
    for _ in range(30):
        agreement.feed(SECOND)
        agreement.window()
        agreement.hypothesis(RecognitionResult(text=""))
    text, _ = ended(agreement, RecognitionResult(text=""))
    assert text == "", "what the next hypothesis did not confirm was only a guess"
    said(agreement, "kept", start=1.0)
    for _ in range(14):
        agreement.feed(SECOND)
    agreement.window()
    assert ended(agreement, heard("end", 5.0))[0] == "kept end"


@pytest.mark.parametrize("seed", range(20))
def test_stable_text_only_grows_whatever_is_heard(seed: int) -> None:
    draw = random.Random(seed)
    agreement = Agreement()
    stable = [""]
    for _ in range(40):
        agreement.feed(SECOND)
        seconds = len(agreement.window()) / 32_000
        words = " ".join(draw.choice(["a", "b", "c."]) for _ in range(int(seconds * 2)))
        stable.append(agreement.hypothesis(heard(words)).stable)
    stable.append(ended(agreement, heard("a b c"))[0])
    assert all(after.startswith(before) for before, after in pairwise(stable))


def test_the_language_is_that_of_the_last_hypothesis() -> None:
    agreement = Agreement()
    assert agreement.so_far().language is None
    assert agreement.hypothesis(heard("wie spät", language="de")).language == "de"
    assert agreement.so_far().language == "de"
