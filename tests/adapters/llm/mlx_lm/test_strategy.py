"""How a model generates."""

import asyncio
from pathlib import Path

from tests.support.answers import (
    answer,
    request,
    text_of,
)
from tests.support.mlx_engine import loaded


async def test_a_model_without_attention_is_written_together_too(tiny_mamba: Path) -> None:
    async with loaded(tiny_mamba, llm_max_parallel=4) as engine:
        assert engine.info.max_parallel == 4
        questions = [request(text, max_output_tokens=12) for text in ("hello", "how are you today?", "fox")]
        alone = [text_of(await answer(engine, question)) for question in questions]
        together = await asyncio.gather(*(answer(engine, question) for question in questions))
        assert [text_of(events) for events in together] == alone
