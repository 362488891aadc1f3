"""Failures of a recognition are named without what was said."""

import pytest

from adapters.contract.errors import AdapterError, TooLong, Unavailable, UpstreamError
from adapters.stt.recognition_errors import recognition_error


@pytest.mark.parametrize(
    ("failure", "error", "names"),
    [
        (RuntimeError("CUDA out of memory: secret"), Unavailable, "not enough memory"),
        (ValueError("secret"), UpstreamError, r"\(ValueError\)"),
        (TooLong("own words"), TooLong, "own words"),
    ],
)
def test_recognition(failure: Exception, error: type[AdapterError], names: str) -> None:
    found = recognition_error(failure, adapter="test")
    assert type(found) is error
    with pytest.raises(error, match=names):
        raise found
    assert "secret" not in found.message
