"""Decodes the image files of a request for models in this process, which take pixels."""

import io
import warnings
from typing import Any

from adapters.contract.errors import InvalidRequest

MOST_PIXELS = 40_000_000
"""An image of more is refused: a small file may unfold to gigabytes."""


def decoded(file: bytes, adapter: str) -> Any:
    """The first frame of an image file as a PIL image in RGB. Blocks.

    Raises ``InvalidRequest`` for what is no image, is broken, or has more than ``MOST_PIXELS``. Needs Pillow.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # ours is the limit
            image = Image.open(io.BytesIO(file))
            if image.width * image.height > MOST_PIXELS:
                raise _refusal(f"has {image.width} x {image.height} pixels, more than {MOST_PIXELS:,}", adapter)
            return image.convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise _refusal("cannot be read; send PNG, JPEG, WebP or GIF", adapter) from error


def _refusal(what: str, adapter: str) -> InvalidRequest:
    return InvalidRequest(f"An image {what}.", adapter=adapter, param="messages", code="invalid_image_url")
