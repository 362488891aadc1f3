"""Wire types of the items of a realtime conversation, both ways."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.wire.items import ItemName, Status
from gateway.wire.messages import CallId, ImageAddress, ShownText

LONGEST_AUDIO = 15 * 1024 * 1024
"""Bytes of audio in one event."""

Recording = Annotated[bytes, Meta(max_length=LONGEST_AUDIO)] | None | msgspec.UnsetType
"""Base64 on the wire. A session keeps items without it: the driver keeps audio, by the item's id."""


class InputText(msgspec.Struct, frozen=True, kw_only=True, tag="input_text"):
    """Text that the user wrote, or the system's."""

    text: ShownText


class InputAudio(msgspec.Struct, frozen=True, kw_only=True, tag="input_audio"):
    """What the user said; ``audio`` is in the session's input format."""

    audio: Recording = msgspec.UNSET
    transcript: ShownText | None = None


class InputImage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="input_image"):
    """An image by URL, ``https:`` or ``data:``."""

    image_url: ImageAddress
    detail: Literal["auto", "low", "high"] = "auto"


class OutputText(msgspec.Struct, frozen=True, kw_only=True, tag="output_text"):
    """Text that the model wrote."""

    text: ShownText


class OutputAudio(msgspec.Struct, frozen=True, kw_only=True, tag="output_audio"):
    """What the model said; ``audio`` is in the session's output format."""

    audio: Recording = msgspec.UNSET
    transcript: ShownText | None = None


Content = InputText | InputAudio | InputImage | OutputText | OutputAudio
ALLOWED = {
    "user": (InputText, InputAudio, InputImage),
    "system": (InputText,),
    "assistant": (OutputText, OutputAudio),
}
"""What a message of each role may hold."""


class MessageItem(msgspec.Struct, frozen=True, kw_only=True, tag="message"):
    """A message; ``id`` and ``status`` are set by the session where a client leaves them out."""

    id: ItemName = ""
    object: Literal["realtime.item"] = "realtime.item"
    status: Status = "completed"
    role: Literal["user", "assistant", "system"]
    content: Annotated[list[Content], Meta(max_length=256)]


class FunctionCallItem(msgspec.Struct, frozen=True, kw_only=True, tag="function_call"):
    """A function that the model calls; ``arguments`` is a JSON text."""

    id: ItemName = ""
    object: Literal["realtime.item"] = "realtime.item"
    status: Status = "completed"
    call_id: CallId = ""
    name: ItemName
    arguments: ShownText


class FunctionCallOutputItem(msgspec.Struct, frozen=True, kw_only=True, tag="function_call_output"):
    """What a function that was called returned."""

    id: ItemName = ""
    object: Literal["realtime.item"] = "realtime.item"
    status: Status = "completed"
    call_id: CallId
    output: ShownText


Item = MessageItem | FunctionCallItem | FunctionCallOutputItem


class ItemReference(msgspec.Struct, frozen=True, kw_only=True, tag="item_reference"):
    """An item of the conversation by its id, in the input of a response."""

    id: ItemName
