"""Replaces images and recordings of a history with words, where they cannot be kept or sent."""

from collections.abc import Iterable

import msgspec

from adapters.contract import llm
from gateway.conversation.raw_items import is_raw

MOST_IMAGES = 16
"""Images of a history that a model is sent: the local backends take no more."""


def without_media(message: llm.Message, *, images: bool = False, audio: bool = False) -> llm.Message:
    """``message`` with words in place of its images, unless ``images``, and of its recordings, unless ``audio``.

    Items in which there may be images go with these.
    """
    left = (part for part in message.parts if images or not is_raw(part))
    parts = tuple(_in_words(part, images=images, audio=audio) for part in left)
    return msgspec.structs.replace(message, parts=parts)


def readable(messages: Iterable[llm.Message], model: llm.Info) -> tuple[llm.Message, ...]:
    """``messages`` with the media that ``model`` takes, of images the newest ``MOST_IMAGES``.

    A conversation may have begun with another model, and one that is refused is refused with every later turn.
    """
    room = MOST_IMAGES if model.images else 0
    taken: list[llm.Message] = []
    for message in reversed(tuple(messages)):
        if len(message.parts) == 1 and isinstance(message.parts[0], llm.Text):  # nearly all
            taken.append(message)
            continue
        images = sum(isinstance(part, llm.Image) for part in message.parts)
        kept = images <= room
        room = room - images if kept else 0
        taken.append(without_media(message, images=kept, audio=model.audio))
    return tuple(reversed(taken))


def _in_words(part: llm.Part, *, images: bool, audio: bool) -> llm.Part:
    match part:
        case llm.Image() if not images:
            return llm.Text(text="(a picture)")
        case llm.Audio() if not audio:
            return llm.Text(text="(a recording)")
        case _:
            return part
