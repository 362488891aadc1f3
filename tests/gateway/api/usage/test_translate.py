"""Records of usage: who sees which, and what is said of speculative use."""

from gateway.access.caller import Caller
from gateway.access.usage import Place, Use
from gateway.api.usage.schema import UsageQuery
from gateway.api.usage.translate import records_of

USED = {
    Place(day="2026-01-31", key="bob", route="m"): Use(turns=2, audio_seconds=1.23456),
    Place(day="2026-01-31", key="ann", route="m"): Use(turns=3, output_tokens=5),
    Place(day="2026-01-31", key="ann", route="m", speculative=True): Use(turns=1, output_tokens=2),
    Place(day="2026-01-30", key="ann", route="n"): Use(turns=4),
}
OPERATOR, ANN = Caller(name="operator", admin=True), Caller(name="ann")


def ids(caller: Caller, **query: str) -> list[str]:
    return [record.id for record in records_of(USED, caller, UsageQuery(**query))]  # type: ignore[arg-type]


def test_the_operator_sees_all_and_others_their_own() -> None:
    assert ids(OPERATOR) == ["2026-01-30/ann/n", "2026-01-31/ann/m", "2026-01-31/bob/m"]
    assert ids(ANN) == ["2026-01-30/ann/n", "2026-01-31/ann/m"]


def test_a_day_and_a_key_can_be_asked_for() -> None:
    assert ids(OPERATOR, day="2026-01-30") == ["2026-01-30/ann/n"]
    assert ids(OPERATOR, key="bob") == ["2026-01-31/bob/m"]
    assert ids(ANN, key="bob") == []


def test_what_is_speculative_is_included_and_listed_apart() -> None:
    record = records_of(USED, ANN, UsageQuery())[-1]
    assert (record.turns, record.output_tokens) == (4, 7)
    assert (record.speculative.turns, record.speculative.output_tokens) == (1, 2)


def test_seconds_are_told_to_the_millisecond() -> None:
    assert records_of(USED, OPERATOR, UsageQuery(key="bob"))[0].audio_seconds == 1.235
