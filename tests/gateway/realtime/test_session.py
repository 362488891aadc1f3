"""A session from its first event to its last: what clients send is answered, in order, and nothing follows the end."""

from tests.support.playbook import Playbook


def test_it_begins() -> None:
    play = Playbook()
    assert play.opening == ["session.created", "conversation.created", "Listen with server_vad"]
    print(play.client("input_audio_buffer.commit", event_id="e1"))
