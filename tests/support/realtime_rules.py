"""The order rules of the Realtime API, and of a session's commands, as a checker that is shown every command."""

from typing import Any

from gateway.realtime.session import commands
from gateway.realtime.session.commands import Command
from tests.support.server_events import checked


class Rules:
    """Fails at the first command that breaks a rule. ``open_transcripts`` are those whose words were asked for."""

    def __init__(self) -> None:
        self.started = self.over = False
        self.speech: dict[str, str] = {}
        self.items: list[str] = []
        self.item_stages: dict[str, str] = {}
        self.responses: dict[str, _Response] = {}
        self.running: set[str] = set()
        self.attempt: str | None = None
        self.open_transcripts: set[str] = set()
        self.told_transcripts: set[str] = set()
        self.recordings: set[str] = set()

    def see(self, command: Command) -> None:
        """The next command."""
        assert not self.over, f"{command} after the end"
        match command:
            case commands.Send() | commands.SendItem():
                self.event(checked(command.event))
            case commands.CommitAudio():
                assert command.start_ms <= command.end_ms
                self.recordings.add(command.item_id)
            case commands.KeepAudio():
                self.recordings.add(command.item_id)
            case commands.FinishTranscript():
                assert command.item_id in self.recordings, "there is no audio yet"
                self.open_transcripts.add(command.item_id)
            case commands.DropTranscript() | commands.ForgetAudio():
                self.open_transcripts.discard(command.item_id)
            case commands.Answer() | commands.Say():
                self.begin(command.response_id)
            case commands.Cancel():
                self.running.remove(command.response_id)
            case commands.Prepare():
                assert self.attempt is None, "two attempts at once"
                assert (command.plan is None) == (command.reach == "stt")
                self.attempt = command.response_id
            case commands.Adopt():
                assert self.attempt == command.response_id
                self.attempt = None
                self.begin(command.response_id)
            case commands.Discard():
                assert self.attempt == command.response_id
                self.attempt = None
            case commands.Close():
                self.over = True

    def begin(self, response_id: str) -> None:
        """An answer is asked for: one that the client knows of, once, with no words missing."""
        assert self.responses[response_id].stage == "created"
        assert response_id not in self.running
        self.running.add(response_id)

    def settled(self) -> None:
        """All commands of an input were seen: an answer that was not asked for waits for words, which come."""
        if self.over:
            return
        waiting = [id_ for id_, each in self.responses.items() if each.stage == "created" and id_ not in self.running]
        assert not waiting or self.open_transcripts

    def ended(self) -> None:
        """The transport is gone, or was told to go."""
        self.over = True
        assert not self.running, "an answer goes on"
        assert self.attempt is None

    def event(self, event: dict[str, Any]) -> None:
        """The next event that is sent."""
        name = event["type"]
        assert self.started == (name != "session.created"), "session.created is first, and once"
        self.started = True
        if "previous_item_id" in event:
            assert event["previous_item_id"] is None or event["previous_item_id"] in self.items
        if name.startswith("input_audio_buffer.") and "item_id" in event:
            self._speech(name.removeprefix("input_audio_buffer."), event["item_id"])
        elif "input_audio_transcription" in name:
            self._transcription(name.rpartition(".")[2], event["item_id"])
        elif name.startswith("conversation.item."):
            self._item(name.removeprefix("conversation.item."), event)
        elif name in ("response.created", "response.done"):
            self._response(name, event["response"])
        elif name.startswith("response."):
            self.responses[event["response_id"]].event(name.removeprefix("response."), event)

    def _speech(self, name: str, item_id: str) -> None:
        before = {
            "speech_started": (None,),
            "speech_stopped": ("speech_started",),
            "timeout_triggered": (None,),
            "committed": (None, "speech_stopped", "timeout_triggered"),
        }
        assert self.speech.get(item_id) in before[name], f"{name} after {self.speech.get(item_id)}"
        self.speech[item_id] = name

    def _transcription(self, name: str, item_id: str) -> None:
        assert item_id not in self.told_transcripts, "words after the last ones"
        if name == "delta":
            assert item_id in self.speech or item_id in self.items
        else:
            assert self.item_stages[item_id] == "done"
            self.told_transcripts.add(item_id)

    def _item(self, name: str, event: dict[str, Any]) -> None:
        item_id = event["item"]["id"] if "item" in event else event["item_id"]
        if name == "added":
            assert item_id not in self.items
            assert self.speech.get(item_id) in (None, "committed")
            self.items.append(item_id)
            self.item_stages[item_id] = "added"
            for response in self.responses.values():
                response.joined(item_id)
        else:
            assert item_id in self.items
        if name == "done":
            assert self.item_stages[item_id] == "added"
            assert event["item"]["status"] != "in_progress"
            self.item_stages[item_id] = "done"
        elif name == "deleted":
            self.items.remove(item_id)

    def _response(self, name: str, response: dict[str, Any]) -> None:
        if name == "response.created":
            assert response["id"] not in self.responses
            assert response["status"] == "in_progress"
            if response["conversation_id"] is not None:
                assert not any(each.in_conversation for each in self.responses.values() if each.stage == "created")
            self.responses[response["id"]] = _Response(response["conversation_id"] is not None)
        else:
            self.responses[response["id"]].finish(response)
            self.running.discard(response["id"])


class _Response:
    """One answer: its items, and what was told of each."""

    def __init__(self, in_conversation: bool) -> None:
        self.stage = "created"
        self.in_conversation = in_conversation
        self.items: list[str] = []
        self.stages: dict[str, list[str]] = {}
        self.text: dict[str, str] = {}
        self.done: list[dict[str, Any]] = []

    def joined(self, item_id: str) -> None:
        """The item was added to the conversation."""
        if item_id in self.items:
            assert self.in_conversation, "an answer beside the conversation has left an item in it"
            assert self.stages[item_id] == ["output_item.added"]

    def event(self, name: str, event: dict[str, Any]) -> None:
        """An event about a part of the answer."""
        assert self.stage == "created", f"{name} after response.done"
        item_id = event["item"]["id"] if "item" in event else event["item_id"]
        if name == "output_item.added":
            assert event["output_index"] == len(self.items)
            assert event["item"]["status"] == "in_progress"
            self.items.append(item_id)
            self.stages[item_id] = []
        assert self.items[event["output_index"]] == item_id
        stages = self.stages[item_id]
        assert "output_item.done" not in stages, f"{name} after output_item.done"
        kind = name.rpartition(".")[0]
        if name.endswith(".delta"):
            assert f"{kind}.done" not in stages, f"{name} after its end"
            assert kind == "function_call_arguments" or "content_part.added" in stages
            if kind != "output_audio":
                self.text[item_id] = self.text.get(item_id, "") + event["delta"]
        else:
            assert name not in stages, f"{name} twice"
            stages.append(name)
        if name in ("output_text.done", "output_audio_transcript.done"):
            assert event.get("text", event.get("transcript")) == self.text.get(item_id, "")
        if name == "content_part.done":
            assert {"output_text.done", "output_audio_transcript.done"} & set(stages)
        if name == "output_item.done":
            assert ("content_part.added" in stages) == ("content_part.done" in stages)
            self.done.append(event["item"])

    def finish(self, response: dict[str, Any]) -> None:
        """``response.done``: all is told that was begun."""
        assert self.stage == "created", "response.done twice"
        self.stage = response["status"]
        assert self.stage != "in_progress"
        assert [item["id"] for item in response["output"]] == self.items
        assert response["output"] == self.done
        if self.stage != "completed":
            assert not any(item["status"] == "completed" for item in self.done), "nothing of it may be acted on"
