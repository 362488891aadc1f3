"""Builds untrained models of other families, each with a tokenizer trained on the spot and a chat template."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPVisionConfig,
    Gemma2Config,
    Gemma2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    MambaConfig,
    MambaForCausalLM,
    PreTrainedTokenizerFast,
)
from transformers.models.clip import CLIPImageProcessor

CONTEXT = 256
"""Tokens that they take."""

IMAGE_SIZE = 32
_PATCH_SIZE = 8
_IMAGE = "<image>"
_TEXT = "the quick brown fox jumps over the lazy dog, and says: hello, how are you today?"
_TEMPLATE = """\
{%- for message in messages %}[{{ message.role }}]
{%- if message.content is string %}{{ message.content }}
{%- else %}{% for part in message.content %}{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}\
{% endfor %}{% endif %}</s>
{%- endfor %}[assistant]"""


def _tokenizer(*more: str, template: str | None = _TEMPLATE) -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<pad>", "<s>", "</s>", *more],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([_TEXT] * 20, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        chat_template=template,
    )


def _shape(tokenizer: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": 0.4,  # far enough apart that an answer is no single token over and over
    }


def build_llama(folder: Path, *, template: str | None = _TEMPLATE) -> None:
    """Write a Llama that knows nothing."""
    tokenizer = _tokenizer(template=template)
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(**_shape(tokenizer))).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def build_gemma(folder: Path) -> None:
    """Write a Gemma 2, whose attention the library changes for batching, and which is not the same then."""
    tokenizer = _tokenizer()
    torch.manual_seed(0)
    config = Gemma2Config(**_shape(tokenizer), head_dim=8, query_pre_attn_scalar=8, sliding_window=32)
    Gemma2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def build_mamba(folder: Path) -> None:
    """Write a model without attention, which cannot be batched by pages."""
    tokenizer = _tokenizer()
    torch.manual_seed(0)
    config = MambaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        state_size=4,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.4,
    )
    MambaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def build_llava(folder: Path) -> None:
    """Write a model that sees, with its processor."""
    tokenizer = _tokenizer(_IMAGE)
    torch.manual_seed(0)
    config = LlavaConfig(
        text_config=LlamaConfig(**_shape(tokenizer)),
        vision_config=CLIPVisionConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            image_size=IMAGE_SIZE,
            patch_size=_PATCH_SIZE,
            initializer_range=0.4,
        ),
        image_token_index=tokenizer.convert_tokens_to_ids(_IMAGE),
        vision_feature_layer=-1,
        image_seq_length=(IMAGE_SIZE // _PATCH_SIZE) ** 2,
    )
    model = LlavaForConditionalGeneration(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    size = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    LlavaProcessor(
        image_processor=CLIPImageProcessor(size={"shortest_edge": IMAGE_SIZE}, crop_size=size),
        tokenizer=tokenizer,
        patch_size=_PATCH_SIZE,
        vision_feature_select_strategy="default",
        image_token=_IMAGE,
        num_additional_image_tokens=1,
        chat_template=_TEMPLATE,
    ).save_pretrained(folder)
