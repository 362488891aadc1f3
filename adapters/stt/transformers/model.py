"""Drives a recognition model through transformers' pipeline; imports torch, so ``warm_up`` alone imports it."""

import re
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import transformers
from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

from adapters.contract import stt
from adapters.contract.errors import InvalidRequest, UpstreamError
from adapters.local import devices
from adapters.stt.transformers.adapter import SAMPLE_RATE, Asked, Heard
from adapters.stt.transformers.failures import ADAPTER, DeviceLost, Left, out_of_memory

WHISPER = "seq2seq_whisper"
"""The pipeline's name for Whisper; its others are ``seq2seq``, ``ctc`` and ``tdt`` (transducers)."""

CHUNK_SECONDS = 30
"""What a model other than Whisper hears at once; Whisper itself knows how to go on."""

_NOTHING = re.compile("(?!)")

_ISO = {"jw": "jv"}  # Whisper calls Javanese so
_WHISPER = {iso: own for own, iso in _ISO.items()}


class Model:
    """A loaded model: ``languages`` it takes (``None``: it has no choice of languages), whether it gives word times."""

    def __init__(self, name: str, *, device: str | None, dtype: str | None) -> None:
        self._pipeline = _loaded(name, device, dtype)
        rate = self._pipeline.feature_extractor.sampling_rate
        if rate != SAMPLE_RATE:
            raise UpstreamError(
                f"The recognition model {name!r} hears at {rate} Hz; choose one that hears at {SAMPLE_RATE} Hz.",
                adapter=ADAPTER,
            )
        self._model = self._pipeline.model
        self._generation: Any = _generation(self._model)
        self._whisper = self._pipeline.type == WHISPER
        self._multilingual = self._whisper and bool(getattr(self._generation, "is_multilingual", False))
        if self._whisper:
            self._generation.max_length = self._model.config.max_target_positions
            last = getattr(self._generation, "no_timestamps_token_id", self._model.config.vocab_size)
            self._times = range(last + 1, self._model.config.vocab_size)
        self.takes_prompts = self._whisper
        self.languages = self._languages()
        self.word_times = self._has_word_times()
        self.working = threading.Lock()
        self._left = threading.Event()
        for module in (self._model, *_layers(self._model)):
            module.register_forward_pre_hook(self._go_on)

    def _languages(self) -> tuple[str, ...] | None:
        if not self._whisper:
            return None
        if not self._multilingual:
            return ("en",)
        codes = (token.strip("<|>") for token in self._generation.lang_to_id)
        return tuple(_ISO.get(code, code) for code in codes)

    def _has_word_times(self) -> bool:
        if self._whisper:
            return bool(getattr(self._generation, "alignment_heads", None))
        # The pipeline counts in samples, which only these models relate to their frames.
        return self._pipeline.type == "ctc" and hasattr(self._model.config, "inputs_to_logits_ratio")

    def _go_on(self, *_call: Any) -> None:
        """Before every layer: end the work when nobody waits for it. Raises ``Left``."""
        if self._left.is_set():
            raise Left

    def recognise(self, asked: Asked, left: threading.Event) -> Iterator[Heard]:
        """Recognise one utterance, one at a time; set ``left`` to have the model stop at its next layer.

        Raises ``Left``, ``DeviceLost``, ``InvalidRequest`` and whatever the model does.
        """
        with self.working:
            self._left = left
            attention = self._model.config._attn_implementation
            try:
                heard = self._heard(asked)
            except Exception as error:
                if out_of_memory(error):
                    torch.cuda.empty_cache()  # nothing where there is no such device
                elif isinstance(error, torch.AcceleratorError):
                    raise DeviceLost from error
                raise
            finally:
                # For the times of words Whisper switches to slower attention, and would stay there.
                self._model.config._attn_implementation = attention
        yield heard

    def _heard(self, asked: Asked) -> Heard:
        samples = np.frombuffer(asked.pcm[: len(asked.pcm) // 2 * 2], "<i2").astype(np.float32) / 32768
        if self._whisper:
            return self._by_whisper(samples, asked)
        arguments: dict[str, Any] = {"return_timestamps": "word"} if asked.word_times else {}
        if self._pipeline.type == "seq2seq":
            arguments["generate_kwargs"] = {"num_beams": 1}
        if len(samples) > CHUNK_SECONDS * SAMPLE_RATE:
            arguments |= self._chunks()
        said = self._pipeline(samples, **arguments)
        # A CTC model's unknown sounds and the like; the pipeline leaves them in.
        markers = re.compile("|".join(map(re.escape, self._pipeline.tokenizer.all_special_tokens)))
        return Heard(text=_cleaned(said["text"], markers), words=_words(said, markers) if asked.word_times else ())

    def _chunks(self) -> dict[str, Any]:
        """How a long recording is cut: CTC models get overlapping parts, which the pipeline fits together again."""
        if self._pipeline.type == "seq2seq":
            return {"chunk_length_s": CHUNK_SECONDS, "stride_length_s": 0, "ignore_warning": True}
        return {"chunk_length_s": CHUNK_SECONDS} if hasattr(self._model.config, "inputs_to_logits_ratio") else {}

    def _by_whisper(self, samples: Any, asked: Asked) -> Heard:
        generate: dict[str, Any] = {"num_beams": 1}
        arguments: dict[str, Any] = {}
        language = asked.language
        if self._multilingual:
            generate["task"] = "transcribe"
            if language is None and asked.word_times:
                # The pipeline puts a language that it detects before the tokens, not before their times.
                language = self._detected(samples)
            if language is None:
                arguments["return_language"] = True
            else:
                generate["language"] = _WHISPER.get(language, language)
        if asked.prompt is not None:
            generate["prompt_ids"] = self._prompt(asked.prompt)
        if asked.word_times or len(samples) > self._pipeline.feature_extractor.n_samples:
            arguments["return_timestamps"] = "word" if asked.word_times else True
        else:
            # Written without being asked for, times would have it begin at the same place again, for ever.
            generate["suppress_tokens"] = [*(self._generation.suppress_tokens or ()), *self._times]
        said = self._pipeline(samples, generate_kwargs=generate, **arguments)
        if language is None:
            language = self.languages[0] if not self._multilingual and self.languages else _language(said)
        words = _words(said, _NOTHING) if asked.word_times else ()
        return Heard(text=_cleaned(said["text"], _NOTHING), words=words, language=language)

    def _detected(self, samples: Any) -> str:
        features = self._pipeline.feature_extractor(samples, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        with torch.inference_mode():
            ids = self._model.detect_language(
                input_features=features.input_features.to(self._model.device, self._model.dtype)
            )
        (token,) = self._pipeline.tokenizer.convert_ids_to_tokens(ids.tolist())
        code: str = token.strip("<|>")
        return _ISO.get(code, code)

    def _prompt(self, text: str) -> Any:
        """The tokens of a prompt, of which the last count: as many as are half of what the model writes at once."""
        most = self._model.config.max_target_positions // 2 - 1
        try:
            ids = self._pipeline.tokenizer.get_prompt_ids(text, return_tensors="pt")
        except ValueError as error:
            raise InvalidRequest(
                "The prompt contains one of the model's own markers; leave out what stands between <| and |>.",
                adapter=ADAPTER,
                param="prompt",
            ) from error
        return torch.cat([ids[:1], ids[1:][1 - most :]]).to(self._model.device)


def _loaded(name: str, device: str | None, dtype: str | None) -> Any:
    if not sys.stderr.isatty():  # bars are for people
        transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call, unused-ignore]
    place = devices.select_device(device)
    return transformers.pipeline(
        "automatic-speech-recognition", model=name, device=place, dtype=devices.select_dtype(dtype, place)
    )


def _generation(model: Any) -> Any:
    """How the model writes; ``None`` for one that does not, but labels what it hears."""
    return getattr(model, "generation_config", None)


def _layers(model: Any) -> Iterator[Any]:
    """Every layer of every stack of layers."""
    for module in model.modules():
        if isinstance(module, torch.nn.ModuleList):
            yield from module


def _language(said: dict[str, Any]) -> str | None:
    """The language that the pipeline names in English, as a code."""
    names = [chunk["language"] for chunk in said.get("chunks", ()) if chunk.get("language")]
    code = TO_LANGUAGE_CODE.get(names[0]) if names else None
    return _ISO.get(code, code) if code else None


def _cleaned(text: str, markers: re.Pattern[str]) -> str:
    return " ".join(markers.sub("", text).split())


def _words(said: dict[str, Any], markers: re.Pattern[str]) -> tuple[stt.Word, ...]:
    """The pipeline's words; the end of a last one may be missing."""
    found = ((_cleaned(chunk["text"], markers), *chunk["timestamp"]) for chunk in said["chunks"])
    return tuple(
        stt.Word(text=text, start=float(start), end=float(start if end is None else end))
        for text, start, end in found
        if text
    )
