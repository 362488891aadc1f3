"""What one key, or all clients together, may use."""

from typing import Annotated

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The most that may be used; ``None`` is no limit.

    Tokens are those of prompts and answers together. ``audio_seconds`` is what clients send, ``speech_seconds`` and
    ``speech_characters`` what was delivered to them. A minute and a day are windows of 60 and 86,400 seconds.
    """

    turns_at_once: Count | None = None
    sessions_at_once: Count | None = None
    requests_per_minute: Count | None = None
    requests_per_day: Count | None = None
    audio_seconds_per_minute: Seconds | None = None
    audio_seconds_per_day: Seconds | None = None
    speech_characters_per_minute: Count | None = None
    speech_characters_per_day: Count | None = None
    speech_seconds_per_minute: Seconds | None = None
    speech_seconds_per_day: Seconds | None = None
    tokens_per_minute: Count | None = None
    tokens_per_day: Count | None = None
