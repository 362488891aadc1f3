import pytest

from adapters.contract.errors import AdapterError, TooLong, Unavailable, UpstreamError
from adapters.llm.local_errors import common_load_reason, generation_error

SECRET = "what a user said"


@pytest.mark.parametrize(
    ("error", "kind", "names"),
    [
        (RuntimeError(f"CUDA out of memory: {SECRET}"), Unavailable, "not enough memory"),
        (MemoryError(SECRET), Unavailable, "not enough memory"),
        (KeyError(SECRET), UpstreamError, "KeyError"),
    ],
)
def test_a_failure_is_named_without_its_text(error: Exception, kind: type[AdapterError], names: str) -> None:
    told = generation_error(error, "test")
    assert (type(told), told.adapter) == (kind, "test")
    assert names in told.message
    assert SECRET not in told.message


def test_an_error_of_the_contract_passes() -> None:
    error = TooLong("too long")
    assert generation_error(error, "test") is error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("set trust_remote_code=True"), "--llm_trust_remote_code"),
        (ImportError("No module named 'x'\nand more"), "package that is not installed (No module named 'x')."),
        (OSError("x"), None),
    ],
)
def test_reasons_that_are_the_same_for_every_backend(error: Exception, reason: str | None) -> None:
    found = common_load_reason(error)
    assert found is None if reason is None else reason in (found or "")
