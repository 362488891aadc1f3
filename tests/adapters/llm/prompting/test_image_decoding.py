import io

import pytest

from adapters.contract.errors import InvalidRequest
from adapters.llm.prompting import image_decoding

Image = pytest.importorskip("PIL.Image", reason="needs Pillow")


def file_of(kind: str, size: tuple[int, int] = (50, 40), mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 1).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_every_format_is_rgb(kind: str) -> None:
    image = image_decoding.decode(file_of(kind), "test")
    assert (image.size, image.mode) == ((50, 40), "RGB")


def test_a_palette_and_transparency_become_rgb() -> None:
    for mode in ("P", "L", "RGBA"):
        assert image_decoding.decode(file_of("PNG", mode=mode), "test").mode == "RGB"


@pytest.mark.parametrize(
    "file", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n" + bytes(20), file_of("PNG", (300, 300))[:100]]
)
def test_a_broken_image_is_an_invalid_request(file: bytes) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read") as raised:
        image_decoding.decode(file, "test")
    assert (raised.value.code, raised.value.adapter) == ("invalid_image_url", "test")


def test_an_image_of_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_decoding, "MAX_PIXELS", 1999)
    with pytest.raises(InvalidRequest, match=r"50 x 40 pixels, more than 1,999"):
        image_decoding.decode(file_of("PNG"), "test")
