"""Long texts are cut where a speaker would pause, and nothing of them is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tts.pieces import PIECE_CHARACTERS, WORD_CHARACTERS, is_spoken, phrases, pieces


def cut(text: str) -> list[str]:
    found = list(pieces(text))
    assert "".join(found) == text
    assert all(len(piece) <= PIECE_CHARACTERS for piece in found)
    return found


@pytest.mark.parametrize("text", ["", "Hello.", "a " * 100, "One. Two? Three! " * 10, "好" * 99 + "。" + "好" * 99])
def test_what_is_short_is_one_piece(text: str) -> None:
    assert cut(text) == [text]


def test_it_is_cut_after_the_last_sentence_that_fits() -> None:
    first, second = "I said so, and I meant it. Did I? " * 5, "But then it rained, as it does, "
    assert cut(first + second * 2) == [first, second * 2]


def test_without_a_sentence_it_is_cut_after_a_clause_then_between_words() -> None:
    clause, words = "a word and a word and a word and another word, ", "a word and another one "
    assert cut(clause * 5) == [clause * 4, clause]
    assert cut(words * 10) == [words * 8 + "a word and ", "another one " + words]


def test_other_scripts_are_cut_at_their_marks() -> None:
    assert cut("今天天气很好。" * 30) == ["今天天气很好。" * 28, "今天天气很好。" * 2]
    assert cut("今天天气很好，" * 30) == ["今天天气很好，" * 28, "今天天气很好，" * 2]


@pytest.mark.parametrize("word", ["s'", "A.", "U.S.", "www.", "好"])
def test_words_that_are_too_long_are_cut(word: str) -> None:
    long = (word * 200)[:150]
    assert cut(long) == [long[:100], long[100:]]
    assert cut(f"It is {long} now.") == ["It is ", long[:100], f"{long[100:]} now."]


def test_phonemes_stay_whole() -> None:
    phonemes = "[[h@l'oU w'3:ld. h@l'oU, w'3:ld]]"
    text = "hello world " * 15 + f"{phonemes} and so on and so on"
    assert [phonemes in piece for piece in cut(text)] == [False, True]


@given(st.text(alphabet="aB1 .,;!?'。，[]\n\u0301", max_size=1_500))
def test_pieces_are_short_and_so_are_their_words(text: str) -> None:
    found = cut(text)
    assert all(found[:-1]), "no piece is empty"
    if "[[" not in text:
        assert all(len(word) <= WORD_CHARACTERS for piece in found for word in piece.split())


def test_the_first_phrase_is_short_and_the_next_ones_grow() -> None:
    text = "I said so, and I meant it. " * 22
    found = list(phrases(text))
    assert found[0] == "I said so, and I meant it. "
    assert [len(phrase) for phrase in found[1:5]] == [54, 108, 189, 189]


@pytest.mark.parametrize("text", ["", "Hello.", "Yes, I think so.", "a word and a word and a word and a word"])
def test_what_has_no_pause_late_enough_is_one_phrase(text: str) -> None:
    assert list(phrases(text)) == [text] * bool(text)


def test_a_phrase_does_not_end_in_a_sentence_when_a_pause_follows() -> None:
    assert list(phrases("There is a long way to go before it rains, and then it will rain.")) == [
        "There is a long way to go before it rains, ",
        "and then it will rain.",
    ]


def test_the_last_phrase_is_not_cut_when_it_is_short_enough_for_one() -> None:
    assert list(phrases("The lights are off now. Tomorrow will be cold and rainy, so take an umbrella.")) == [
        "The lights are off now. ",
        "Tomorrow will be cold and rainy, so take an umbrella.",
    ]


@given(st.text(alphabet="aB1 .,;!?'。，[]\n", max_size=1_500))
def test_phrases_are_pieces(text: str) -> None:
    found = list(phrases(text))
    assert "".join(found) == text
    assert all(0 < len(phrase) <= PIECE_CHARACTERS for phrase in found)
    assert all(len(list(pieces(phrase))) == 1 for phrase in found)


def test_only_what_has_letters_or_digits_is_spoken() -> None:
    assert [is_spoken(text) for text in ("...", "—", "?!", "🙂", "a", "3", "好")] == [False] * 4 + [True] * 3
