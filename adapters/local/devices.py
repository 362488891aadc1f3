"""Where a model in this process runs and how precisely; imports torch, so it is imported only where that is to be."""

import torch

from adapters.options import BadOption


def check_device(flag: str, chosen: str) -> None:
    """Raise ``BadOption`` when there is no device ``chosen``."""
    try:
        torch.empty(1, device=torch.device(chosen))
        there = chosen != "meta"  # it holds shapes only
    except (RuntimeError, AssertionError, NotImplementedError):  # unknown, not there, or torch is built without it
        there = False
    if not there:
        raise BadOption(
            f"{flag} {chosen!r} is not there: leave it out to take the best there is, or name another, as cuda:0, mps "
            "or cpu."
        )


def select_device(chosen: str | None) -> torch.device:
    """The ``chosen`` device, else cuda where it is there, else mps, else the cpu."""
    if chosen is not None:
        return torch.device(chosen)
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def select_dtype(chosen: str | None, place: torch.device) -> torch.dtype:
    """The ``chosen`` precision, else bfloat16 where the GPU has it (Ampere, newer), else float16; float32 on a cpu."""
    if chosen is not None:
        named: torch.dtype = getattr(torch, chosen)
        return named
    if place.type == "cpu":
        return torch.float32
    if place.type == "cuda" and torch.cuda.get_device_capability(place) >= (8, 0):
        return torch.bfloat16
    return torch.float16
