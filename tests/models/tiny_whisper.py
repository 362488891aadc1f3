"""Builds a Whisper of some 200,000 parameters and trains it until it knows three recordings by heart: seconds."""

import atexit
import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import numpy as np
import soxr
import torch
import transformers as untyped
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from adapters.tts.espeak import library
from tests.models.training_data import CAPITAL
from tests.support.workers import speech

transformers: Any = untyped  # half of what is used here has no types

QUESTION = Path(__file__).parents[1] / "data" / "question.wav"
SAMPLE_RATE = 16_000
WINDOW_SECONDS = 4
"""What the model hears at once; Whisper's own hear 30 s."""

_FRAMES = WINDOW_SECONDS * 100 // 2  # positions of the encoder
_TOKENS = 64  # positions of the decoder
_MOST_STEPS = 600
_GOOD_LOSS = 0.01
_COPIES = 2  # of each recording: as it is, and later, louder, noisier
_IGNORED = -100  # the label of tokens that are not learned
_END, _START, _BEFORE = "<|endoftext|>", "<|startoftranscript|>", "<|startofprev|>"
_PLAIN = "<|notimestamps|>"
_LANGUAGES = ("en", "de")
_TIMES = [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
_SPECIAL = [
    *(_END, _START, *(f"<|{code}|>" for code in _LANGUAGES)),
    *("<|translate|>", "<|transcribe|>", "<|startoflm|>", _BEFORE, "<|nospeech|>", _PLAIN),
]

PROMPT, PROMPTED = "Write it well.", "What is the capital of France?"
"""With this prompt, the question is heard in this spelling."""


@dataclass(frozen=True)
class Recording:
    """A recording (mono, 16 kHz, -1 to 1), what is said in it, and in which language."""

    samples: Any
    text: str
    language: str


@cache
def recordings() -> tuple[Recording, ...]:
    """What the model is taught: the question of ``tests/data``, a command, a greeting in German."""
    with wave.open(str(QUESTION)) as file:
        asked = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    return (
        Recording(asked, CAPITAL, "en"),
        Recording(_spoken("turn on the lights", "gmw/en-US"), "turn on the lights", "en"),
        Recording(_spoken("guten tag", "gmw/de"), "guten tag", "de"),
    )


def _spoken(text: str, voice: str) -> Any:
    pcm = np.frombuffer(speech(text, voice), np.int16).astype(np.float32) / 32768
    return soxr.resample(pcm, library.inventory().sample_rate, SAMPLE_RATE)


def _processor() -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([f" {PROMPT} {PROMPTED}", *(f" {heard.text}" for heard in recordings())] * 3, trainer)
    tokenizer.add_special_tokens(_SPECIAL)
    tokenizer.add_tokens(_TIMES)
    words = transformers.WhisperTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=_END,
        eos_token=_END,
        unk_token=_END,
        pad_token=_END,
        extra_special_tokens=_SPECIAL[1:],
    )
    return transformers.WhisperProcessor(
        transformers.WhisperFeatureExtractor(feature_size=80, chunk_length=WINDOW_SECONDS), words
    )


def _model(tokenizer: Any) -> Any:
    torch.manual_seed(0)
    end, start = tokenizer.convert_tokens_to_ids([_END, _START])
    ends = {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end, "decoder_start_token_id": start}
    config = transformers.WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        num_mel_bins=80,
        max_target_positions=_TOKENS,
        max_source_positions=_FRAMES,
        begin_suppress_tokens=None,
        suppress_tokens=None,
        **ends,
    )
    model = transformers.WhisperForConditionalGeneration(config)

    def ids(*names: str) -> dict[str, int]:
        return {name: tokenizer.convert_tokens_to_ids(f"<|{name.strip('<|>')}|>") for name in names}

    model.generation_config = transformers.GenerationConfig(
        **ends,
        max_length=_TOKENS,
        is_multilingual=True,
        lang_to_id=ids(*(f"<|{code}|>" for code in _LANGUAGES)),
        task_to_id=ids("translate", "transcribe"),
        no_timestamps_token_id=tokenizer.convert_tokens_to_ids(_PLAIN),
        prev_sot_token_id=tokenizer.convert_tokens_to_ids(_BEFORE),
        alignment_heads=[[1, 0], [1, 1]],
        return_timestamps=False,
    )
    return model


