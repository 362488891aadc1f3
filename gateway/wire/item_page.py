"""Pages of a list of items."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from adapters.contract.errors import InvalidRequest
from gateway.wire.field_types import GivenId


class PageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which items of a list are wanted."""

    order: Annotated[Literal["asc", "desc"], Meta(description="desc, the default: the newest first.")] = "desc"
    limit: Annotated[int, Meta(ge=1, le=100, description="How many items.")] = 20
    after: Annotated[GivenId | None, Meta(description="The id of the item before the first one.")] = None


class ItemPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of items; the ids of the first and the last are empty when there is none."""

    object: Literal["list"] = "list"
    data: list[dict[str, Any]]
    first_id: str
    last_id: str
    has_more: bool


def page_of(items: list[dict[str, Any]], query: PageQuery) -> ItemPage:
    """The page of ``items``, the oldest of which is first. Raises ``InvalidRequest`` for an unknown ``after``."""
    ordered = items if query.order == "asc" else items[::-1]
    start = 0
    if query.after is not None:
        places = [place for place, item in enumerate(ordered) if item.get("id") == query.after]
        if not places:
            raise InvalidRequest(
                f"Invalid 'after': no item with id '{query.after[:100]}' is in this list.",
                param="after",
                code="invalid_value",
            )
        start = places[-1] + 1
    return whole_page(ordered[start : start + query.limit], has_more=start + query.limit < len(ordered))


def whole_page(items: list[dict[str, Any]], *, has_more: bool = False) -> ItemPage:
    """``items`` as a page of their own."""
    first, last = (items[0], items[-1]) if items else ({}, {})
    return ItemPage(data=items, first_id=str(first.get("id", "")), last_id=str(last.get("id", "")), has_more=has_more)
