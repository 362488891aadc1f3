from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.llm.chat_completions import wire


@pytest.mark.parametrize(
    ("more", "cached", "reasoning"),
    [
        ({}, 0, 0),
        ({"prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2}}, 4, 2),
        ({"prompt_cache_hit_tokens": 4}, 4, 0),  # DeepSeek
        ({"cached_tokens": 4}, 4, 0),  # Together
        ({"prompt_tokens_details": None, "completion_tokens_details": {"reasoning_tokens": None}}, 0, 0),
    ],
)
def test_usage_as_servers_report_it(more: Any, cached: int, reasoning: int) -> None:
    usage = wire.decode(msgspec.json.encode({"usage": {"prompt_tokens": 7, "completion_tokens": 5, **more}})).usage
    assert usage
    assert usage.counted() == llm.Usage(
        input_tokens=7, output_tokens=5, cached_tokens=cached, reasoning_tokens=reasoning
    )


@pytest.mark.parametrize("field", ["content", "refusal", "reasoning_content", "reasoning"])
def test_a_delta_with_any_field_is_not_empty(field: str) -> None:
    assert wire.Delta().is_empty
    assert not msgspec.convert({field: "x"}, wire.Delta).is_empty
    assert not wire.Delta(tool_calls=[wire.ToolCallPiece()]).is_empty
