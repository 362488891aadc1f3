"""Decodes the image files of a request into pixels for models in this process."""

import io
import warnings
from typing import Any

from adapters.contract.errors import InvalidRequest

MAX_PIXELS = 40_000_000
"""Larger images are refused: a small file may expand to gigabytes."""


def decode(file: bytes, adapter: str) -> Any:
    """The first frame of an image file as a PIL image in RGB; blocks, and needs Pillow.

    Raises ``InvalidRequest`` for a file that is no image, is broken, or has more than ``MAX_PIXELS``.
    """
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only vision models need it

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit applies
            image = Image.open(io.BytesIO(file))
            if image.width * image.height > MAX_PIXELS:
                raise _refusal(f"has {image.width} x {image.height} pixels, more than {MAX_PIXELS:,}", adapter)
            return image.convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise _refusal("cannot be read; send PNG, JPEG, WebP or GIF", adapter) from error


def _refusal(reason: str, adapter: str) -> InvalidRequest:
    return InvalidRequest(f"An image {reason}.", adapter=adapter, param="messages", code="invalid_image_url")
