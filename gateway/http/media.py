"""The recording and the images of a request, wherever in it they are."""

import re
from collections.abc import Sequence

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.http.form import Fields, Upload, check_size
from gateway.wire import base64_text
from gateway.wire.audio import InputAudio, recording_in
from gateway.wire.messages import check_images, image_of

IMAGE_SIGNATURES = {
    "png": rb"\x89PNG\r\n\x1a\n",
    "jpeg": rb"\xff\xd8\xff",
    "gif": rb"GIF8[79]a",
    "webp": rb"RIFF....WEBP",
    "bmp": rb"BM....\x00\x00\x00\x00",
    "tiff": rb"II\*\x00|MM\x00\*",
    "avif": rb"....ftypavi[fs]",
    "heic": rb"....ftyp(hei[cx]|mif1)",
}
"""How files of the types that models read begin."""


def recording_of(fields: Fields, name: str, in_json: InputAudio | None) -> bytes | None:
    """The recording that came as the file ``name`` or in the JSON body; ``None`` without one.

    Raises ``InvalidRequest`` for several, for text in place of a file and for broken base64, and ``HTTPException`` for
    one that is too large.
    """
    files = fields.uploads.get(name, [])
    if not files and fields.values.get(name) is not None:
        raise InvalidRequest(
            f"'{name}' came as text; send it as a file: with curl -F {name}=@question.wav",
            param="audio",
            code="invalid_value",
        )
    if len(files) > 1:
        raise InvalidRequest(f"One recording makes a turn, not {len(files)}.", param="audio", code="invalid_value")
    if files:
        return files[0].data
    if in_json is None:
        return None
    recording = recording_in(in_json)
    check_size(len(recording))
    return recording


def images_of(named: str | Sequence[str] | None, uploads: Sequence[Upload]) -> tuple[llm.Image, ...]:
    """The images given by URL, then those that came as files. Raises ``InvalidRequest``."""
    urls = [named] if isinstance(named, str) else named or []
    check_images(len(urls) + len(uploads), "image")
    inline = [f"data:{_image_type(image)};base64,{base64_text.encoded(image.data)}" for image in uploads]
    return tuple(image_of(url) for url in (*urls, *inline))


def _image_type(upload: Upload) -> str:
    """The type of an image by its first bytes; what they do not tell is what the client says.

    Raises ``InvalidRequest`` when neither says that it is an image.
    """
    head = upload.data[:16]
    for kind, signature in IMAGE_SIGNATURES.items():
        if re.match(signature, head, re.DOTALL):
            return f"image/{kind}"
    if re.fullmatch(r"image/[\w.+-]+", upload.content_type):
        return upload.content_type
    raise InvalidRequest(
        f"Invalid image: the file, sent as {upload.content_type[:100]!r}, is none of "
        f"{', '.join(sorted(IMAGE_SIGNATURES))}.",
        param="image",
        code="invalid_value",
    )
