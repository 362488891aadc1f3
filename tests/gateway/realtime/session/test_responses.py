"""Answers: one in the conversation, others beside it, and how each of them ends."""

from typing import Any

import pytest

from adapters.contract import llm
from gateway.realtime.protocol.response_events import FailureBody
from gateway.realtime.protocol.server_events import RateLimit
from gateway.realtime.session.commands import Answer
from gateway.realtime.session.inputs import (
    AnswerAudio,
    AnswerFailed,
    AnswerFinished,
    AnswerText,
    ToolCallDelta,
    ToolCallFinished,
    ToolCallStarted,
    TranscriptFailed,
    TranscriptFinished,
)
from gateway.realtime.session.responses import MOST_AT_ONCE
from tests.support.playbook import Playbook

FAILURE = FailureBody(type="server_error", code="model_not_ready", message="The model is not ready.")


def text_item(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


SPOKEN_ITEM = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAA"}]}


def test_an_answer_in_the_conversation() -> None:
    play = Playbook()
    play.client("conversation.item.create", item=text_item("Hello"))
    assert play.client("response.create") == ["response.created resp_1", "Answer resp_1 to user: Hello"]
    play(AnswerText(response_id="resp_1", text="Hi."))
    usage = llm.Usage(input_tokens=10, output_tokens=5)
    limits = (RateLimit(name="requests", limit=60, remaining=59, reset_seconds=1.0),)
    lines = play(AnswerFinished(response_id="resp_1", reason="stop", usage=usage, rate_limits=limits))
    assert lines[-2:] == ["response.done resp_1 completed", "rate_limits.updated"]
    response = play.sent("response.done")["response"]
    assert response["usage"]["total_tokens"] == 15
    assert response["conversation_id"] == "conv_1"
    assert response["output"] == [
        {
            "type": "message",
            "id": "item_2",
            "object": "realtime.item",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_audio", "transcript": "Hi."}],
        }
    ]


@pytest.mark.parametrize("conversation", ["auto", "none"])
def test_the_recordings_that_were_given_for_one_answer_go_with_it(conversation: str) -> None:
    play = Playbook()
    play.client("response.create", response={"conversation": conversation, "input": [SPOKEN_ITEM]})
    play(TranscriptFinished(item_id="item_1", text="Hello.", seconds=1.0))
    assert "ForgetAudio item_1" in play(AnswerFinished(response_id="resp_1", reason="stop"))


def test_what_is_said_in_an_item_that_was_deleted_meanwhile_is_forgotten() -> None:
    play = Playbook()
    play.client("response.create")
    play(AnswerAudio(response_id="resp_1", audio=b"\0\0", ms=400, begins="Hi."))
    play.client("conversation.item.delete", item_id="item_1")
    play(AnswerAudio(response_id="resp_1", audio=b"\0\0", ms=400))
    assert "ForgetAudio item_1" in play(AnswerFinished(response_id="resp_1", reason="stop"))


def test_there_is_one_answer_at_a_time() -> None:
    play = Playbook()
    play.client("response.create")
    assert play.client("response.create", event_id="e1") == ["error conversation_already_has_active_response e1"]
    assert play.sent("error")["error"]["message"] == (
        "Conversation already has an active response in progress: resp_1. "
        "Wait until the response is finished before creating a new one."
    )
    play(AnswerFinished(response_id="resp_1", reason="stop"))
    assert play.client("response.create")[0] == "response.created resp_2"


@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        ("stop", "completed"),
        ("tool_calls", "completed"),
        ("length", "incomplete max_output_tokens"),
        ("content_filter", "incomplete content_filter"),
    ],
)
def test_how_an_answer_ends(reason: llm.FinishReason, ending: str) -> None:
    play = Playbook()
    play.client("response.create")
    assert play(AnswerFinished(response_id="resp_1", reason=reason)) == [f"response.done resp_1 {ending}"]


def test_an_answer_that_fails() -> None:
    play = Playbook()
    play.client("response.create")
    assert play(AnswerFailed(response_id="resp_1", error=FAILURE)) == ["response.done resp_1 failed model_not_ready"]
    assert play.sent("response.done")["response"]["status_details"] == {
        "type": "failed",
        "error": {"type": "server_error", "code": "model_not_ready", "message": "The model is not ready."},
    }


