"""Pages of items, from either end."""

from typing import Any

import pytest

from adapters.contract.errors import InvalidRequest
from gateway.wire.item_page import ItemPage, PageQuery, page_of, whole_page

ITEMS: list[dict[str, Any]] = [{"id": name} for name in "abcde"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (PageQuery(), ("edcba", False)),
        (PageQuery(order="asc"), ("abcde", False)),
        (PageQuery(limit=2), ("ed", True)),
        (PageQuery(limit=2, after="d"), ("cb", True)),
        (PageQuery(limit=3, after="d"), ("cba", False)),
        (PageQuery(order="asc", limit=5, after="b"), ("cde", False)),
        (PageQuery(after="a"), ("", False)),
    ],
)
def test_pages(query: PageQuery, expected: tuple[str, bool]) -> None:
    page = page_of(ITEMS, query)
    assert ("".join(item["id"] for item in page.data), page.has_more) == expected
    assert (page.first_id, page.last_id) == (expected[0][:1], expected[0][-1:])


def test_an_item_that_is_not_there() -> None:
    with pytest.raises(InvalidRequest, match="no item with id 'x'"):
        page_of(ITEMS, PageQuery(after="x"))


def test_a_page_of_its_own() -> None:
    assert whole_page([]) == ItemPage(data=[], first_id="", last_id="", has_more=False)
