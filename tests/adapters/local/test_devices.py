"""Devices and precisions of models in this process: the best there is, or a clear refusal."""

import pytest

from adapters.options import BadOption

torch = pytest.importorskip("torch", reason="needs torch")
devices = pytest.importorskip("adapters.local.devices", reason="needs torch")


@pytest.mark.parametrize("chosen", ["cuda:63", "nonsense", "meta", "", "cpu:x"])
def test_a_device_that_is_not_there_is_named(chosen: str) -> None:
    with pytest.raises(BadOption) as raised:
        devices.check_device("--stt_device", chosen)
    assert str(raised.value).startswith(f"--stt_device {chosen!r} is not available; ")


def test_the_processor_is_there() -> None:
    devices.check_device("--stt_device", "cpu")
    assert devices.select_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_the_best_device_is_taken(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, best: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert devices.select_device(None).type == best


@pytest.mark.parametrize(
    ("place", "capability", "expected"),
    [("cpu", (0, 0), "float32"), ("mps", (0, 0), "float16"), ("cuda", (8, 0), "bfloat16"), ("cuda", (7, 5), "float16")],
)
def test_the_best_precision_of_the_device_is_taken(
    monkeypatch: pytest.MonkeyPatch, place: str, capability: tuple[int, int], expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    assert devices.select_dtype(None, torch.device(place)) == getattr(torch, expected)
    assert devices.select_dtype("bfloat16", torch.device(place)) == torch.bfloat16


@pytest.mark.parametrize(("place", "switched"), [("cuda", [False]), ("cuda:1", [False]), ("cpu", []), ("mps", [])])
def test_attention_by_cudnn_is_switched_off_on_cuda(
    monkeypatch: pytest.MonkeyPatch, place: str, switched: list[bool]
) -> None:
    noted: list[bool] = []
    monkeypatch.setattr(torch.backends.cuda, "enable_cudnn_sdp", noted.append)
    devices.configure(torch.device(place))
    assert noted == switched
