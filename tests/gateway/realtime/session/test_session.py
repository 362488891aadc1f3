"""A session from its first event to its last: it begins, tells clients of their mistakes, and ends for good."""

import pytest

from gateway.realtime.protocol.session_config import TranscriptionSession
from gateway.realtime.session.commands import Answer, Remember
from gateway.realtime.session.inputs import (
    AnswerText,
    AudioAppended,
    Closed,
    Expired,
    Input,
    Opened,
    PreparationLost,
    Refused,
    Shortened,
    TranscriptFinished,
    TurnEnded,
    VoicePaused,
    VoiceStarted,
)
from tests.support.playbook import Playbook


def test_it_begins() -> None:
    play = Playbook()
    assert play.opening == ["session.created", "conversation.created", "Listen with server_vad"]
    session = play.sent("session.created")["session"]
    assert session["id"] == "sess_1"
    assert session["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24000},
        "voice": "marin",
        "speed": 1.0,
    }
    assert play.sent("conversation.created")["conversation"] == {"id": "conv_1", "object": "realtime.conversation"}


def test_a_transcription_session_begins_without_a_conversation() -> None:
    play = Playbook(config=TranscriptionSession(id="sess_1"))
    assert play.opening == ["session.created", "Listen with server_vad"]
    assert play.sent("session.created")["session"]["object"] == "realtime.transcription_session"


def test_a_client_is_told_of_its_mistake_and_goes_on() -> None:
    play = Playbook()
    assert play.client("conversation.item.retrieve", event_id="mine", item_id="item_9") == [
        "error item_retrieve_invalid_item_id mine"
    ]
    assert play.sent("error")["error"] == {
        "type": "invalid_request_error",
        "code": "item_retrieve_invalid_item_id",
        "message": "Error retrieving item: the item with id 'item_9' does not exist.",
        "param": "item_id",
        "event_id": "mine",
    }
    assert play(Refused(message="No.", code="invalid_value", event_id="e2")) == ["error invalid_value e2"]
    assert play.client("session.update", session={"type": "realtime"}) == ["session.updated"]


def test_playing_is_stopped_where_the_server_plays() -> None:
    assert Playbook().client("output_audio_buffer.clear") == ["ClearPlayback"]


def test_listening_changes_only_with_what_it_depends_on() -> None:
    play = Playbook()
    assert play.client("session.update", session={"instructions": "Be brief."}) == ["session.updated"]
    assert play.client("session.update", session={"audio": {"input": {"format": {"type": "audio/pcmu"}}}}) == [
        "session.updated",
        "ClearAudio 0",
        "Listen with server_vad",
    ]
    assert play.client("session.update", session={"audio": {"input": {"turn_detection": None}}}) == [
        "session.updated",
        "Listen with nothing",
    ]


