"""An id of a conversation goes into headers and keys: nothing else than an id may be one."""

import pytest

from adapters.contract.errors import InvalidRequest
from gateway.wire.conversation import ConversationId, conversation_name


@pytest.mark.parametrize("name", ["c", "A-Za-z0-9_-", "c" * 64])
def test_a_name_is_taken_in_both_forms(name: str) -> None:
    assert conversation_name(name) == conversation_name(ConversationId(id=name)) == name
    assert conversation_name(None) is None


@pytest.mark.parametrize("name", ["", "c" * 65, "a b", "a\n", "a:b", "é", "../x"])
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="must match") as refusal:
        conversation_name(name)
    assert refusal.value.param == "conversation"
