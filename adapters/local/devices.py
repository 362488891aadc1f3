"""On which device a local model runs and in which precision; imports torch, so it is imported only when needed."""

import torch

from adapters.options import BadOption


def check_device(flag: str, chosen: str) -> None:
    """Raise ``BadOption`` when there is no device ``chosen``, the value of ``flag``."""
    try:
        torch.empty(1, device=torch.device(chosen))
        available = chosen != "meta"  # it holds shapes only
    except (RuntimeError, AssertionError, NotImplementedError):  # unknown, absent, or torch is built without it
        available = False
    if not available:
        raise BadOption(
            f"{flag} {chosen!r} is not available; omit it to select a device automatically, or name another one, such "
            "as cuda:0, mps or cpu."
        )


def select_device(chosen: str | None) -> torch.device:
    """The ``chosen`` device, else cuda if available, else mps, else the cpu."""
    if chosen is not None:
        return torch.device(chosen)
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def configure(device: torch.device) -> None:
    """Set up torch for models on ``device``, before one is loaded there."""
    if device.type == "cuda":
        # For every new length of a sequence, cuDNN's attention makes a plan that takes longer than the attention.
        torch.backends.cuda.enable_cudnn_sdp(False)


def select_dtype(chosen: str | None, device: torch.device) -> torch.dtype:
    """The ``chosen`` precision, else float32 on a cpu, bfloat16 on an Ampere or newer GPU, float16 on others."""
    if chosen is not None:
        dtype: torch.dtype = getattr(torch, chosen)
        return dtype
    if device.type == "cpu":
        return torch.float32
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0):
        return torch.bfloat16
    return torch.float16
