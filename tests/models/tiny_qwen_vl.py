"""Builds an untrained Qwen2-VL as mlx-vlm loads it, with a tokenizer trained on the spot and a chat template."""

import json
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_vlm.models import qwen2_vl

from tests.models.tiny_random import _tokenizer

CONTEXT = 2048
"""Tokens that it takes."""

IMAGE_TOKENS = 6
"""What an image of 50 x 40 pixels is to it."""

_IMAGE, _BEGIN, _END = "<|image_pad|>", "<|vision_start|>", "<|vision_end|>"
_TEMPLATE = f"""\
{{%- for message in messages %}}[{{{{ message.role }}}}]
{{%- for part in message.content %}}\
{{% if part.type == 'image' %}}{_BEGIN}{_IMAGE}{_END}{{% else %}}{{{{ part.text }}}}{{% endif %}}{{% endfor %}}</s>
{{%- endfor %}}[assistant]"""
_PIXELS = {"patch_size": 14, "temporal_patch_size": 2, "merge_size": 2, "min_pixels": 56 * 56, "max_pixels": 112 * 112}


def _config(words: Any) -> dict[str, Any]:
    return {
        "model_type": "qwen2_vl",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-6,
        "rope_scaling": {"type": "mrope", "mrope_section": [2, 1, 1]},
        "tie_word_embeddings": False,
        "vocab_size": len(words),
        "eos_token_id": words.eos_token_id,
        "image_token_id": words.convert_tokens_to_ids(_IMAGE),
        "video_token_id": words.convert_tokens_to_ids("<|video_pad|>"),
        "vision_start_token_id": words.convert_tokens_to_ids(_BEGIN),
        "vision_config": {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 4, "mlp_ratio": 2},
    }


def build(folder: Path) -> None:
    """Write a model that sees, with its processor."""
    words = _tokenizer(_IMAGE, "<|video_pad|>", _BEGIN, _END, template=_TEMPLATE)
    written = _config(words)
    config = qwen2_vl.ModelConfig.from_dict(dict(written))
    config.text_config = qwen2_vl.TextConfig.from_dict(config.text_config)
    config.vision_config = qwen2_vl.VisionConfig.from_dict(config.vision_config)
    mx.random.seed(0)
    # Far enough apart that an answer is no single token over and over, and that it depends on the image.
    weights = {
        name: mx.random.normal(value.shape) * 0.4 if value.ndim > 1 else value
        for name, value in tree_flatten(qwen2_vl.Model(config).parameters())
    }
    words.save_pretrained(folder)
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "mlx"})
    (folder / "config.json").write_text(json.dumps(written))
    (folder / "preprocessor_config.json").write_text(json.dumps(_PIXELS))
