"""What the operator and the route decide about sessions, and how a session begins."""

from collections.abc import Callable

import msgspec

from gateway.realtime.protocol.items import Item
from gateway.realtime.protocol.session_config import SessionConfig
from gateway.realtime.session.commands import Reach


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Rules of a session.

    ``recognises``: the route has a recogniser; without one the model hears the recordings itself. ``reach``: how far
    work ahead goes, never "auto" here. ``least_speech_ms`` and ``least_speech_words``: how much speech interrupts an
    answer; 0 for any. ``resumes``: after a false interruption (no words) the rest of the answer is spoken.
    ``remembers``: the conversation is stored. ``most_items`` and ``most_bytes`` (of text) are kept of a conversation;
    the oldest items are dropped past that. ``voice``: the route's own, for clients that choose none.
    ``is_same_model``: whether another name means the session's model too; Agents SDKs send the name that they know,
    whatever the address says.
    """

    recognises: bool = True
    reach: Reach = "off"
    least_speech_ms: int = 0
    least_speech_words: int = 0
    resumes: bool = False
    remembers: bool = False
    most_items: int = 1024
    most_bytes: int = 1_000_000
    voice: str = "marin"
    is_same_model: Callable[[str], bool] = lambda _name: False


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """How a session begins: its configuration (whole, with id and model), its conversation and what was said before.

    ``summary`` is of what was said before the ``items``.
    """

    config: SessionConfig
    conversation_id: str
    items: tuple[Item, ...] = ()
    summary: str | None = None
    policy: Policy = Policy()
