"""Languages as servers name them."""

import pytest

from adapters.stt.languages import language_code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *[("english", "en"), ("German", "de"), ("haitian creole", "ht"), ("cantonese", "yue")],
        *[("en", "en"), ("de-AT", "de"), ("zh_CN", "zh"), ("jw", "jv"), ("yue", "yue")],
        *[(None, None), ("", None), ("klingon", None), ("12", None), ("unknown", None)],
    ],
)
def test_codes(name: str | None, code: str | None) -> None:
    assert language_code(name) == code
