"""Work ahead: nothing of it is seen before the turn is over, and what is thrown away leaves only its cost."""

from typing import Any

import pytest

from adapters.contract import llm
from gateway.realtime.session.commands import Prepare
from gateway.realtime.session.inputs import (
    AnswerFinished,
    AnswerText,
    AudioAppended,
    PreparationLost,
    Prepared,
    TranscriptFinished,
    TurnEnded,
    VoicePaused,
    VoiceResumed,
    VoiceStarted,
)
from tests.support.playbook import Playbook, said


def in_a_pause(changes: dict[str, Any] | None = None, **policy: Any) -> Playbook:
    """A session whose user has paused, with an answer being prepared."""
    play = Playbook(changes, **{"reach": "tts", **policy})
    play(VoiceStarted(at_ms=700))
    assert play(VoicePaused(at_ms=1500))[:1] == ["Prepare resp_1 for item_1 as far as tts"]
    return play


def test_an_attempt_with_the_same_words_is_the_answer() -> None:
    play = in_a_pause()
    attempt = play.command(Prepare)
    assert (attempt.start_ms, attempt.end_ms, said(attempt.plan)) == (400, 1500, "user: None")
    assert play(Prepared(response_id="resp_1", transcript="What time is it?")) == []
    play(TurnEnded(at_ms=2000))
    assert play(TranscriptFinished(item_id="item_1", text="What time is it?", seconds=1.6)) == [
        "response.created resp_1",
        "Adopt resp_1",
    ]
    assert play(AnswerText(response_id="resp_1", text="Noon."))[-1] == "output_audio_transcript.delta 'Noon.'"


def test_an_attempt_is_the_answer_in_a_session_whose_beginning_was_summarised() -> None:
    play = Playbook(reach="tts", recognises=False, summary="It is Ann.")
    play(VoiceStarted(at_ms=700), VoicePaused(at_ms=1500))
    assert "It is Ann." in str(play.command(Prepare).plan)
    assert play(Prepared(response_id="resp_1", transcript=""), TurnEnded(at_ms=2000))[-1] == "Adopt resp_1"


@pytest.mark.parametrize(("prepared", "heard", "is_adopted"), [("de", "de", True), (None, "de", False)])
def test_an_attempt_in_another_language_is_thrown_away(prepared: str | None, heard: str, is_adopted: bool) -> None:
    play = in_a_pause()
    assert play.command(Prepare).plan.language is None
    play(Prepared(response_id="resp_1", transcript="Hallo.", language=prepared), TurnEnded(at_ms=2000))
    lines = play(TranscriptFinished(item_id="item_1", text="Hallo.", language=heard, seconds=1.6))
    assert lines[-1] == ("Adopt resp_1" if is_adopted else "Answer resp_2 to user: Hallo.")
    play(AnswerFinished(response_id="resp_1" if is_adopted else "resp_2", reason="stop"))
    play.seconds += 60
    play(VoiceStarted(at_ms=9000), VoicePaused(at_ms=9500))
    assert play.command(Prepare).plan.language == "de", "until it is known, it is that of the turn before"


def test_an_attempt_whose_words_come_late_is_waited_for() -> None:
    play = in_a_pause()
    play(TurnEnded(at_ms=2000))
    assert play(TranscriptFinished(item_id="item_1", text="Hi.", seconds=1.6)) == []
    assert play(Prepared(response_id="resp_1", transcript="Hi.")) == ["response.created resp_1", "Adopt resp_1"]


def test_an_attempt_that_fails_is_waited_for_no_longer() -> None:
    play = in_a_pause()
    play(TurnEnded(at_ms=2000), TranscriptFinished(item_id="item_1", text="Hi.", seconds=1.6))
    assert play(PreparationLost(response_id="resp_1"))[-1] == "Answer resp_2 to user: Hi."


def test_recognition_ahead_is_not_waited_for() -> None:
    play = Playbook(reach="stt")
    play(VoiceStarted(at_ms=700), VoicePaused(at_ms=1500), TurnEnded(at_ms=2000))
    assert play(TranscriptFinished(item_id="item_1", text="Hi.", seconds=1.6)) == [
        "Discard resp_1",
        "response.created resp_2",
        "Answer resp_2 to user: Hi.",
    ]


def test_an_attempt_with_other_words_is_thrown_away() -> None:
    play = in_a_pause()
    play(Prepared(response_id="resp_1", transcript="What time"), TurnEnded(at_ms=2000))
    assert play(TranscriptFinished(item_id="item_1", text="What time is it?", seconds=1.6)) == [
        "Discard resp_1",
        "response.created resp_2",
        "Answer resp_2 to user: What time is it?",
    ]


def test_a_speaker_who_goes_on_ends_the_attempt() -> None:
    play = in_a_pause()
    assert play(VoiceResumed(at_ms=1600)) == ["Discard resp_1"]
    assert play(Prepared(response_id="resp_1", transcript="What")) == []
    assert play(AnswerText(response_id="resp_1", text="Noon.")) == [], "nothing of it is ever told"
    assert play(VoicePaused(at_ms=1900)) == ["Prepare resp_2 for item_1 as far as tts"]


