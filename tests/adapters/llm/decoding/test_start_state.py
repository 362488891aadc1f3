import pytest

from adapters.contract import llm
from adapters.llm.decoding.start_state import StartStates


def asked(model: str, effort: str | None, *, disabled: bool) -> llm.Request:
    return llm.Request(model=model, messages=(), reasoning=llm.Reasoning(effort=effort, disabled=disabled))


@pytest.mark.parametrize(
    ("effort", "disabled", "inside"),
    [(None, True, False), (None, False, True), ("none", False, False), ("low", True, True)],
)
def test_thinking_is_expected_where_the_request_leaves_it_on(effort: str | None, disabled: bool, inside: bool) -> None:
    assert StartStates().of(asked("m", effort, disabled=disabled)).inside == inside
    assert not StartStates(hosted=True).of(asked("m", effort, disabled=disabled)).inside


def test_where_the_answer_is_shown_it_is_text_until_a_closing_tag_says_otherwise() -> None:
    starts, shown = StartStates(), llm.Request(model="m", messages=(), reasoning=llm.Reasoning(shown=True))
    assert not starts.of(shown).inside
    starts.of(shown).inside = True
    assert starts.of(shown).inside
    assert starts.of(asked("m", None, disabled=False)) is not starts.of(shown)


def test_starts_are_remembered_by_model_and_by_thinking() -> None:
    starts = StartStates()
    starts.of(asked("m", "low", disabled=False)).inside = False
    assert not starts.of(asked("m", "high", disabled=True)).inside
    assert starts.of(asked("n", "low", disabled=False)).inside
    starts.of(asked("m", None, disabled=True)).inside = True
    assert not starts.of(asked("m", "low", disabled=False)).inside
