"""A slow model is listened to with less silence than whole sentences would give, and without crumbs: exact figures."""

import pytest

from gateway.pipeline.utterance_scheduler import UtteranceScheduler
from tests.bench import pacing


@pytest.mark.parametrize(("words_per_second", "part"), [(3, 0.6), (5, 0.25), (7, 0.1)])
def test_a_slow_model_leaves_much_less_silence(words_per_second: float, part: float) -> None:
    before = pacing.listen(words_per_second, pacing.WholeSentences)
    ours = pacing.listen(words_per_second, UtteranceScheduler)
    assert sum(ours.gaps) <= part * sum(before.gaps)
    assert max(ours.gaps, default=0) <= 0.6 * max(before.gaps)
    assert ours.first_audio == before.first_audio


@pytest.mark.parametrize("words_per_second", [15, 50])
def test_a_quick_model_leaves_none_and_is_cut_no_finer(words_per_second: float) -> None:
    ours = pacing.listen(words_per_second, UtteranceScheduler)
    assert not ours.gaps
    assert len(ours.utterances) <= len(pacing.listen(words_per_second, pacing.WholeSentences).utterances) + 1


@pytest.mark.parametrize("words_per_second", pacing.WORDS_PER_SECOND)
def test_nothing_is_lost_and_there_are_no_crumbs(words_per_second: float) -> None:
    first, *later = pacing.listen(words_per_second, UtteranceScheduler).utterances
    assert " ".join([first, *later]) == pacing.ANSWER
    crumbs = [text for text in later if len(text.split()) < 3]
    assert all(text.endswith(".") for text in crumbs), "only what is left of a sentence may be short"
    assert len(crumbs) <= 2


def test_every_speed_has_its_rows() -> None:
    head, _, *rows = pacing.table()
    assert len(rows) == 2 * len(pacing.WORDS_PER_SECOND)
    assert {row.count("|") for row in rows} == {head.count("|")}