def test_a_client_cancels() -> None:
    play = Playbook()
    assert play.client("response.cancel", event_id="e1") == ["error response_cancel_not_active e1"]
    play.client("response.create")
    assert play.client("response.cancel", response_id="resp_9") == ["error response_cancel_not_active"]
    assert play.client("response.cancel") == ["Cancel resp_1", "response.done resp_1 cancelled client_cancelled"]
    assert play(AnswerText(response_id="resp_1", text="late")) == []


def test_of_an_answer_that_the_client_cancels_history_keeps_what_was_sent() -> None:
    play = Playbook()
    play.client("response.create")
    play(
        AnswerText(response_id="resp_1", text="One two. Three four."),
        AnswerAudio(response_id="resp_1", audio=b"\0\0", ms=1000, begins="One two. "),
        AnswerAudio(response_id="resp_1", audio=b"\0\0", ms=1, begins="Three four."),
    )
    play.client("response.cancel")
    assert play.client("response.create")[-1] == "Answer resp_2 to assistant: One two. "


def test_a_function_call_is_told_complete_with_the_answer() -> None:
    play = Playbook({"tools": [{"type": "function", "name": "time", "parameters": {"type": "object"}}]})
    play.client("conversation.item.create", item=text_item("What time is it?"))
    play.client("response.create")
    assert [tool.name for tool in play.command(Answer).plan.tools] == ["time"]
    play(AnswerText(response_id="resp_1", text="Let me see."))
    assert play(ToolCallStarted(response_id="resp_1", call_id="call_1", name="time")) == [
        "output_item.added item_3 in_progress",
        "item.added item_3 in_progress",
    ]
    assert play(ToolCallDelta(response_id="resp_1", call_id="call_1", arguments="{}")) == [
        "function_call_arguments.delta item_3 '{}'"
    ]
    assert play(ToolCallFinished(response_id="resp_1", call_id="call_1", arguments="{}")) == []
    lines = play(AnswerFinished(response_id="resp_1", reason="tool_calls"))
    assert lines[-4:] == [
        "function_call_arguments.done item_3",
        "item.done item_3",
        "output_item.done item_3",
        "response.done resp_1 completed",
    ]
    assert play.sent("response.function_call_arguments.done")["arguments"] == "{}"
    assert play.client("conversation.item.create", item=output("call_1", "noon"))[-1] == "item.done item_4"
    assert play.client("response.create")[-1] == (
        "Answer resp_2 to user: What time is it? | assistant: Let me see. | time({}) | =noon"
    )


def test_a_call_of_an_answer_that_is_broken_off_is_not_to_be_made() -> None:
    play = Playbook()
    play.client("response.create")
    play(
        ToolCallStarted(response_id="resp_1", call_id="call_1", name="time"),
        ToolCallFinished(response_id="resp_1", call_id="call_1", arguments="{}"),
    )
    assert play.client("response.cancel") == [
        "Cancel resp_1",
        "item.done item_1 incomplete",
        "output_item.done item_1 incomplete",
        "response.done resp_1 cancelled client_cancelled",
    ]


def output(call_id: str, text: str) -> dict[str, str]:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def test_an_answer_beside_the_conversation() -> None:
    play = Playbook()
    play.client("conversation.item.create", item=text_item("Hello"))
    play.client("response.create")
    given = [text_item("Classify this."), {"type": "item_reference", "id": "item_1"}]
    params = {
        "conversation": "none",
        "output_modalities": ["text"],
        "metadata": {"topic": "class"},
        "instructions": "One word.",
        "max_output_tokens": 10,
        "input": given,
    }
    assert play.client("response.create", response=params) == [
        "response.created resp_2",
        "Answer resp_2 to user: Classify this. | user: Hello",
    ]
    plan = play.command(Answer).plan
    assert (plan.instructions, plan.max_output_tokens, plan.output) == ("One word.", 10, None)
    assert play(AnswerText(response_id="resp_2", text="Greeting")) == [
        "output_item.added item_3 in_progress",
        "content_part.added item_3",
        "output_text.delta 'Greeting'",
    ]
    assert play(AnswerFinished(response_id="resp_2", reason="stop")) == [
        "output_text.done 'Greeting'",
        "content_part.done item_3",
        "output_item.done item_3",
        "response.done resp_2 completed",
        "ForgetAudio item_2",
        "ForgetAudio item_3",
    ]
    response = play.sent("response.done")["response"]
    assert (response["conversation_id"], response["metadata"]) == (None, {"topic": "class"})
    play(AnswerFinished(response_id="resp_1", reason="stop"))
    assert play.client("response.create")[-1] == "Answer resp_3 to user: Hello"


