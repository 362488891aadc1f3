"""Why a local model could not be loaded, in one sentence."""

import pytest

from adapters.contract.errors import AdapterError, Unavailable, UpstreamError
from adapters.local.load_errors import load_error


def explained(error: Exception) -> AdapterError:
    return load_error(error, model="The model 'm'", adapter="test", reason="r.", if_too_large="choose a smaller one")


def test_too_large_a_model_is_unavailable() -> None:
    told = explained(MemoryError())
    assert type(told) is Unavailable
    assert told.message == "The model 'm' does not fit into memory: choose a smaller one."


def test_a_lost_device_is_unavailable() -> None:
    told = explained(RuntimeError("CUDA error: device-side assert triggered"))
    assert type(told) is Unavailable
    assert "restart" in told.message


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("out of memory"), OSError("x")])
def test_anything_else_is_told_with_its_reason(error: Exception) -> None:
    told = explained(error)
    assert (type(told), told.message) == (UpstreamError, "The model 'm' could not be loaded: r.")


def test_an_error_of_the_contract_passes() -> None:
    error = UpstreamError("no chat template")
    assert explained(error) is error
