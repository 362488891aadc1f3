from typing import Any

import msgspec
import pytest

from adapters.contract.errors import UpstreamError
from adapters.contract.guard import Verdict
from adapters.guards.moderations.wire import Rules, VerdictReader
from tests.support.chat_chunks import ERRORS
from tests.support.moderations_server import moderation


def verdict(answer: Any, *categories: str, **thresholds: float) -> Verdict:
    rules = Rules(categories=categories, thresholds=thresholds)
    data = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    [found] = VerdictReader(ERRORS, rules).whole(data)
    return found


def test_the_servers_own_judgement_counts_without_rules() -> None:
    assert verdict(moderation("hate")) == Verdict(flagged=True, categories=("hate",))
    assert verdict(moderation()) == Verdict(flagged=False)
    bare = {"results": [{"flagged": True}]}  # servers for one purpose have no categories
    assert verdict(bare) == Verdict(flagged=True)
    assert verdict(
        {"results": [{"flagged": False}, {"flagged": True, "categories": {"x": True, "y": None}}]}
    ) == Verdict(flagged=True, categories=("x",))


def test_only_categories_that_are_named_count() -> None:
    assert verdict(moderation("hate"), "hate", "violence").categories == ("hate",)
    assert not verdict(moderation("hate"), "violence").flagged


@pytest.mark.parametrize(("limit", "flagged"), [(0.5, False), (0.4, True), (0.39, True)])
def test_a_threshold_stands_in_place_of_the_servers_judgement(limit: float, flagged: bool) -> None:
    assert verdict(moderation("violence", score=0.4), violence=limit).flagged is flagged
    assert verdict(moderation("violence", score=0.4), "hate", violence=limit).flagged is flagged
    assert not verdict(moderation("hate"), violence=limit).flagged
    assert verdict(moderation("hate"), "hate", violence=limit).categories == ("hate",)


@pytest.mark.parametrize("rules", [{"categories": ("hatred",)}, {"thresholds": {"hatred": 0.5}}])
def test_a_category_that_the_server_does_not_know_is_a_failure(rules: dict[str, Any]) -> None:
    reader = VerdictReader(ERRORS, Rules(**{"categories": (), "thresholds": {}, **rules}))
    with pytest.raises(UpstreamError, match="no moderation category 'hatred'"):
        list(reader.whole(msgspec.json.encode(moderation("hate"))))


@pytest.mark.parametrize(
    "answer", [b"nonsense", b"\xff{}", b"[]", b"{}", b'{"results":[]}', b'{"results":[{"flagged":1}]}']
)
def test_what_is_no_moderation_is_a_failure(answer: bytes) -> None:
    with pytest.raises(UpstreamError, match="sent no moderation"):
        verdict(answer)


def test_an_answer_in_events_is_a_failure() -> None:
    with pytest.raises(UpstreamError):
        VerdictReader(ERRORS, Rules(categories=(), thresholds={})).feed(b"{}")