def test_what_was_spent_in_vain_is_told_once_with_the_next_usage() -> None:
    play = in_a_pause()
    play(VoiceResumed(at_ms=1600), PreparationLost(response_id="resp_1", tokens=33))
    play(TurnEnded(at_ms=2400), TranscriptFinished(item_id="item_1", text="Hi.", seconds=1.0))
    usage = llm.Usage(input_tokens=10, output_tokens=5, cached_tokens=4)
    play(AnswerFinished(response_id="resp_2", reason="stop", usage=usage))
    told = play.sent("response.done")["response"]["usage"]
    assert (told["total_tokens"], told["speculative_tokens"]) == (15, 33)
    assert told["input_token_details"]["cached_tokens_details"]["text_tokens"] == 4
    play.client("response.create")
    play(AnswerFinished(response_id="resp_3", reason="stop", usage=usage))
    assert "speculative_tokens" not in play.sent("response.done")["response"]["usage"]


def test_a_turn_is_answered_without_an_attempt_that_failed() -> None:
    play = in_a_pause()
    assert play(PreparationLost(response_id="resp_1")) == []
    play(TurnEnded(at_ms=2000))
    assert play(TranscriptFinished(item_id="item_1", text="Hi.", seconds=1.6))[-1] == "Answer resp_2 to user: Hi."


def test_noise_is_not_answered_by_an_attempt_either() -> None:
    play = in_a_pause()
    play(Prepared(response_id="resp_1", transcript=""), TurnEnded(at_ms=2000))
    assert play(TranscriptFinished(item_id="item_1", text="", seconds=1.6)) == ["Discard resp_1"]


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("session.update", {"session": {"type": "realtime", "instructions": "Be brief."}}),
        (
            "conversation.item.create",
            {"item": {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be brief."}]}},
        ),
    ],
)
def test_an_attempt_at_another_question_is_thrown_away(type_: str, fields: dict[str, Any]) -> None:
    play = in_a_pause()
    play(Prepared(response_id="resp_1", transcript="Hi."))
    play.client(type_, **fields)
    play(TurnEnded(at_ms=2000))
    assert "Discard resp_1" in play(TranscriptFinished(item_id="item_1", text="Hi.", seconds=1.6))


def test_an_item_after_the_turn_makes_it_another_question() -> None:
    play = in_a_pause()
    play(Prepared(response_id="resp_1", transcript="Hi."), TurnEnded(at_ms=2000))
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Quick!"}]}
    play.client("conversation.item.create", item=item)
    lines = play(TranscriptFinished(item_id="item_1", text="Hi.", seconds=1.6))
    assert lines[-1] == "Answer resp_2 to user: Hi. | user: Quick!"


@pytest.mark.parametrize("type_", ["input_audio_buffer.clear", "input_audio_buffer.commit", "response.create"])
def test_a_client_that_takes_over_ends_the_attempt(type_: str) -> None:
    play = in_a_pause()
    play(AudioAppended(total_ms=1600))
    assert "Discard resp_1" in play.client(type_)


def test_speech_after_the_turn_ends_the_attempt() -> None:
    play = in_a_pause()
    play(Prepared(response_id="resp_1", transcript="Hi."), TurnEnded(at_ms=2000))
    assert "Discard resp_1" in play(VoiceStarted(at_ms=2100))


@pytest.mark.parametrize(
    ("changes", "policy", "reach"),
    [
        ({}, {"reach": "llm"}, "llm"),
        ({}, {"reach": "stt"}, "stt"),
        ({"output_modalities": ["text"]}, {}, "llm"),
        ({"audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}}, {}, "stt"),
        ({}, {"recognises": False}, "tts"),
    ],
)
def test_how_far_it_goes(changes: dict[str, Any], policy: dict[str, Any], reach: str) -> None:
    play = Playbook(changes, **{"reach": "tts", **policy})
    play(VoiceStarted(at_ms=700))
    assert play(VoicePaused(at_ms=1500)) == [f"Prepare resp_1 for item_1 as far as {reach}"]
    assert (play.command(Prepare).plan is None) == (reach == "stt")


@pytest.mark.parametrize("policy", [{"reach": "off"}, {"reach": "stt", "recognises": False}])
def test_where_it_does_not_go_at_all(policy: dict[str, Any]) -> None:
    play = Playbook(**policy)
    play(VoiceStarted(at_ms=700))
    assert play(VoicePaused(at_ms=1500)) == []


def test_it_goes_no_further_than_recognition_while_an_answer_is_in_the_way() -> None:
    play = Playbook(
        {"audio": {"input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}}}, reach="tts"
    )
    play.client("response.create")
    play(VoiceStarted(at_ms=700))
    assert play(VoicePaused(at_ms=1500)) == ["Prepare resp_2 for item_1 as far as stt"]


def test_a_model_that_hears_the_recording_needs_no_words_to_compare() -> None:
    play = in_a_pause(recognises=False)
    assert play(TurnEnded(at_ms=2000))[-2:] == ["response.created resp_1", "Adopt resp_1"]


def test_it_rests_with_a_speaker_who_pauses_a_lot_and_comes_back() -> None:
    play = Playbook(reach="llm")

    def tried(ends: bool) -> bool:
        play(VoiceStarted(at_ms=1000))
        attempt = play(VoicePaused(at_ms=1000))
        if not ends:
            play(VoiceResumed(at_ms=1000))
        play(TurnEnded(at_ms=1000))
        return bool(attempt)

    assert [tried(ends=False) for _ in range(6)] == [True, True, True, False, False, False]
    came_back = [tried(ends=True) for _ in range(10)]
    assert came_back[0] is False
    assert came_back[-1] is True
