"""What is read of a model's configuration."""

import json
from pathlib import Path

from adapters.llm.mlx_lm.model_config import context_tokens, recommended


def test_the_context_is_that_of_the_text_model() -> None:
    assert context_tokens({"max_position_embeddings": 8}) == 8
    assert context_tokens({"max_position_embeddings": 8, "text_config": {"max_position_embeddings": 16}}) == 16
    assert context_tokens({}) is None


def test_what_the_authors_recommend_is_read_where_mlx_lm_knows_it(tmp_path: Path) -> None:
    assert recommended(tmp_path) == {}
    settings = {"top_k": 20, "top_p": 0.8, "repetition_penalty": 1.05, "temperature": 0.7, "num_beams": 2}
    (tmp_path / "generation_config.json").write_text(json.dumps(settings))
    assert recommended(tmp_path) == {"top_k": 20, "top_p": 0.8, "repetition_penalty": 1.05}