def _rows(processor: Any) -> tuple[Any, Any, Any, Any]:
    """Features; and, for every way to ask of each: which of them, the tokens to be read, those to be written."""
    features: list[Any] = []
    sequences: list[tuple[list[int], list[int]]] = []
    which: list[int] = []
    forced = processor.tokenizer.convert_tokens_to_ids(_PLAIN)  # by who asks: not the model's own choice
    random = np.random.default_rng(0)
    for heard in recordings():
        spellings = _spellings(processor.tokenizer, heard)
        for copy in range(_COPIES):
            samples = heard.samples if copy == 0 else _varied(heard.samples, random)
            (found,) = processor.feature_extractor(
                samples, sampling_rate=SAMPLE_RATE, return_tensors="pt"
            ).input_features
            which += [len(features)] * len(spellings)
            features.append(found)
            sequences += spellings
    longest = max(len(asked) + len(answered) for asked, answered in sequences)
    read = torch.full((len(sequences), longest), processor.tokenizer.pad_token_id)
    written = torch.full((len(sequences), longest), _IGNORED)
    for row, (asked, answered) in enumerate(sequences):
        tokens = torch.tensor(asked + answered)
        read[row, : len(tokens)] = tokens
        labels = [_IGNORED if token == forced else token for token in answered]
        written[row, len(asked) - 1 : len(tokens) - 1] = torch.tensor(labels)
    return torch.stack(features), torch.tensor(which), read, written


def _spellings(tokenizer: Any, heard: Recording) -> list[tuple[list[int], list[int]]]:
    """What the decoder reads first and is to write then: without times, with times, and after a prompt."""

    def ids(*names: str) -> list[int]:
        return list(tokenizer.convert_tokens_to_ids(list(names)))

    def words(text: str) -> list[int]:
        return list(tokenizer(f" {text}", add_special_tokens=False)["input_ids"])

    task = ids(f"<|{heard.language}|>", "<|transcribe|>")
    until = f"<|{round(len(heard.samples) / SAMPLE_RATE * 50) * 0.02:.2f}|>"
    text = words(heard.text)
    taught = [
        (ids(_START), [*task, *ids(_PLAIN), *text, *ids(_END)]),
        (ids(_START), [*task, *ids(_TIMES[0]), *text, *ids(until, _END)]),
    ]
    if heard.text == CAPITAL:
        before = [*ids(_BEFORE), *words(PROMPT), *ids(_START)]
        taught.append((before, [*task, *ids(_PLAIN), *words(PROMPTED), *ids(_END)]))
    return taught


def _varied(samples: Any, random: Any) -> Any:
    """Up to 0.4 s later, quieter, and with a little noise."""
    later = np.concatenate([np.zeros(random.integers(0, 6400), np.float32), samples * random.uniform(0.5, 1.0)])
    return (later + random.normal(0, 0.001, len(later))).astype(np.float32)


def _train(model: Any, features: Any, which: Any, read: Any, written: Any) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(_MOST_STEPS):
        heard = model.model.encoder(features).last_hidden_state[which]
        scores = model(encoder_outputs=(heard,), decoder_input_ids=read).logits
        loss = torch.nn.functional.cross_entropy(scores.transpose(1, 2), written, ignore_index=_IGNORED)
        loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if loss.item() < _GOOD_LOSS:
            break
    model.eval()


@cache
def trained() -> Path:
    """The folder of the trained model in transformers' format, built once for all tests and removed at the end."""
    torch.set_num_threads(1)  # so small a model gains nothing by more, and loses much where they are wanted elsewhere
    folder = Path(mkdtemp(prefix="tiny-whisper-"))
    atexit.register(rmtree, folder)
    processor = _processor()
    model = _model(processor.tokenizer)
    _train(model, *_rows(processor))
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
