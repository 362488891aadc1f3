"""Events have the names and fields that OpenAI's own package requires of them."""

from typing import Any, get_args

import msgspec
import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel

from gateway.realtime.protocol.items import MessageItem, OutputText
from gateway.realtime.protocol.response_events import ResponseEvent
from gateway.realtime.protocol.server_events import ItemAdded, ServerEvent, SpeechStarted
from tests.support.server_events import checked

EVENTS: list[type[msgspec.Struct]] = [*get_args(ServerEvent)]
THEIRS: dict[str, type[BaseModel]] = {
    get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(get_args(RealtimeServerEvent)[0])
}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event.__struct_config__.tag))
def test_an_event_has_what_is_required(event: type[msgspec.Struct]) -> None:
    theirs = THEIRS[str(event.__struct_config__.tag)]
    fields = set(event.__struct_encode_fields__) | {"type"}
    assert fields <= set(theirs.model_fields), "a field that no client knows"
    assert {name for name, field in theirs.model_fields.items() if field.is_required()} <= fields
    assert not event.__struct_config__.omit_defaults, "what is null is sent as null"


def test_every_event_of_an_answer_is_one() -> None:
    assert set(get_args(ResponseEvent)) <= set(EVENTS)


def broken(**fields: Any) -> ItemAdded:
    item = MessageItem(id="item_1", role="assistant", content=[OutputText(text="Hi.")])
    return ItemAdded(event_id="event_1", previous_item_id=None, item=msgspec.structs.replace(item, **fields))


@pytest.mark.parametrize(
    "event",
    [
        broken(role="robot"),
        broken(status="done"),
        SpeechStarted(event_id="event_1", audio_start_ms=1.5, item_id="item_1"),  # type: ignore[arg-type]
        SpeechStarted(event_id="", audio_start_ms=1, item_id="item_1"),
    ],
)
def test_the_check_of_these_tests_finds_what_is_wrong(event: ServerEvent) -> None:
    assert checked(broken())["item"]["role"] == "assistant"
    with pytest.raises((ValueError, AssertionError)):
        checked(event)
