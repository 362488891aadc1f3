"""What is said of a value that cannot be used: words, no patterns."""

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from gateway.settings.reasons import LANGUAGE, NAME, reason


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=NAME)]
    language: Annotated[str, Meta(pattern=LANGUAGE)] = "en"
    many: int = 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"name": "bad name!"}, "expected 1 to 64 letters, digits, '.', '_' or '-' - at name"),
        ({"name": "a", "language": "EN"}, "expected a language of two small letters, such as 'en' - at language"),
        ({"name": "a", "many": "no"}, "expected int, got str - at many"),
        ({}, "it lacks 'name'"),
        ({"name": "a", "more": 1}, "it has the unknown 'more'"),
    ],
)
def test_a_value_is_refused_in_words(table: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert(table, Table)
    assert reason(raised.value) == said