def spoken_to(*, remembers: bool = False) -> Playbook:
    """A session in the middle of an answer, while the user makes a pause in the next turn."""
    play = Playbook(
        {"audio": {"input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}}},
        remembers=remembers,
    )
    play.client("response.create")
    play(AnswerText(response_id="resp_1", text="Well"), AudioAppended(total_ms=900), VoiceStarted(at_ms=500))
    return play


def test_a_session_that_expires_says_why_and_ends_what_runs() -> None:
    play = spoken_to(remembers=True)
    lines = play(Expired(message="Your session hit its limit.", code="session_expired", close_code=1001))
    assert lines == [
        "Cancel resp_1",
        "output_audio.done",
        "output_audio_transcript.done 'Well'",
        "content_part.done item_1",
        "item.done item_1 incomplete",
        "output_item.done item_1 incomplete",
        "response.done resp_1 cancelled",
        "Remember 1",
        "error session_expired",
        "Close 1001 session_expired",
    ]


def test_nothing_is_sent_to_a_client_that_is_gone() -> None:
    play = spoken_to(remembers=True)
    assert play(Closed()) == ["Cancel resp_1", "Remember 1"]


def test_an_attempt_ends_with_the_session() -> None:
    play = Playbook(reach="tts")
    play(VoiceStarted(at_ms=500), VoicePaused(at_ms=900))
    assert play(Closed()) == ["Discard resp_1"]


@pytest.mark.parametrize("end", [Closed(), Expired(message="Old.", code="session_expired", close_code=1001)])
def test_nothing_follows_the_end(end: Closed | Expired) -> None:
    play = spoken_to()
    play(end)
    late: list[Input] = [
        TurnEnded(at_ms=1500),
        TranscriptFinished(item_id="item_2", text="Hello", seconds=1.0),
        AnswerText(response_id="resp_1", text="late"),
        PreparationLost(response_id="resp_1"),
        Opened(),
        end,
    ]
    assert play(*late) == []
    assert play.client("response.create") == []


def test_what_is_remembered_is_the_conversation_when_nothing_is_under_way() -> None:
    play = Playbook(remembers=True)
    assert play.client("conversation.item.create", item=text_item("Hello")) == [
        "item.added item_1",
        "item.done item_1",
        "Remember 1",
    ]
    assert "Remember 1" not in play.client("response.create")
    assert play(AnswerText(response_id="resp_1", text="Hi"))[-1] == "output_audio_transcript.delta 'Hi'"
    assert play.client("response.cancel")[-1] == "Remember 2"
    assert play.client("conversation.item.delete", item_id="item_1")[-1] == "Remember 1"
    assert play.client("conversation.item.retrieve", item_id="item_2") == ["item.retrieved item_2 incomplete"]


def test_a_conversation_that_was_remembered_goes_on() -> None:
    before = Playbook(remembers=True)
    before.client("conversation.item.create", item=text_item("I am Ann"))
    kept = before.command(Remember).items
    play = Playbook(items=kept)
    assert play.client("response.create")[-1] == "Answer resp_1 to user: I am Ann"


def test_an_answer_is_given_the_summary_in_place_of_what_it_stands_for() -> None:
    play = Playbook(remembers=True)
    play.client("conversation.item.create", item=text_item("I am Ann"))
    play.client("conversation.item.create", item=text_item("Who am I?"))
    assert play(Shortened(summary="It is Ann.", left_out=frozenset({"item_1"}))) == []
    play.client("response.create")
    summary, question = play.command(Answer).plan.items
    assert "It is Ann." in str(summary)
    assert question.id == "item_2"
    assert play.client("conversation.item.retrieve", item_id="item_1") == ["item.retrieved item_1"]


def test_what_is_remembered_says_what_a_client_deleted() -> None:
    play = Playbook(remembers=True, most_items=1)
    for word in ("one", "two"):
        play.client("conversation.item.create", item=text_item(word))
    assert play.command(Remember).deleted == frozenset()
    play.client("conversation.item.delete", item_id="item_2")
    assert play.command(Remember).deleted == {"item_2"}


def test_old_items_make_room_for_new_ones() -> None:
    play = Playbook(most_items=2)
    for word in ("one", "two"):
        play.client("conversation.item.create", item=text_item(word))
    assert play.client("conversation.item.create", item=text_item("three")) == [
        "item.added item_3",
        "item.done item_3",
        "ForgetAudio item_1",
    ]
    assert play.client("response.create")[-1] == "Answer resp_1 to user: two | user: three"


def test_two_sessions_share_nothing() -> None:
    first = Playbook({"instructions": "Shout.", "audio": {"input": {"turn_detection": None}}})
    second = Playbook({"output_modalities": ["text"]}, reach="tts")
    first.client("conversation.item.create", item=text_item("secret"))
    first.client("session.update", session={"tools": [{"type": "function", "name": "time"}]})
    second.client("response.create")
    plan = second.command(Answer).plan
    assert (plan.items, plan.tools, plan.instructions, plan.output) == ((), (), "Be kind.", None)


def text_item(text: str) -> dict[str, object]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
