"""Limits as they are written in a configuration."""

import msgspec
import pytest

from gateway.access.limits import Limits


def test_nothing_is_limited_unless_it_is_said() -> None:
    assert not any(msgspec.structs.asdict(Limits()).values())


@pytest.mark.parametrize("written", [{"tokens_per_day": -1}, {"speech_seconds_per_minute": -0.5}, {"tokens": 5}])
def test_what_is_no_limit_is_refused(written: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(written, Limits)


def test_nought_is_a_limit() -> None:
    assert msgspec.convert({"requests_per_minute": 0}, Limits).requests_per_minute == 0