def test_an_answer_to_nothing() -> None:
    play = Playbook()
    play.client("conversation.item.create", item=text_item("Hello"))
    assert play.client("response.create", response={"input": []})[-1] == "Answer resp_1 to "


def test_an_answer_to_a_recording_of_its_own_waits_for_the_words() -> None:
    play = Playbook()
    given = {"conversation": "none", "input": [SPOKEN_ITEM]}
    assert play.client("response.create", response=given) == [
        "KeepAudio item_1",
        "FinishTranscript item_1",
        "response.created resp_1",
    ]
    assert play(TranscriptFinished(item_id="item_1", text="Secret.", seconds=1.0)) == ["Answer resp_1 to user: Secret."]


def test_an_item_of_its_own_never_takes_the_place_of_one_in_the_conversation() -> None:
    play = Playbook()
    play.client("conversation.item.create", item={**SPOKEN_ITEM, "id": "same"})
    given = {"conversation": "none", "input": [{**SPOKEN_ITEM, "id": "same"}]}
    assert play.client("response.create", response=given)[0] == "KeepAudio item_1"


def test_an_answer_that_waits_fails_with_the_recognition() -> None:
    play = Playbook()
    play.client("conversation.item.create", item=SPOKEN_ITEM)
    assert play.client("response.create") == ["response.created resp_1"]
    assert play(TranscriptFailed(item_id="item_1", error=FAILURE)) == ["response.done resp_1 failed model_not_ready"]


def test_an_answer_waits_for_no_item_that_is_deleted() -> None:
    play = Playbook()
    play.client("conversation.item.create", item=SPOKEN_ITEM)
    play.client("response.create")
    assert play.client("conversation.item.delete", item_id="item_1")[-1] == "Answer resp_1 to "


def test_an_answer_that_waits_is_cancelled_before_it_was_asked_for() -> None:
    play = Playbook()
    play.client("conversation.item.create", item=SPOKEN_ITEM)
    play.client("response.create")
    assert play.client("response.cancel") == ["response.done resp_1 cancelled client_cancelled"]
    assert play(TranscriptFinished(item_id="item_1", text="Hello.", seconds=1.0)) == []


def test_answers_beside_the_conversation_are_bounded() -> None:
    play = Playbook()
    for _ in range(MOST_AT_ONCE):
        assert play.client("response.create", response={"conversation": "none"})[0].startswith("response.created")
    assert play.client("response.create", response={"conversation": "none"}) == ["error rate_limit_exceeded"]
    assert play.client("response.create")[0].startswith("response.created"), "the conversation has its own place"


def test_an_answer_may_differ_from_the_session() -> None:
    play = Playbook({"tools": [{"type": "function", "name": "time"}], "max_output_tokens": 100})
    params = {
        "audio": {"output": {"voice": "cedar", "format": {"type": "audio/pcmu"}}},
        "tools": [],
        "tool_choice": "none",
        "max_output_tokens": "inf",
        "reasoning": {"effort": "low"},
    }
    play.client("response.create", response=params)
    plan = play.command(Answer).plan
    assert (plan.tools, plan.tool_choice, plan.max_output_tokens, plan.reasoning.effort) == ((), "none", None, "low")
    assert (plan.output.voice, plan.output.speed) == ("cedar", 1.0)
    assert play.sent("response.created")["response"]["audio"]["output"] == {
        "format": {"type": "audio/pcmu"},
        "voice": "cedar",
    }


def test_a_tool_may_be_forced() -> None:
    play = Playbook({"tools": [{"type": "function", "name": "time"}]})
    play.client("response.create", response={"tool_choice": {"type": "function", "name": "time"}})
    assert play.command(Answer).plan.tool_choice.name == "time"


def test_tools_of_one_answer_are_bounded_like_those_of_the_session() -> None:
    play = Playbook()
    parameters: dict[str, Any] = {}
    for _ in range(100):
        parameters = {"items": parameters}
    tools = [{"type": "function", "name": "deep", "parameters": parameters}]
    assert play.client("response.create", response={"tools": tools}) == ["error invalid_value"]
    assert play.sent("error")["error"]["param"] == "response.tools"
    assert play.client("session.update", session={"tools": tools}) == ["error invalid_value"]
