"""Builds a tiny random wav2vec2, which labels frames with letters, and a Moonshine, which has a decoder."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers as untyped
from tokenizers import Tokenizer, models, pre_tokenizers

transformers: Any = untyped  # half of what is used here has no types

LETTERS = "abc"


def build_ctc(folder: Path) -> None:
    """Write a CTC model into ``folder``; it hears a frame every 20 ms."""
    vocabulary = {token: number for number, token in enumerate(("<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        pad_token_id=0,
    )
    model = transformers.Wav2Vec2ForCTC(config).eval()
    with torch.no_grad():  # loud enough that the labels change with what is heard
        model.lm_head.weight.mul_(100)
    model.save_pretrained(folder)
    transformers.Wav2Vec2Processor(transformers.Wav2Vec2FeatureExtractor(), tokenizer).save_pretrained(folder)


def build_seq2seq(folder: Path) -> None:
    """Write a Moonshine into ``folder``: an encoder and a decoder, and not Whisper."""
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "<s>": 1, "</s>": 2, "a": 3, "b": 4}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    words = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    torch.manual_seed(0)
    config = transformers.MoonshineConfig(
        vocab_size=5,
        hidden_size=16,
        intermediate_size=16,
        encoder_num_hidden_layers=1,
        decoder_num_hidden_layers=1,
        encoder_num_attention_heads=2,
        decoder_num_attention_heads=2,
    )
    model = transformers.MoonshineForConditionalGeneration(config).eval()
    model.generation_config.max_new_tokens = 4
    model.generation_config.suppress_tokens = [0, 1, 2]
    model.save_pretrained(folder)
    transformers.Wav2Vec2Processor(transformers.Wav2Vec2FeatureExtractor(), words).save_pretrained(folder)
