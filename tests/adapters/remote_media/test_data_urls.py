import base64
from urllib.parse import quote

import pytest

from adapters.contract.errors import InvalidRequest
from adapters.remote_media.data_urls import decoded, encoded, is_data_url

_PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def refused(url: str) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        decoded(url)
    return caught.value.code


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64," + base64.b64encode(_PNG).decode(),
        "DATA:image/png;BASE64," + quote(base64.b64encode(_PNG).decode(), safe=""),
        "data:image/png," + quote(_PNG),
    ],
)
def test_the_data_are_in_the_url(url: str) -> None:
    assert is_data_url(url)
    assert decoded(url) == _PNG


def test_what_was_encoded_can_be_decoded() -> None:
    assert encoded(_PNG, "image/png").startswith("data:image/png;base64,")
    assert decoded(encoded(_PNG, "image/png")) == _PNG


@pytest.mark.parametrize("url", ["data:image/png;base64,@@@", "data:image/png;base64,abc", "data:image/png"])
def test_what_cannot_be_read_is_refused(url: str) -> None:
    assert refused(url) == "invalid_image_url"


def test_it_may_be_too_large() -> None:
    assert refused("data:," + "a" * 20_000_001) == "image_too_large"
    assert refused("data:;base64," + "a" * 40_000_001) == "image_too_large"
