"""Where a model runs: chosen, or the best there is; and on a GPU for real where there is one."""

from pathlib import Path

import pytest
import torch

from adapters.llm.transformers import devices
from tests.adapters.llm.transformers.local import answer, loaded, model_of, request, text_of
from tests.models.lessons import CAPITAL, answer_to


def test_the_best_device_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert devices.device(None).type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert devices.device(None) == torch.device("cuda", 1)
    assert devices.device("cpu").type == "cpu"


@pytest.mark.parametrize(
    ("device", "capability", "dtype"),
    [
        ("cpu", (0, 0), torch.float32),
        ("cuda", (8, 0), torch.bfloat16),
        ("cuda", (7, 5), torch.float16),
        ("mps", (0, 0), torch.float16),
    ],
)
def test_the_precision_fits_the_device(
    monkeypatch: pytest.MonkeyPatch, device: str, capability: tuple[int, int], dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert devices.dtype(None, torch.device(device)) is dtype
    assert devices.dtype("float16", torch.device(device)) is torch.float16


@pytest.mark.parametrize("parallel", [8, 1], ids=["together", "alone"])
async def test_half_precision_answers_too(tiny_qwen: Path, parallel: int) -> None:
    async with loaded(tiny_qwen, llm_torch_dtype="bfloat16", llm_max_parallel=parallel) as engine:
        assert model_of(engine).dtype is torch.bfloat16
        assert engine.info.max_parallel == parallel
        assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="goes without a GPU")
@pytest.mark.parametrize("parallel", [8, 1], ids=["together", "alone"])
async def test_on_cuda_with_bfloat16(tiny_qwen: Path, parallel: int) -> None:
    async with loaded(tiny_qwen, llm_max_parallel=parallel) as engine:
        assert model_of(engine).device.type == "cuda"
        assert model_of(engine).dtype is torch.bfloat16
        assert engine.info.max_parallel == parallel
        for _ in range(2):
            assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)
