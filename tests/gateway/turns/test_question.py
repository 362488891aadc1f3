"""The user's message: what is asked of the model, and what of it is remembered."""

import msgspec

from adapters.contract import llm
from gateway.conversation.conversation import Languages
from gateway.pipeline.listen import RecordingFinished, TranscriptFinished
from gateway.turns.question import Question, heard_part, language_hint

HEARD = llm.Text(text="what is this")
HINT = llm.Text(text="Please reply to my message in French.")
IMAGE = llm.Image(url="https://example.org/a.png")
QUESTION = Question(role="user", languages=Languages(), heard=HEARD, hint=HINT, images=(IMAGE,))


def said(role: str, *parts: llm.Part) -> llm.Message:
    return llm.Message(role=role, parts=parts)


def test_the_hint_is_no_part_of_what_is_remembered() -> None:
    assert QUESTION.message == (said("user", HEARD, IMAGE),)


def test_the_hint_goes_into_the_newest_message_of_the_user() -> None:
    before = (said("system", llm.Text(text="Be brief.")), said("user", HEARD), said("assistant", HEARD))
    result = said("tool", llm.ToolResult(call_id="c", output="noon"))
    assert QUESTION.hinted((*before, said("user", HEARD, IMAGE))) == (*before, said("user", HEARD, IMAGE, HINT))
    assert QUESTION.hinted((*before, result)) == (before[0], said("user", HEARD, HINT), before[2], result)
    assert QUESTION.hinted(before[:1]) == before[:1], "there is no message of the user"
    plain = msgspec.structs.replace(QUESTION, hint=None)
    assert plain.hinted(before) == before


def test_nothing_heard_and_nothing_shown_is_no_message() -> None:
    assert Question(role="user", languages=Languages(), heard=None, hint=None, images=()).message == ()


def test_the_model_gets_the_transcript_or_else_the_recording() -> None:
    recording = llm.Audio(data=b"RIFF", format="wav")
    assert heard_part(TranscriptFinished(text="what is this", language="en", seconds=1.0)) == HEARD
    assert heard_part(RecordingFinished(recording=recording, seconds=1.0)) == recording
    assert heard_part(None) is None


def test_a_language_without_a_name_gives_no_hint() -> None:
    assert language_hint("fr") == HINT
    assert language_hint("zz") is None
    assert language_hint(None) is None
