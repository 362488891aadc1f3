"""A declared setting carries its heading, its description and its limits."""

from typing import Annotated

import msgspec
import pytest

from gateway.settings.declaration import SERVER, option


def test_a_declaration_has_a_heading_a_description_and_limits() -> None:
    declared = option(SERVER, "How many.", ge=1)
    assert (declared.extra, declared.description) == ({"group": SERVER}, "How many.")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(0, Annotated[int, declared])
