"""The recording and the images of a request, wherever in it they are."""

from collections.abc import Sequence

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.http.form import Fields, Upload, check_size
from gateway.wire import base64_text
from gateway.wire.audio import InputAudio, recording_in
from gateway.wire.messages import image_of


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
    inline = [f"data:{image.content_type};base64,{base64_text.encoded(image.data)}" for image in uploads]
    return tuple(image_of(url) for url in (*urls, *inline))
