"""Turn taking: what the ears hear becomes items and answers, and what interrupts an answer."""

import pytest

from gateway.realtime.protocol.response_events import FailureBody
from gateway.realtime.protocol.session_config import TranscriptionSession
from gateway.realtime.session.commands import Answer, Say, StartTranscript
from gateway.realtime.session.inputs import (
    AnswerAudio,
    AnswerFinished,
    AnswerText,
    AudioAppended,
    ToolCallDelta,
    ToolCallFinished,
    ToolCallStarted,
    TranscriptDelta,
    TranscriptFailed,
    TranscriptFinished,
    TurnEnded,
    VoicePaused,
    VoiceResumed,
    VoiceStarted,
)
from tests.support.playbook import Playbook, answering, turn_detection

SILENT = b"\0\0"


SHOWN = {"audio": {"input": {"transcription": {"model": "whisper-1", "language": "en"}}}}
BY_HAND = {"audio": {"input": {"turn_detection": None}}}


def test_a_turn_is_heard_and_answered() -> None:
    play = Playbook()
    play(AudioAppended(total_ms=800))
    assert play(VoiceStarted(at_ms=700)) == ["StartTranscript item_1 from 400", "speech_started item_1 at 400"]
    assert play(VoicePaused(at_ms=1200), VoiceResumed(at_ms=1400), VoicePaused(at_ms=1500)) == []
    assert play(TurnEnded(at_ms=2000)) == [
        "speech_stopped item_1 at 2000",
        "CommitAudio item_1 from 400 to 2000",
        "committed item_1",
        "item.added item_1",
        "item.done item_1",
        "FinishTranscript item_1",
    ]
    assert play.sent("conversation.item.added")["item"]["content"] == [{"type": "input_audio", "transcript": None}]
    assert play(TranscriptFinished(item_id="item_1", text="Hello.", seconds=1.6)) == [
        "response.created resp_1",
        "Answer resp_1 to user: Hello.",
    ]


@pytest.mark.parametrize("reach", ["off", "stt"])
@pytest.mark.parametrize("kind", ["server_vad", "semantic_vad"])
def test_words_are_wanted_in_pauses_for_work_ahead_and_to_judge_whether_a_turn_has_ended(kind: str, reach: str) -> None:
    play = Playbook({"audio": {"input": {"turn_detection": {"type": kind}}}}, reach=reach)
    play(VoiceStarted(at_ms=700))
    assert play.command(StartTranscript).recognition.in_pauses is (kind == "semantic_vad" or reach == "stt")


def test_the_padding_goes_no_further_back_than_the_turn_before() -> None:
    play = Playbook(turn_detection(prefix_padding_ms=600, create_response=False))
    assert play(VoiceStarted(at_ms=200))[0] == "StartTranscript item_1 from 0"
    play(TurnEnded(at_ms=1500))
    assert play(VoiceStarted(at_ms=1600))[0] == "StartTranscript item_2 from 1500"


def test_words_are_shown_while_the_user_speaks_and_whole_at_the_end() -> None:
    play = Playbook(SHOWN)
    play(VoiceStarted(at_ms=700))
    assert play(TranscriptDelta(item_id="item_1", text="Hel")) == ["transcription.delta item_1 'Hel'"]
    play(TurnEnded(at_ms=2000))
    assert play(TranscriptDelta(item_id="item_1", text="lo.")) == ["transcription.delta item_1 'lo.'"]
    lines = play(TranscriptFinished(item_id="item_1", text="Hello.", seconds=1.6))
    assert lines[0] == "transcription.completed item_1 'Hello.'"
    completed = play.sent("conversation.item.input_audio_transcription.completed")
    assert completed["usage"] == {"type": "duration", "seconds": 1.6}
    assert play(TranscriptDelta(item_id="item_1", text="late")) == []


