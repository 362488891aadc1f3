"""Makes a tiny VITS model without training: it speaks noise, in the right shapes and at the right length."""

import json
from pathlib import Path

import torch
from transformers import VitsConfig, VitsModel, VitsTokenizer

CHARACTERS = ["<pad>", *"abcdefghijklmnopqrstuvwxyz '-"]


def build(folder: Path, *, speakers: int = 1, rate: int = 16_000) -> Path:
    """Write the model into ``folder`` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = folder / "characters.json"
    vocabulary.write_text(json.dumps({character: number for number, character in enumerate(CHARACTERS)}))
    tokenizer = VitsTokenizer(
        str(vocabulary), pad_token="<pad>", unk_token="<pad>", phonemize=False, is_uroman=False, language="eng"
    )
    torch.manual_seed(0)
    model = VitsModel(
        VitsConfig(
            vocab_size=len(CHARACTERS),
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            ffn_dim=64,
            flow_size=32,
            spectrogram_bins=65,
            upsample_initial_channel=32,
            upsample_rates=[8, 8, 4],
            upsample_kernel_sizes=[16, 16, 8],
            resblock_kernel_sizes=[3],
            resblock_dilation_sizes=[[1, 3]],
            prior_encoder_num_flows=2,
            prior_encoder_num_wavenet_layers=2,
            posterior_encoder_num_wavenet_layers=2,
            duration_predictor_filter_channels=32,
            depth_separable_channels=2,
            duration_predictor_num_flows=2,
            sampling_rate=rate,
            noise_scale_duration=0.0,  # the same length every time
            num_speakers=speakers,
            speaker_embedding_size=16 if speakers > 1 else 0,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
