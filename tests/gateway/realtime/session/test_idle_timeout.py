"""The idle timeout: who says nothing after an answer is spoken to again, and nobody else."""

import pytest

from gateway.realtime.session.inputs import (
    AnswerFinished,
    AnswerText,
    AudioAppended,
    TimerFired,
    ToolCallFinished,
    ToolCallStarted,
    TranscriptFinished,
    TurnEnded,
    VoiceStarted,
)
from tests.support.playbook import Playbook, answering, turn_detection


def test_a_user_who_stays_silent_is_spoken_to_again() -> None:
    play = answering(turn_detection(idle_timeout_ms=6000))
    lines = play(AnswerFinished(response_id="resp_1", reason="stop"))
    assert lines[-1] == "SetTimer idle_timeout 8", "two seconds are still to be played"
    play(AudioAppended(total_ms=17_000))
    assert play(TimerFired(name="idle_timeout")) == [
        "timeout_triggered item_2 at 11000 at 17000",
        "CommitAudio item_2 from 11000 to 17000",
        "committed item_2",
        "item.added item_2",
        "item.done item_2",
        "response.created resp_2",
        "Answer resp_2 to assistant: One two three four. Five six. | user: ",
    ]


def test_a_user_who_speaks_is_not_idle() -> None:
    play = answering(turn_detection(idle_timeout_ms=6000))
    play(AnswerFinished(response_id="resp_1", reason="stop"))
    play.seconds += 3.0
    assert "CancelTimer idle_timeout" in play(VoiceStarted(at_ms=4000))
    assert play(TimerFired(name="idle_timeout")) == []


def test_a_user_whose_words_are_awaited_is_not_idle() -> None:
    play = answering(turn_detection(idle_timeout_ms=6000))
    play.seconds += 1.0
    lines = [*play(VoiceStarted(at_ms=4000)), *play(TurnEnded(at_ms=9000))]
    assert not any("Timer" in line for line in lines), "the interrupted answer is not waited upon"
    lines = play(TranscriptFinished(item_id="item_2", text="What is the weather?", seconds=4.0))
    assert lines[-1].startswith("Answer resp_2")
    assert "SetTimer idle_timeout 6" in play(
        AnswerText(response_id="resp_2", text="Fine."), AnswerFinished(response_id="resp_2", reason="stop")
    )


def test_a_user_who_has_asked_is_not_idle_while_the_client_thinks() -> None:
    play = answering(turn_detection(idle_timeout_ms=6000, create_response=False))
    play(AnswerFinished(response_id="resp_1", reason="stop"))
    play.seconds += 3.0
    assert "CancelTimer idle_timeout" in play(VoiceStarted(at_ms=4000))
    lines = play(TurnEnded(at_ms=6000), TranscriptFinished(item_id="item_2", text="What is it?", seconds=2.0))
    assert not any("SetTimer" in line for line in lines)
    assert "response.created resp_2" in play.client("response.create")


@pytest.mark.parametrize("create_response", [True, False])
def test_a_user_who_only_coughed_is_idle(*, create_response: bool) -> None:
    play = answering(turn_detection(idle_timeout_ms=6000, create_response=create_response))
    play(AnswerFinished(response_id="resp_1", reason="stop"))
    play.seconds += 3.0
    assert "CancelTimer idle_timeout" in play(VoiceStarted(at_ms=4000))
    play(TurnEnded(at_ms=5000))
    assert play(TranscriptFinished(item_id="item_2", text="", seconds=1.0))[-1] == "SetTimer idle_timeout 6"
    play(AudioAppended(total_ms=17_000))
    assert "response.created resp_2" in play(TimerFired(name="idle_timeout"))


def test_nobody_is_idle_while_a_tool_runs() -> None:
    play = Playbook(turn_detection(idle_timeout_ms=6000))
    play.client("response.create")
    lines = play(
        ToolCallStarted(response_id="resp_1", call_id="c", name="f"),
        ToolCallFinished(response_id="resp_1", call_id="c", arguments="{}"),
        AnswerFinished(response_id="resp_1", reason="tool_calls"),
    )
    assert not any("Timer" in line for line in lines)


def test_an_answer_of_an_earlier_session_is_not_waited_upon() -> None:
    play = Playbook(turn_detection(idle_timeout_ms=6000))
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Well?"}]}
    assert not any("Timer" in line for line in play.client("conversation.item.create", item=message))


def test_an_idle_timeout_that_was_switched_off_has_no_effect() -> None:
    play = answering(turn_detection(idle_timeout_ms=6000))
    play(AnswerFinished(response_id="resp_1", reason="stop"))
    lines = play.client("session.update", session=turn_detection(idle_timeout_ms=None))
    assert lines[-1] == "CancelTimer idle_timeout"
    assert play(TimerFired(name="idle_timeout")) == []