def test_words_are_known_but_not_shown_to_a_client_that_did_not_ask() -> None:
    play = Playbook()
    play(VoiceStarted(at_ms=700))
    assert play(TranscriptDelta(item_id="item_1", text="Hel")) == []


def test_noise_is_not_answered() -> None:
    play = Playbook()
    play(VoiceStarted(at_ms=700), TurnEnded(at_ms=2000))
    assert play(TranscriptFinished(item_id="item_1", text=" ", seconds=1.3)) == []


def test_what_cannot_be_recognised_fails_the_answer() -> None:
    play = Playbook(SHOWN)
    play(VoiceStarted(at_ms=700), TurnEnded(at_ms=2000))
    error = FailureBody(type="server_error", code="model_not_ready", message="The recogniser is not ready.")
    assert play(TranscriptFailed(item_id="item_1", error=error)) == [
        "transcription.failed item_1 model_not_ready",
        "response.created resp_1",
        "response.done resp_1 failed model_not_ready",
    ]


def test_without_a_recogniser_the_model_hears_the_recording() -> None:
    play = Playbook(recognises=False)
    assert play(VoiceStarted(at_ms=700)) == ["speech_started item_1 at 400"]
    assert play(TurnEnded(at_ms=2000))[-2:] == ["response.created resp_1", "Answer resp_1 to user: None"]


def test_without_a_recogniser_there_is_no_transcript_to_show() -> None:
    play = Playbook(SHOWN, recognises=False)
    play(VoiceStarted(at_ms=700))
    assert "transcription.failed item_1 transcription_unavailable" in play(TurnEnded(at_ms=2000))


def test_a_client_that_answers_turns_itself_is_not_answered() -> None:
    play = Playbook(turn_detection(create_response=False))
    play(VoiceStarted(at_ms=700), TurnEnded(at_ms=2000))
    assert play(TranscriptFinished(item_id="item_1", text="Hello.", seconds=1.3)) == []
    assert play.client("response.create") == ["response.created resp_1", "Answer resp_1 to user: Hello."]


def test_a_transcription_session_transcribes_only() -> None:
    play = Playbook(config=TranscriptionSession(id="sess_1"))
    play(VoiceStarted(at_ms=700), TurnEnded(at_ms=2000))
    assert play(TranscriptFinished(item_id="item_1", text="Hello.", seconds=1.3)) == [
        "transcription.completed item_1 'Hello.'"
    ]
    assert play.client("response.create", event_id="e1") == ["error invalid_value e1"]


def test_a_turn_by_hand() -> None:
    play = Playbook(BY_HAND)
    assert play(VoiceStarted(at_ms=10)) == [], "the ears may be late"
    assert play(AudioAppended(total_ms=500)) == ["StartTranscript item_1 from 0"]
    assert play(AudioAppended(total_ms=900)) == []
    assert play.client("input_audio_buffer.commit") == [
        "CommitAudio item_1 from 0 to 900",
        "committed item_1",
        "item.added item_1",
        "item.done item_1",
        "FinishTranscript item_1",
    ]
    assert play.client("response.create") == ["response.created resp_1"], "the words are not known yet"
    assert play(TranscriptFinished(item_id="item_1", text="Hello.", seconds=0.9)) == ["Answer resp_1 to user: Hello."]
    assert play(AudioAppended(total_ms=1000)) == ["StartTranscript item_2 from 900"]


def test_words_of_a_turn_by_hand_are_shown_once_there_is_an_item() -> None:
    play = Playbook({"audio": {"input": {"turn_detection": None, "transcription": {}}}})
    play(AudioAppended(total_ms=500))
    assert play(TranscriptDelta(item_id="item_1", text="Hel")) == []
    assert play.client("input_audio_buffer.commit")[-2:] == [
        "transcription.delta item_1 'Hel'",
        "FinishTranscript item_1",
    ]


