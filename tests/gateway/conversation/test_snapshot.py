"""What is stored comes back as it was, fits, and is told from what another release wrote."""

from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from gateway.conversation.conversation import Conversation, Languages, Turn, grouped
from gateway.conversation.snapshot import Snapshot, Summary, compacted, decoded, digest, encoded, within
from gateway.conversation.steps import Step

PARTS: tuple[llm.Part, ...] = (
    llm.Text(text="Grüße 🙂"),
    llm.Image(url="https://example.com/1.png", detail="low"),
    llm.Audio(data=b"\x00\xff", format="wav"),
    llm.ToolCall(call_id="c", name="f", arguments="{not json"),
    llm.ToolResult(call_id="c", output=""),
    llm.Opaque(route="r", data={"deep": [1, None, {"b": b"\x01"}]}),
)


def talk(*words: str, picture: str | None = None) -> Conversation:
    image = (llm.Image(url=picture),) if picture else ()
    messages = []
    for word in words:
        messages.append(llm.Message(role="user", parts=(llm.Text(text=word), *image)))
        messages.append(llm.Message(role="assistant", parts=(llm.Text(text="yes"),)))
    return Conversation(id="c", turns=grouped(messages))


def test_every_part_survives() -> None:
    message = llm.Message(role="assistant", parts=PARTS, reasoning="hm")
    conversation = Conversation(
        id="c",
        summary="s",
        outright=True,
        opening=(message,),
        turns=grouped((message,)),
        languages=Languages(asked="fr"),
    )
    snapshot = Snapshot(conversation=conversation)
    assert decoded(encoded(snapshot), Snapshot) == snapshot
    assert len({type(part) for part in PARTS}) == len(llm.Part.__args__)


def test_what_another_release_wrote_is_left_alone() -> None:
    later = msgspec.msgpack.encode({"form": "snapshot 99", "conversation": {"id": "c"}})
    assert decoded(later, Snapshot) is None
    assert decoded(b"nonsense", Snapshot) is None
    assert decoded(None, Snapshot) is None
    assert decoded(encoded(Snapshot(conversation=talk("a"))), Summary) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "a\nb"},
        {"id": ""},
        {"bytes_per_token": float("nan")},
        {"bytes_per_token": 1e300},
        {"skipped": 9},
        {"skipped": -1},
        {"gone": -1},
        {"added": -1},
        {"added_opening": -1},
        {"steps": (Step(id="r", at=0, messages=-1),)},
        {"steps": (Step(id="r", at=0, messages=1, opening=2**40),)},
        {"turns": (Turn(messages=()),)},
        {"opening": (llm.Message(role="", parts=()),)},
        {"languages": Languages(voice="\r\n")},
    ],
)
def test_what_no_gateway_writes_is_as_absent(fields: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    odd = msgspec.structs.replace(talk("a"), **fields)
    assert decoded(encoded(Snapshot(conversation=odd)), Snapshot) is None
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff", encoded(Snapshot(conversation=talk("a")))[:-1]]
)
def test_bytes_that_are_no_value_are_as_absent(data: bytes) -> None:
    assert decoded(data, Snapshot) is None
    assert decoded(data, Summary) is None


def test_extensions_of_the_encoding_are_as_absent() -> None:
    opaque = llm.Opaque(route="r", data=msgspec.msgpack.Ext(5, b"x"))
    odd = Conversation(id="c", turns=grouped((llm.Message(role="user", parts=(opaque,)),)))
    assert decoded(encoded(Snapshot(conversation=odd)), Snapshot) is None


def test_a_conversation_that_is_too_large_loses_its_oldest_turns() -> None:
    conversation = talk("a" * 500, "b" * 500, "c" * 500)
    fitted = within(conversation, 1_350)
    assert fitted is not None
    kept, data = fitted
    assert kept.turns == conversation.turns[1:]
    assert len(data) <= 1_350
    assert decoded(data, Snapshot) == Snapshot(conversation=kept)


def test_a_turn_that_is_too_large_loses_its_pictures_else_it_is_not_kept() -> None:
    fitted = within(talk("what is this", picture="data:image/png;base64," + "A" * 5_000), 1_000)
    assert fitted is not None
    assert fitted[0].turns[-1].messages[0].parts[1] == llm.Text(text="(a picture)")
    assert within(talk("a" * 5_000), 1_000) is None


def test_a_summary_replaces_exactly_what_it_was_made_of() -> None:
    conversation = talk("a", "b", "c").skipping(1)
    summary = Summary(through=2, digest=digest(conversation, 2), text="s", usage=None)
    shorter = compacted(conversation, summary)
    assert shorter is not None
    assert (shorter.summary, shorter.turns, shorter.skipped, shorter.gone) == ("s", conversation.turns[2:], 0, 2)
    assert compacted(shorter, summary) is None, "once only"
    assert compacted(talk("a", "x", "c"), summary) is None
    assert compacted(talk("a"), summary) is None
    assert compacted(conversation, None) is None
    assert compacted(conversation.without_item("i"), summary) is None, "it may tell of what was taken out since"


def test_a_summary_still_fits_when_turns_were_dropped_while_it_was_written() -> None:
    conversation = talk("a", "b", "c", "d")
    summary = Summary(through=3, digest=digest(conversation, 3), text="s", usage=None)
    for dropped in (1, 2):
        shorter = compacted(conversation.without(dropped), summary)
        assert shorter is not None
        assert (shorter.summary, shorter.turns, shorter.gone) == ("s", conversation.turns[3:], 3)
    assert compacted(conversation.without(3), summary) is None, "all that it tells of is gone: it comes too late"
