"""Names in requests are short."""

import msgspec
import pytest

from gateway.wire.field_types import RouteName, ShortText


def test_names_are_bounded_and_the_route_may_be_left_out() -> None:
    assert msgspec.convert("x" * 256, ShortText) == "x" * 256
    assert msgspec.convert(None, RouteName) is None
    for kind in (ShortText, RouteName):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert("x" * 257, kind)
