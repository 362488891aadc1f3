"""Reasoning and calls are found in what ``generate`` emits: a scripted logits processor makes the model write them."""

from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.contract import llm
from tests.support.answers import SWITCH, answer, end_of, reasoning_of, request, text_of
from tests.support.transformers_engine import loaded, loaded_by

TWO_CALLS = (
    '<think>\nBoth.\n</think>\n\nAt once.\n<tool_call>\n{"name": "switch", "arguments": {"on": true}}\n</tool_call>\n'
    '<tool_call>\n{"name": "switch", "arguments": {"on": false}}\n</tool_call>'
)


UNFIT = '<tool_call>\n{"name": "switch", "arguments": {"on": "maybe"}}\n</tool_call>'


class Script:
    """A logits processor that lets only the tokens of a text through, one after the other."""

    def __init__(self, tokens: list[int], prompt_tokens: int) -> None:
        self._tokens = tokens
        self._prompt_tokens = prompt_tokens

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        forced = torch.full_like(scores, -torch.inf)
        forced[0, self._tokens[input_ids.shape[1] - self._prompt_tokens]] = 0.0
        return forced


async def written(model: Path, parallel: int, text: str, **fields: Any) -> Any:
    """The events of an answer whose tokens are those of ``text``."""
    async with loaded(model, llm_max_parallel=parallel) as engine:
        tokenizer, real = loaded_by(engine).tokenizer, loaded_by(engine).model._get_logits_processor
        script = [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]

        def with_script(*arguments: Any, input_ids_seq_length: int, **others: Any) -> Any:
            made = real(*arguments, input_ids_seq_length=input_ids_seq_length, **others)
            made.append(Script(script, input_ids_seq_length))
            return made

        loaded_by(engine).model._get_logits_processor = with_script
        return await answer(engine, request("go", **fields))


@pytest.mark.parametrize("parallel", [8, 1], ids=["together", "alone"])
async def test_thinking_text_and_two_calls_in_one_answer(tiny_qwen: Path, parallel: int) -> None:
    events = await written(tiny_qwen, parallel, TWO_CALLS, tools=(SWITCH,), reasoning=llm.Reasoning(effort="low"))
    calls = [event for event in events if isinstance(event, llm.ToolCallFinished)]
    assert [(call.name, call.arguments, call.invalid) for call in calls] == [
        ("switch", '{"on": true}', None),
        ("switch", '{"on": false}', None),
    ]
    assert len({call.call_id for call in calls}) == 2
    assert reasoning_of(events).strip() == "Both."
    assert text_of(events).strip() == "At once."
    assert end_of(events).reason == "tool_calls"


@pytest.mark.parametrize("parallel", [8, 1], ids=["together", "alone"])
async def test_arguments_that_do_not_fit_the_schema_are_reported(tiny_qwen: Path, parallel: int) -> None:
    events = await written(tiny_qwen, parallel, UNFIT, tools=(SWITCH,))
    (call,) = [event for event in events if isinstance(event, llm.ToolCallFinished)]
    assert call.name == "switch"
    assert call.invalid is not None
    assert "maybe" not in call.invalid
    assert not text_of(events).strip()
