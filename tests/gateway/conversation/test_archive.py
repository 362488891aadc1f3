"""What is kept, by its ids: who deletes, edits and records, and what is left then."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unavailable
from gateway.conversation.archive import Archive
from gateway.conversation.conversation import Conversation, NotFound, begun
from gateway.conversation.item_ids import id_in, new_family
from gateway.conversation.memory_store import MemoryStore
from gateway.conversation.owned_store import OwnedStore
from gateway.conversation.snapshot import Record, Snapshot, encoded

RECORD = Record(items=b"[]", response=b"{}")


class Kept:
    """An archive over a store in memory."""

    def __init__(self, max_bytes: int = 10_000) -> None:
        self.store = MemoryStore(ttl_seconds=60, max_bytes=1_000_000, max_waiting=1)
        self.archive = Archive(OwnedStore(self.store, "anyone"), max_bytes)

    async def answer(self, name: str, *texts: str, id_: str = "c") -> None:
        """The conversation ``id_`` after the answer ``name``, its newest."""
        said = tuple(llm.Message(role="user", parts=(llm.Text(text=text),)) for text in texts)
        state = begun(id_).after(said).stepped(name, "r")
        await self.store.put(f"response:{name}", encoded(Snapshot(conversation=state)))
        await self.store.put(f"newest:{id_}", name.encode())

    async def texts(self, id_: str = "c") -> list[str]:
        conversation = await self.archive.conversation(id_)
        parts = [part for turn in conversation.turns for message in turn.messages for part in message.parts]
        return [part.text for part in parts if isinstance(part, llm.Text)]


def noted(text: str) -> Callable[[Conversation], Awaitable[Conversation]]:
    async def change(conversation: Conversation) -> Conversation:
        return msgspec.structs.replace(conversation, metadata={"note": text})

    return change


async def test_a_conversation_is_its_newest_step() -> None:
    kept = Kept()
    await kept.answer("r1", "a")
    await kept.answer("r2", "a", "b")
    assert await kept.texts() == ["a", "b"]
    assert (await kept.archive.conversation("c")).steps[-1].id == "r2"
    for name in ("d", "no id", "x" * 65):
        with pytest.raises(NotFound):
            await kept.archive.conversation(name)


async def test_a_pointer_to_another_conversation_is_none() -> None:
    kept = Kept()
    await kept.answer("r1", "a")
    await kept.store.put("newest:d", b"r1")
    with pytest.raises(NotFound):
        await kept.archive.conversation("d")


async def test_an_edit_follows_the_newest_step_and_changes_no_other() -> None:
    kept = Kept()
    await kept.answer("r1", "a")
    changed = await kept.archive.edit("c", noted("x"))
    assert changed.metadata == {"note": "x"}
    assert (await kept.archive.conversation("c")).metadata == {"note": "x"}
    before = await kept.archive.state("r1")
    assert before is not None
    assert before.metadata == {}
    with pytest.raises(NotFound):
        await kept.archive.edit("d", noted("x"))


async def test_an_edit_that_another_step_overtook_is_refused() -> None:
    kept = Kept()
    await kept.answer("r1", "a")

    class Overtaken(MemoryStore):
        async def advance(self, key: str, expected: bytes | None, value: bytes) -> bool:
            return False

    kept.store.__class__ = Overtaken
    with pytest.raises(Unavailable):
        await kept.archive.edit("c", noted("x"))


async def test_what_is_too_large_is_refused_and_what_was_stays() -> None:
    kept = Kept(max_bytes=300)
    await kept.answer("r1", "a")
    with pytest.raises(InvalidRequest, match="--conversation_max_mb"):
        await kept.archive.edit("c", noted("x" * 500))
    assert (await kept.archive.conversation("c")).metadata == {}
    with pytest.raises(InvalidRequest, match="--conversation_max_mb"):
        await kept.archive.keep_record("r1", Record(items=b"x" * 500))
    assert await kept.archive.record("r1") is None


async def test_a_deleted_answer_takes_its_conversation_along_unless_a_client_named_that() -> None:
    kept = Kept()
    await kept.answer("r1", "a")
    await kept.archive.keep_record("r1", RECORD)
    await kept.archive.delete_answer("r1", left=None)
    assert (await kept.archive.state("r1"), await kept.archive.record("r1")) == (None, None)
    with pytest.raises(NotFound):
        await kept.archive.conversation("c")

    await kept.answer("r2", "a")
    await kept.archive.delete_answer("r2", left=Record(items=b"[1]"))
    assert await kept.archive.state("r2") is None
    assert await kept.archive.record("r2") == Record(items=b"[1]")
    assert await kept.texts() == ["a"]


async def test_an_older_answer_is_deleted_alone() -> None:
    kept = Kept()
    await kept.answer("r1", "a")
    await kept.answer("r2", "a", "b")
    await kept.archive.delete_answer("r1", left=None)
    assert await kept.archive.state("r1") is None
    assert await kept.texts() == ["a", "b"]
    await kept.archive.delete_answer("r9", left=None)  # nothing of it is there


async def test_a_deleted_conversation_leaves_its_answers() -> None:
    kept = Kept()
    await kept.archive.begin(begun("c"))
    await kept.answer("r1", "a")
    await kept.archive.delete_conversation("c")
    with pytest.raises(NotFound):
        await kept.archive.delete_conversation("c")
    assert await kept.archive.state("r1") is not None


async def test_items_are_known_by_the_answer_they_came_with() -> None:
    kept = Kept()
    made_up = new_family()
    await kept.archive.record_answer("r1", RECORD, ["msg_1", "fc_1", made_up])
    assert await kept.archive.record("r1") == RECORD
    names = [id_in(family, "msg", number) for family in (made_up, new_family()) for number in (0, 1)]
    assert [await kept.archive.owner(item) for item in names] == ["r1", "r1", None, None]
    assert [await kept.archive.owner(item) for item in ("msg_1", "fc_1", "msg_2", "no id")] == ["r1", "r1", None, None]


async def test_a_record_that_cannot_be_kept_fails_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(max_bytes=10)
    await kept.archive.record_answer("r1", RECORD)
    assert "the record of r1 is not kept" in caplog.text


@pytest.mark.parametrize("data", [b"", b"\xc1", b"nonsense", encoded(Snapshot(conversation=begun("c")))])
async def test_what_is_no_record_is_absent(data: bytes) -> None:
    kept = Kept()
    await kept.store.put("record:r1", data)
    assert await kept.archive.record("r1") is None
