"""Ids for items that came without one: those of one request have a beginning in common, which finds their record."""

import re
import uuid

_MADE_UP = re.compile(r"[a-z]+_([0-9a-f]{28})[0-9a-f]{4}")


def new_family() -> str:
    """What the ids of one request begin with, after their prefix: one entry of the store is enough for them all."""
    return uuid.uuid4().hex[:28]


def id_in(family: str, prefix: str, number: int) -> str:
    """The id of the item ``number`` of a request."""
    return f"{prefix}_{family}{number:04x}"


def family_of(item_id: str) -> str | None:
    """The family of an id that was made up, if it has one."""
    match = _MADE_UP.fullmatch(item_id)
    return match[1] if match else None