def test_a_commit_of_too_little() -> None:
    play = Playbook(BY_HAND)
    play(AudioAppended(total_ms=60))
    assert play.client("input_audio_buffer.commit", event_id="e1") == ["error input_audio_buffer_commit_empty e1"]
    assert play.sent("error")["error"]["message"] == (
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
        "but buffer only has 60.00ms of audio."
    )


def test_a_buffer_that_is_cleared() -> None:
    play = Playbook(BY_HAND)
    play(AudioAppended(total_ms=500))
    assert play.client("input_audio_buffer.clear") == ["DropTranscript item_1", "ClearAudio 500", "cleared"]
    assert play.client("input_audio_buffer.commit") == ["error input_audio_buffer_commit_empty"]


@pytest.mark.parametrize("detection", [None, {"type": "server_vad"}])
def test_another_format_begins_the_buffer_anew(detection: dict[str, str] | None) -> None:
    play = Playbook({"audio": {"input": {"turn_detection": detection}}})
    play(VoiceStarted(at_ms=0), AudioAppended(total_ms=500))
    lines = play.client("session.update", session={"audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    assert [line for line in lines if "stopped" not in line] == [
        "session.updated",
        "DropTranscript item_1",
        "ClearAudio 500",
        f"Listen with {'server_vad' if detection else 'nothing'}",
    ]
    assert ("speech_stopped item_1 at 500" in lines) is bool(detection), "what was told of ends"
    play(AudioAppended(total_ms=550))
    assert play.client("input_audio_buffer.commit") == ["error input_audio_buffer_commit_empty"], "50 ms are there"
    play(AudioAppended(total_ms=900))
    assert "CommitAudio item_2 from 500 to 900" in play.client("input_audio_buffer.commit")


def test_a_turn_of_the_ears_that_is_cleared_ends() -> None:
    play = Playbook()
    play(VoiceStarted(at_ms=700), AudioAppended(total_ms=1500))
    assert play.client("input_audio_buffer.clear") == [
        "speech_stopped item_1 at 1500",
        "DropTranscript item_1",
        "ClearAudio 1500",
        "cleared",
    ]
    assert play(TurnEnded(at_ms=1600)) == []


def test_a_client_may_end_a_turn_that_the_ears_began() -> None:
    play = Playbook()
    play(VoiceStarted(at_ms=700), AudioAppended(total_ms=1500))
    lines = play.client("input_audio_buffer.commit")
    assert lines[:2] == ["speech_stopped item_1 at 1500", "CommitAudio item_1 from 400 to 1500"]
    assert play(TranscriptFinished(item_id="item_1", text="Hello.", seconds=1.1)) == [], "a commit alone asks nothing"
    assert play(TurnEnded(at_ms=1600)) == []


def test_turn_detection_is_switched_off_while_the_user_speaks() -> None:
    play = Playbook()
    play(VoiceStarted(at_ms=700), AudioAppended(total_ms=1500))
    play.client("session.update", session=BY_HAND)
    assert play(TurnEnded(at_ms=1600)) == []
    assert play.client("input_audio_buffer.commit")[0] == "speech_stopped item_1 at 1500"


def test_speech_interrupts_an_answer_and_history_keeps_what_was_heard() -> None:
    play = answering()
    play.seconds += 1.0
    assert play(VoiceStarted(at_ms=4000)) == [
        "StartTranscript item_2 from 3700",
        "speech_started item_2 at 3700",
        "ClearPlayback",
        "Cancel resp_1",
        "output_audio.done",
        "output_audio_transcript.done 'One two three four. Five six.'",
        "content_part.done item_1",
        "item.done item_1 incomplete",
        "output_item.done item_1 incomplete",
        "response.done resp_1 cancelled turn_detected",
    ]
    assert play(AnswerText(response_id="resp_1", text="late")) == []
    play(TurnEnded(at_ms=5000))
    assert play(TranscriptFinished(item_id="item_2", text="Stop.", seconds=1.0)) == [
        "response.created resp_2",
        "Answer resp_2 to assistant: One two three four.  | user: Stop.",
    ]


def test_speech_cuts_an_answer_that_is_sent_whole_but_not_played() -> None:
    play = answering()
    play(AnswerFinished(response_id="resp_1", reason="stop"))
    play.seconds += 1.0
    assert play(VoiceStarted(at_ms=4000))[-1] == "ClearPlayback"
    play.client("conversation.item.retrieve", item_id="item_1")
    content = play.sent("conversation.item.retrieved")["item"]["content"]
    assert content == [{"type": "output_audio", "transcript": "One two three four. "}]


def test_speech_stops_the_next_answer_and_cuts_the_one_that_is_played() -> None:
    play = answering()
    play(AnswerFinished(response_id="resp_1", reason="stop"))
    play.client("response.create")
    play.seconds += 1.0
    play(AnswerText(response_id="resp_2", text="Seven."))
    lines = play(VoiceStarted(at_ms=4000))
    assert {"ClearPlayback", "response.done resp_2 cancelled turn_detected"} <= set(lines)
    assert play.client("response.create")[-1] == "Answer resp_3 to assistant: One two three four.  | assistant: "


def transcript(play: Playbook, item_id: str) -> str:
    play.client("conversation.item.retrieve", item_id=item_id)
    return str(play.sent("conversation.item.retrieved")["item"]["content"][0]["transcript"])


@pytest.mark.parametrize("ending", ["response.cancel", "whole"])
def test_a_client_that_stops_the_playing_cuts_what_is_played(ending: str) -> None:
    play = answering()
    if ending == "whole":
        play(AnswerFinished(response_id="resp_1", reason="stop"))
    else:
        play.client(ending)
    play.seconds += 1.0
    assert play.client("output_audio_buffer.clear") == ["ClearPlayback"]
    assert transcript(play, "item_1") == "One two three four. "
    assert "ClearPlayback" not in play(VoiceStarted(at_ms=4000)), "nothing is played any more"


def test_of_an_answer_that_goes_on_after_its_playing_was_stopped_no_more_is_heard() -> None:
    play = answering()
    play.seconds += 1.0
    play.client("output_audio_buffer.clear")
    play(
        AnswerText(response_id="resp_1", text=" Seven."),
        AnswerAudio(response_id="resp_1", audio=SILENT, ms=3000, begins=" Seven."),
        AnswerFinished(response_id="resp_1", reason="stop"),
    )
    assert transcript(play, "item_1") == "One two three four. "
    play.seconds += 2.0
    assert "ClearPlayback" not in play(VoiceStarted(at_ms=6000))
    assert transcript(play, "item_1") == "One two three four. "


def test_an_answer_that_was_played_stays_whole() -> None:
    play = answering()
    play(AnswerFinished(response_id="resp_1", reason="stop"))
    play.seconds += 2.5
    assert play(VoiceStarted(at_ms=4000))[-1] == "speech_started item_2 at 3700"
    play.client("conversation.item.retrieve", item_id="item_1")
    (content,) = play.sent("conversation.item.retrieved")["item"]["content"]
    assert content["transcript"] == "One two three four. Five six."


def test_speech_interrupts_an_answer_that_waits_for_words() -> None:
    play = Playbook()
    item = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAA"}]}
    play.client("conversation.item.create", item=item)
    play.client("response.create")
    assert play(VoiceStarted(at_ms=700))[-1] == "response.done resp_1 cancelled turn_detected"
    assert play(TranscriptFinished(item_id="item_1", text="Hello.", seconds=0.1)) == []


def test_speech_interrupts_an_answer_before_its_first_word() -> None:
    play = Playbook()
    play.client("response.create")
    assert play(VoiceStarted(at_ms=700))[-2:] == ["Cancel resp_1", "response.done resp_1 cancelled turn_detected"]


def test_speech_interrupts_a_function_call_which_is_not_made() -> None:
    play = Playbook()
    play.client("response.create")
    play(
        AnswerText(response_id="resp_1", text="Let me see."),
        ToolCallStarted(response_id="resp_1", call_id="call_1", name="time"),
        ToolCallDelta(response_id="resp_1", call_id="call_1", arguments="{"),
    )
    lines = play(VoiceStarted(at_ms=700))
    assert lines[-3:] == [
        "item.done item_2 incomplete",
        "output_item.done item_2 incomplete",
        "response.done resp_1 cancelled turn_detected",
    ]
    assert "function_call_arguments.done item_2" not in lines


def test_speech_does_not_interrupt_an_answer_beside_the_conversation() -> None:
    play = Playbook()
    play.client("response.create", response={"conversation": "none"})
    assert play(VoiceStarted(at_ms=700))[-1] == "speech_started item_1 at 400"
    assert play(AnswerText(response_id="resp_1", text="Hi."))[-1] == "output_audio_transcript.delta 'Hi.'"


def test_a_function_runs_while_the_user_goes_on_talking() -> None:
    play = Playbook()
    play.client("response.create")
    play(
        ToolCallStarted(response_id="resp_1", call_id="call_1", name="time"),
        ToolCallFinished(response_id="resp_1", call_id="call_1", arguments="{}"),
        AnswerFinished(response_id="resp_1", reason="tool_calls"),
        VoiceStarted(at_ms=700),
        TurnEnded(at_ms=2000),
    )
    output = {"type": "function_call_output", "call_id": "call_1", "output": "noon"}
    assert play.client("conversation.item.create", item=output) == ["item.added item_3", "item.done item_3"]
    assert play.client("response.create") == ["response.created resp_2"], "it answers what was said as well"
    assert play(TranscriptFinished(item_id="item_2", text="Hello?", seconds=1.3)) == [
        "Answer resp_2 to time({}) | user: Hello? | =noon"
    ]
    assert play(AnswerFinished(response_id="resp_2", reason="stop")) == ["response.done resp_2 completed"]


def test_speech_that_does_not_interrupt_is_answered_afterwards() -> None:
    play = answering(turn_detection(interrupt_response=False))
    assert play(VoiceStarted(at_ms=4000))[-1] == "speech_started item_2 at 3700"
    play(TurnEnded(at_ms=5000))
    assert play(TranscriptFinished(item_id="item_2", text="And?", seconds=1.0)) == []
    lines = play(AnswerFinished(response_id="resp_1", reason="stop"))
    assert lines[-3:] == [
        "response.done resp_1 completed",
        "response.created resp_2",
        "Answer resp_2 to assistant: One two three four. Five six. | user: And?",
    ]


def test_turns_that_follow_each_other_are_answered_together() -> None:
    play = Playbook()
    play(VoiceStarted(at_ms=700), TurnEnded(at_ms=2000), VoiceStarted(at_ms=2100))
    assert play(TranscriptFinished(item_id="item_1", text="What about", seconds=1.3)) == [], "the user speaks on"
    play(TurnEnded(at_ms=3000))
    assert play(TranscriptFinished(item_id="item_2", text="", seconds=1.3)) == [
        "response.created resp_1",
        "Answer resp_1 to user: What about | user: ",
    ]


def test_a_cough_is_too_short_to_interrupt() -> None:
    play = answering(least_speech_ms=300)
    assert play(VoiceStarted(at_ms=4000), AudioAppended(total_ms=4250)) == ["StartTranscript item_2 from 3700"]
    assert play(VoicePaused(at_ms=4200), AudioAppended(total_ms=4900)) == []
    assert play(TurnEnded(at_ms=4800)) == ["DropTranscript item_2", "ClearAudio 4800"]
    assert play(AnswerText(response_id="resp_1", text=" Seven.")) == ["output_audio_transcript.delta ' Seven.'"]


def test_speech_interrupts_once_it_is_long_enough() -> None:
    play = answering(least_speech_ms=300)
    play(VoiceStarted(at_ms=4000), VoicePaused(at_ms=4200), VoiceResumed(at_ms=4400))
    assert play(AudioAppended(total_ms=4450)) == []
    lines = play(AudioAppended(total_ms=4500))
    assert (lines[0], lines[-1]) == ("speech_started item_2 at 3700", "response.done resp_1 cancelled turn_detected")


def test_speech_interrupts_once_it_has_enough_words() -> None:
    play = answering(SHOWN, least_speech_words=2)
    play(VoiceStarted(at_ms=4000), AudioAppended(total_ms=9000))
    assert play(TranscriptDelta(item_id="item_2", text="stop")) == []
    lines = play(TranscriptDelta(item_id="item_2", text=" it"))
    assert lines[0] == "speech_started item_2 at 3700"
    assert lines[-2:] == ["transcription.delta item_2 'stop'", "transcription.delta item_2 ' it'"]


def test_words_that_come_after_the_turn_decide_too() -> None:
    play = answering(least_speech_words=2)
    play(VoiceStarted(at_ms=4000), VoicePaused(at_ms=4600))
    assert play(TurnEnded(at_ms=5000)) == ["CommitAudio item_2 from 3700 to 5000", "FinishTranscript item_2"]
    assert play(TranscriptFinished(item_id="item_2", text="Mm-hmm.", seconds=1.3)) == ["ForgetAudio item_2"]
    play(VoiceStarted(at_ms=6000), TurnEnded(at_ms=7000))
    lines = play(TranscriptFinished(item_id="item_3", text="Stop it.", seconds=1.3))
    assert lines[0] == "speech_started item_3 at 5700"
    assert "response.done resp_1 cancelled turn_detected" in lines
    assert lines[-6:] == [
        "speech_stopped item_3 at 7000",
        "committed item_3",
        "item.added item_3",
        "item.done item_3",
        "response.created resp_2",
        "Answer resp_2 to assistant:  | user: Stop it.",
    ]


def test_short_speech_counts_where_there_is_nothing_to_interrupt() -> None:
    play = Playbook(least_speech_ms=300, least_speech_words=2)
    assert play(VoiceStarted(at_ms=4000))[-1] == "speech_started item_1 at 3700"


def test_short_speech_counts_when_the_answer_has_ended_meanwhile() -> None:
    play = answering(least_speech_ms=300)
    play(AnswerFinished(response_id="resp_1", reason="stop"), VoiceStarted(at_ms=4000))
    play.seconds += 2.1
    assert play(AudioAppended(total_ms=4100)) == ["speech_started item_2 at 3700"]


def test_an_answer_is_to_the_language_that_was_heard_last() -> None:
    play = Playbook()

    def asked(number: int, text: str, language: str | None) -> str | None:
        play(VoiceStarted(at_ms=number * 4000), TurnEnded(at_ms=number * 4000 + 1000))
        play(TranscriptFinished(item_id=f"item_{number}", text=text, language=language, seconds=1.0))
        found: str | None = play.command(Answer).plan.language
        play(AnswerFinished(response_id=f"resp_{number}", reason="stop"))
        return found

    assert [asked(1, "Hm?", None), asked(2, "Wie spät?", "de"), asked(3, "OK", None)] == [None, "de", "de"]
    play(VoiceStarted(at_ms=16_000), TurnEnded(at_ms=17_000))
    play(TranscriptFinished(item_id="item_4", text="", language="nn", seconds=1.0))
    play.client("response.create")
    assert play.command(Answer).plan.language == "de", "noise has none"
    play(AnswerFinished(response_id="resp_4", reason="stop"))
    assert asked(5, "Quelle heure?", "fr") == "fr"
    play.client("conversation.item.delete", item_id="item_5")
    play.client("response.create", response={"output_modalities": ["text"]})
    assert play.command(Answer).plan.language == "de"


def test_after_a_false_interruption_the_rest_is_spoken() -> None:
    play = answering(resumes=True)
    play.seconds += 1.0
    play(VoiceStarted(at_ms=4000), TurnEnded(at_ms=5000))
    assert play(TranscriptFinished(item_id="item_2", text="", seconds=1.0)) == [
        "response.created resp_2",
        "Say resp_2 'Five six.'",
    ]


def test_the_rest_of_an_answer_is_spoken_in_the_language_of_the_question() -> None:
    play = Playbook(resumes=True)
    play(VoiceStarted(at_ms=1000), TurnEnded(at_ms=2000))
    play(TranscriptFinished(item_id="item_1", text="Zähle.", language="de", seconds=1.0))
    play(AnswerText(response_id="resp_1", text="Eins. Zwei."))
    play(AnswerAudio(response_id="resp_1", audio=b"\0\0", ms=2000, begins="Eins. Zwei."))
    play(VoiceStarted(at_ms=4000), TurnEnded(at_ms=5000))
    play(TranscriptFinished(item_id="item_3", text="", language="nn", seconds=1.0))
    assert play.command(Say).language == "de"


def test_words_after_an_interruption_are_answered_instead() -> None:
    play = answering(resumes=True)
    play(VoiceStarted(at_ms=4000), TurnEnded(at_ms=5000))
    lines = play(TranscriptFinished(item_id="item_2", text="Stop.", seconds=1.0))
    assert lines[-1] == "Answer resp_2 to assistant:  | user: Stop."
    play(VoiceStarted(at_ms=6000), TurnEnded(at_ms=7000))
    assert play(TranscriptFinished(item_id="item_3", text="", seconds=1.0)) == [], "nothing was said that has a rest"


def test_an_answer_is_not_resumed_unless_the_operator_says_so() -> None:
    play = answering()
    play(VoiceStarted(at_ms=4000), TurnEnded(at_ms=5000))
    assert play(TranscriptFinished(item_id="item_2", text="", seconds=1.0)) == []


def test_an_answer_in_text_is_not_resumed_aloud() -> None:
    play = Playbook({"output_modalities": ["text"]}, resumes=True)
    play.client("response.create")
    play(AnswerText(response_id="resp_1", text="One two."), VoiceStarted(at_ms=4000), TurnEnded(at_ms=5000))
    assert play(TranscriptFinished(item_id="item_2", text="", seconds=1.0)) == []


def test_what_is_asked_before_the_first_word_of_an_answer_comes_after_it() -> None:
    play = Playbook(turn_detection(interrupt_response=False))
    play(VoiceStarted(at_ms=1000), TurnEnded(at_ms=2000))
    play(TranscriptFinished(item_id="item_1", text="One?", seconds=1.0))
    play(VoiceStarted(at_ms=4000), TurnEnded(at_ms=5000))
    play(TranscriptFinished(item_id="item_2", text="Two?", seconds=1.0))
    lines = play(AnswerText(response_id="resp_1", text="One."), AnswerFinished(response_id="resp_1", reason="stop"))
    assert "item.added item_3 in_progress" in lines
    assert play.sent("conversation.item.added")["previous_item_id"] == "item_1"
    assert lines[-1] == "Answer resp_2 to user: One? | assistant: One. | user: Two?"


def test_an_answer_goes_last_where_the_client_has_deleted_what_it_answers() -> None:
    play = Playbook()
    for name in ("asked", "next"):
        content = [{"type": "input_text", "text": name}]
        play.client(
            "conversation.item.create", item={"type": "message", "role": "user", "id": name, "content": content}
        )
        if name == "asked":
            play.client("response.create")
    play.client("conversation.item.delete", item_id="asked")
    play(AnswerText(response_id="resp_1", text="One."))
    assert play.sent("conversation.item.added")["previous_item_id"] == "next"
