import pytest

from adapters.contract import llm
from adapters.llm import reasoning


@pytest.mark.parametrize(
    ("effort", "disabled", "enabled"),
    [(None, False, True), (None, True, False), ("none", False, False), ("low", False, True), ("low", True, True)],
)
def test_a_request_enables_reasoning_unless_it_disables_it(effort: str | None, disabled: bool, enabled: bool) -> None:
    assert reasoning.is_enabled(llm.Reasoning(effort=effort, disabled=disabled)) is enabled


@pytest.mark.parametrize(
    ("prompt", "closing"),
    [
        ("<|im_start|>assistant\n<think>\n", "</think>"),
        ("[INST] <think>no</think>[/INST][THINK]", "[/THINK]"),
        ("What does <think> mean?", None),
        ("<think>\n\n</think>\n\n", None),
        ("", None),
    ],
)
def test_only_a_tag_at_the_end_of_a_prompt_opens_reasoning(prompt: str, closing: str | None) -> None:
    assert reasoning.opened_by(prompt) == closing
