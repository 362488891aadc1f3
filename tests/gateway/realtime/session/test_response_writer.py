"""The events of an answer come in the documented order, and say what the API says."""

from gateway.realtime.session.inputs import AnswerAudio, AnswerFinished, AnswerText
from tests.support.playbook import Playbook


def test_a_spoken_answer() -> None:
    play = Playbook()
    assert play.client("response.create")[0] == "response.created resp_1"
    created = play.sent("response.created")["response"]
    assert (created["status"], created["output"], created["output_modalities"]) == ("in_progress", [], ["audio"])
    assert play(AnswerText(response_id="resp_1", text="One ")) == [
        "output_item.added item_1 in_progress",
        "item.added item_1 in_progress",
        "content_part.added item_1",
        "output_audio_transcript.delta 'One '",
    ]
    assert play.sent("response.output_item.added")["item"]["content"] == []
    assert play.sent("response.content_part.added")["part"] == {"type": "audio", "transcript": ""}
    assert play(AnswerAudio(response_id="resp_1", audio=b"\x01\x02\x03", ms=20, begins="One two.")) == [
        "output_audio.delta"
    ]
    assert play.sent("response.output_audio.delta")["delta"] == "AQID"
    assert play(AnswerText(response_id="resp_1", text="two.")) == ["output_audio_transcript.delta 'two.'"]
    assert play(AnswerFinished(response_id="resp_1", reason="stop")) == [
        "output_audio.done",
        "output_audio_transcript.done 'One two.'",
        "content_part.done item_1",
        "item.done item_1",
        "output_item.done item_1",
        "response.done resp_1 completed",
    ]
    assert play.sent("response.content_part.done")["part"] == {"type": "audio", "transcript": "One two."}


def test_an_answer_in_text() -> None:
    play = Playbook({"output_modalities": ["text"]})
    play.client("response.create")
    assert play(AnswerText(response_id="resp_1", text="One."))[-1] == "output_text.delta 'One.'"
    assert play.sent("response.content_part.added")["part"] == {"type": "text", "text": ""}
    assert play(AnswerFinished(response_id="resp_1", reason="stop")) == [
        "output_text.done 'One.'",
        "content_part.done item_1",
        "item.done item_1",
        "output_item.done item_1",
        "response.done resp_1 completed",
    ]
    assert play.sent("response.output_item.done")["item"]["content"] == [{"type": "output_text", "text": "One."}]


def test_an_item_that_the_client_deletes_while_it_is_written_does_not_come_back() -> None:
    play = Playbook()
    play.client("response.create")
    play(AnswerText(response_id="resp_1", text="One."))
    assert play.client("conversation.item.delete", item_id="item_1") == ["ForgetAudio item_1", "item.deleted item_1"]
    lines = play(AnswerFinished(response_id="resp_1", reason="stop"))
    assert "output_item.done item_1" in lines
    assert "item.done item_1" not in lines
