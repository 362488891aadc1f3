"""Failures are named without what was said."""

import pytest

from adapters.contract.errors import AdapterError, TooLong, Unavailable, UpstreamError
from adapters.stt.faster_whisper.errors import load_error, recognition_error


@pytest.mark.parametrize(
    ("failure", "error", "names"),
    [
        (RuntimeError("CUDA out of memory: secret"), Unavailable, "not enough memory"),
        (ValueError("secret"), UpstreamError, r"\(ValueError\)"),
        (TooLong("own words"), TooLong, "own words"),
    ],
)
def test_recognition(failure: Exception, error: type[AdapterError], names: str) -> None:
    found = recognition_error(failure)
    assert type(found) is error
    with pytest.raises(error, match=names):
        raise found
    assert "secret" not in found.message


def test_loading() -> None:
    assert "model.bin" in load_error("./here", RuntimeError("secret")).message
    assert "--stt_compute_type int8" in load_error("large-v3", MemoryError()).message
