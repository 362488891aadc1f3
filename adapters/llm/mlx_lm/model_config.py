"""What the configuration files of a model say about it."""

from pathlib import Path
from typing import Any

from transformers import GenerationConfig

from adapters.llm.mlx_lm.parameters import RECOMMENDED


def context_tokens(config: dict[str, Any]) -> int | None:
    """The tokens that a model with this configuration takes, if it says so."""
    found: int | None = config.get("text_config", config).get("max_position_embeddings")
    return found


def recommended(folder: Path) -> dict[str, Any]:
    """The generation parameters that the authors of the model in ``folder`` recommend."""
    try:
        config = GenerationConfig.from_pretrained(folder, local_files_only=True)
    except OSError:  # it has none
        return {}
    return {name: value for name in RECOMMENDED if (value := getattr(config, name, None)) is not None}
