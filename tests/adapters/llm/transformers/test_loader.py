"""What is loaded and how, and why a model is refused."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.contract.errors import Unavailable, UpstreamError
from tests.models import tiny_random
from tests.models.training_data import CAPITAL, answer_to
from tests.support.answers import answer, request, text_of
from tests.support.device import DEVICE
from tests.support.transformers_engine import loaded, loaded_by


async def load(model: Path, **options: Any) -> None:
    async with loaded(model, **options):
        pass


async def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    tiny_random.build_llama(tmp_path, template=None)
    with pytest.raises(UpstreamError, match="has no chat template"):
        await load(tmp_path)


async def test_broken_weights_are_told_in_one_sentence(tmp_path: Path) -> None:
    tiny_random.build_llama(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UpstreamError, match="could not be loaded"):
        await load(tmp_path)
    weights.unlink()
    with pytest.raises(UpstreamError, match="missing or broken"):
        await load(tmp_path)


async def test_missing_weights_are_not_made_up(tmp_path: Path) -> None:
    tiny_random.build_llama(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"num_hidden_layers": 3}))
    with pytest.raises(UpstreamError, match="lacks 9 of its weights"):
        await load(tmp_path)


async def test_an_unknown_architecture_is_told_in_one_sentence(tmp_path: Path) -> None:
    tiny_random.build_llama(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"model_type": "nonsense"}))
    with pytest.raises(UpstreamError, match="cannot generate text with its architecture"):
        await load(tmp_path)


async def test_code_that_comes_with_a_model_needs_a_flag(tmp_path: Path) -> None:
    tiny_random.build_llama(tmp_path)
    config = tmp_path / "config.json"
    foreign = {
        "model_type": "foreign",
        "auto_map": {"AutoConfig": "foreign.Config", "AutoModelForCausalLM": "foreign.M"},
    }
    config.write_text(json.dumps(json.loads(config.read_text()) | foreign))
    (tmp_path / "foreign.py").write_text("raise SystemExit('it was run')")
    with pytest.raises(UpstreamError, match="--llm_trust_remote_code"):
        await load(tmp_path)


async def test_a_model_that_sees_nothing_is_not_loaded_as_one_that_does(tiny_llama: Path) -> None:
    with pytest.raises(UpstreamError, match="is not a vision model: omit --llm_is_vlm"):
        await load(tiny_llama, llm_is_vlm=True)


async def test_a_model_that_does_not_fit_is_unavailable(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", too_large)
    with pytest.raises(Unavailable, match="does not fit into memory"):
        await load(tiny_llama)


async def test_loading_is_told_at_its_beginning_and_end(tiny_llama: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="adapters"):
        await load(tiny_llama, llm_device="cpu", llm_gen={"temperature": 0.5, "num_beams": 4})
    first, *_ = [record.message for record in caplog.records if record.levelno == logging.INFO]
    assert first.startswith(f"transformers: loading {tiny_llama} as float32 on cpu.")
    assert "loaded" in caplog.text
    assert "continuous batching" in caplog.text
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == 2
    assert "num_beams" in warned[1]


@pytest.mark.parametrize("parallel", [8, 1], ids=["together", "alone"])
async def test_half_precision_answers_too(tiny_qwen: Path, parallel: int) -> None:
    async with loaded(tiny_qwen, llm_torch_dtype="bfloat16", llm_max_parallel=parallel) as engine:
        assert loaded_by(engine).model.dtype is torch.bfloat16
        assert engine.info.max_parallel == parallel
        assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


async def test_torch_is_set_up_for_the_device(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up: list[str] = []
    monkeypatch.setattr("adapters.local.devices.configure", lambda device: set_up.append(device.type))
    await load(tiny_llama)
    assert set_up == [DEVICE]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="goes without a GPU")
@pytest.mark.parametrize("parallel", [8, 1], ids=["together", "alone"])
async def test_on_cuda_with_bfloat16(tiny_qwen: Path, parallel: int) -> None:
    async with loaded(tiny_qwen, llm_device="cuda", llm_max_parallel=parallel) as engine:
        assert not torch.backends.cuda.cudnn_sdp_enabled()
        assert loaded_by(engine).model.device.type == "cuda"
        assert loaded_by(engine).model.dtype is torch.bfloat16
        assert engine.info.max_parallel == parallel
        for _ in range(2):
            assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)
