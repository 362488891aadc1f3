"""Wire types of the usage surface."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.wire.item_page import PageQuery

ShortText = Annotated[str, Meta(max_length=256)]


class UsageQuery(PageQuery, frozen=True, kw_only=True):
    """Which records of usage are wanted."""

    day: Annotated[
        Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None,
        Meta(description="A day (UTC), such as 2026-01-31; all that are kept when left out."),
    ] = None
    key: Annotated[ShortText | None, Meta(description="The name of a key; only the operator's key sees others.")] = None


class Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """What was used: turns that ended, seconds of audio heard, speech as it was delivered, tokens as models used them.

    Where a server counted no tokens they are estimated.
    """

    turns: int
    audio_seconds: float
    speech_characters: int
    speech_seconds: float
    input_tokens: int
    output_tokens: int


class UsageRecord(Amounts, frozen=True, kw_only=True):
    """What a key used on a day (UTC) at a route; ``speculative`` is that part of it which was never played."""

    id: str
    object: Literal["usage"] = "usage"
    day: str
    key: str
    route: str
    speculative: Amounts


class UsageList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of records; the ids of the first and the last are empty when there is none."""

    object: Literal["list"] = "list"
    data: list[UsageRecord]
    first_id: str
    last_id: str
    has_more: bool
