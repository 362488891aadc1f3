"""The benchmark of the sentences runs and counts rightly; its times are nobody's promise here."""

from tests.bench import sentences
from tests.gateway.text.segmentation.sentence_tables import Case


def test_a_splitter_is_scored_by_where_it_cuts() -> None:
    case = Case(language="en", sentences=("One.", " Two.", "\nThree a."), known_fault=False)
    assert sentences.score(lambda text: [text], case) == sentences.Score(present=2, found=1, wrong=0)
    assert sentences.score(str.split, case) == sentences.Score(present=2, found=2, wrong=1)


def test_ours_is_measured_and_what_is_missing_named() -> None:
    lines = list(sentences.table(quick=True))
    assert any(line.startswith("| ours |") for line in lines)
    libraries, missing = sentences.installed()
    assert len(libraries) + len(missing) == 1 + len(sentences.OTHERS)
    assert sum(line.startswith("| ") for line in lines) == 1 + len(libraries)


def test_an_answer_is_streamed_to_its_end() -> None:
    assert len(sentences.answer(5000)) == 5000
    assert sentences.streamed(sentences.ours(), sentences.answer(500)) > 0
