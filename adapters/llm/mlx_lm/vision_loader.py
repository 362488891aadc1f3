"""Loads a vision model and its processor with mlx-vlm; imported only in the thread that runs the model."""

from pathlib import Path

import mlx_vlm
from mlx_vlm.utils import load_config

from adapters.llm.loaded_model import LoadedModel
from adapters.llm.mlx_lm.model_config import context_tokens, recommended


def load(folder: Path, *, trusted: bool) -> LoadedModel:
    """Load the model in ``folder``. Raises what mlx-vlm raises."""
    config = load_config(folder)
    if config.get("model_file") and not trusted:  # mlx-vlm would run that file without asking
        raise ValueError("trust_remote_code is off, and the model has custom code")
    model, processor = mlx_vlm.load(str(folder), trust_remote_code=trusted)
    tokenizer = getattr(processor, "tokenizer", processor)
    tokenizer.chat_template = getattr(processor, "chat_template", None) or tokenizer.chat_template
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        processor=processor,
        template=str(tokenizer.chat_template),
        context_tokens=context_tokens(config),
        recommended=recommended(folder),
        ends=tuple(sorted(tokenizer.stopping_criteria.eos_token_ids)),
    )
