"""Base64 in pieces is the same as in one, whatever its length and however its lines are broken."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import base64_text
from gateway.wire.base64_text import decoded, encoded


@settings(derandomize=True, max_examples=100)
@given(st.binary(max_size=200), st.sampled_from([12, 24, 48]), st.integers(1, 80), st.sampled_from(["\n", "\r\n", " "]))
def test_any_bytes_make_the_round_trip(data: bytes, piece: int, width: int, ending: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base64_text, "PIECE", piece)
        text = encoded(data)
        assert text == base64.b64encode(data).decode()
        lines = ending.join(text[start : start + width] for start in range(0, len(text), width))
        assert decoded(lines) == data


@pytest.mark.parametrize("broken", ["UklGR", "U", "UklGRg=a", "_-8=", "höhö", "UklG=UklG", "UklGRg==UklGRg=="])
@pytest.mark.parametrize("piece", [12, 192 * 1024])
def test_what_is_no_base64_is_refused(broken: str, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base64_text, "PIECE", piece)
    with pytest.raises(ValueError, match=r"."):
        decoded("UklG" * 5 + broken)
