"""Ids that are made up for the items of one request."""

import pytest

from gateway.conversation.item_ids import family_of, id_in, new_family


def test_the_ids_of_one_request_are_of_one_family() -> None:
    family = new_family()
    names = [id_in(family, prefix, number) for prefix in ("msg", "fc") for number in (0, 2047)]
    assert len(set(names)) == 4
    assert {family_of(name) for name in names} == {family}
    assert new_family() != family


@pytest.mark.parametrize("name", ["", "msg_1", "msg_" + "0" * 31, "msg_" + "0" * 33, "0" * 32])
def test_other_ids_have_none(name: str) -> None:
    assert family_of(name) is None
