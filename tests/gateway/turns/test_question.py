"""The user's message: what is asked of the model, and what of it is remembered."""

from adapters.contract import llm
from gateway.pipeline.listen import RecordingFinished, TranscriptFinished
from gateway.turns.question import Question, heard_part, language_hint

HEARD = llm.Text(text="what is this")
HINT = llm.Text(text="Please reply to my message in French.")
IMAGE = llm.Image(url="https://example.org/a.png")


def test_the_hint_is_asked_and_not_remembered() -> None:
    question = Question(role="user", heard=HEARD, hint=HINT, images=(IMAGE,))
    assert question.asked == (llm.Message(role="user", parts=(HEARD, HINT, IMAGE)),)
    assert question.remembered == (llm.Message(role="user", parts=(HEARD, IMAGE)),)


def test_nothing_heard_and_nothing_shown_is_no_message() -> None:
    question = Question(role="user", heard=None, hint=None, images=())
    assert question.asked == question.remembered == ()


def test_the_model_gets_the_transcript_or_else_the_recording() -> None:
    recording = llm.Audio(data=b"RIFF", format="wav")
    assert heard_part(TranscriptFinished(text="what is this", language="en", seconds=1.0)) == HEARD
    assert heard_part(RecordingFinished(recording=recording, seconds=1.0)) == recording
    assert heard_part(None) is None


def test_a_language_without_a_name_gives_no_hint() -> None:
    assert language_hint("fr") == HINT
    assert language_hint("zz") is None
    assert language_hint(None) is None
