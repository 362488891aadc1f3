"""Plays a realtime session from a script: an input in, lines for what the session does about it out.

``play(VoiceStarted(at_ms=400))`` answers with one line for each command, to be read aloud:
``["StartTranscript item_1 from 100", "speech_started item_1 at 100"]``. Every event is checked against the types of
the openai package on the way. Ids count up: ``item_1``, ``resp_1``; ``seconds`` is the clock.
"""

from collections import Counter
from typing import Any

import msgspec

from gateway.realtime.protocol.client_events import InputAudioBufferAppend
from gateway.realtime.protocol.items import FunctionCallItem, FunctionCallOutputItem, Item, MessageItem
from gateway.realtime.protocol.session_config import RealtimeSession, SessionConfig
from gateway.realtime.session import commands, inputs
from gateway.realtime.session.commands import AnswerPlan, Command
from gateway.realtime.session.event_reader import read_event
from gateway.realtime.session.policy import Opening, Policy
from gateway.realtime.session.session import Session
from gateway.realtime.session.session_update import updated
from tests.support.server_events import checked

LONG_NAMES = ("conversation.item.input_audio_transcription", "input_audio_buffer", "conversation.item", "response")
"""What is left out at the start of an event's name where the rest is clear."""


class Playbook:
    """A session that has begun. ``changes`` are laid over its configuration, ``policy`` are the operator's rules."""

    def __init__(
        self,
        changes: dict[str, Any] | None = None,
        *,
        config: SessionConfig | None = None,
        items: tuple[Item, ...] = (),
        summary: str | None = None,
        **policy: Any,
    ) -> None:
        whole = config or RealtimeSession(id="sess_1", model="gpt-realtime", instructions="Be kind.")
        rules = Policy(**policy)
        opening = Opening(
            config=updated(whole, changes or {}, rules, has_spoken=False),
            conversation_id="conv_1",
            items=items,
            summary=summary,
            policy=rules,
        )
        self._counts: Counter[str] = Counter()
        self.session = Session(opening, self._new_id)
        self.seconds = 100.0
        self.commands: list[Command] = []
        self.opening = self(inputs.Opened())

    def __call__(self, *events: inputs.Input) -> list[str]:
        """What the session does about ``events``."""
        self.commands = [command for event in events for command in self.session.handle(event, self.seconds)]
        return [line(command) for command in self.commands]

    def client(self, type_: str, **fields: Any) -> list[str]:
        """What the session does about a client event, read from its frame."""
        event = read_event(msgspec.json.encode({"type": type_, **fields}).decode())
        assert not isinstance(event, InputAudioBufferAppend), "the driver takes audio"
        return self(event)

    def sent(self, type_: str) -> dict[str, Any]:
        """The event of that type among the last commands, as it was sent."""
        found = [
            values
            for command in self.commands
            if isinstance(command, commands.Send | commands.SendItem)
            and (values := checked(command.event))["type"] == type_
        ]
        assert len(found) == 1, f"{type_} {len(found)} times"
        return found[0]

    def command(self, kind: type[msgspec.Struct]) -> Any:
        """The command of that kind among the last ones."""
        (found,) = (command for command in self.commands if isinstance(command, kind))
        return found

    def _new_id(self, prefix: str) -> str:
        self._counts[prefix] += 1
        return f"{prefix}_{self._counts[prefix]}"


def line(command: Command) -> str:
    """A command in a few words."""
    match command:
        case commands.Send() | commands.SendItem():
            return _event_line(checked(command.event))
        case commands.Listen():
            kind = "nothing" if command.turn_detection is None else command.turn_detection.__struct_config__.tag
            return f"Listen with {kind}"
        case commands.CommitAudio():
            return f"CommitAudio {command.item_id} from {command.start_ms} to {command.end_ms}"
        case commands.StartTranscript():
            return f"StartTranscript {command.item_id} from {command.start_ms}"
        case commands.Prepare():
            return f"Prepare {command.response_id} for {command.item_id} as far as {command.reach}"
        case commands.Answer():
            return f"Answer {command.response_id} to {said(command.plan)}"
        case commands.Say():
            return f"Say {command.response_id} {command.text!r}"
        case commands.Remember():
            return f"Remember {len(command.items)}"
        case commands.KeepAudio():
            return f"KeepAudio {command.item_id}"
        case commands.FinishTranscript():
            return f"FinishTranscript {command.item_id}"
        case _:
            values = msgspec.structs.asdict(command).values()
            return " ".join(
                [type(command).__name__, *(f"{value:g}" if _is_number(value) else str(value) for value in values)]
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def said(plan: AnswerPlan) -> str:
    """What is answered, in short."""
    return " | ".join(map(item_line, plan.items))


def item_line(item: Item) -> str:
    """An item as who says what."""
    match item:
        case MessageItem():
            parts = msgspec.to_builtins(item.content)
            return f"{item.role}: " + " ".join(str(part.get("text", part.get("transcript"))) for part in parts)
        case FunctionCallItem():
            return f"{item.name}({item.arguments})"
        case FunctionCallOutputItem():
            return f"={item.output}"


def _event_line(event: dict[str, Any]) -> str:
    name = event["type"]
    for prefix in LONG_NAMES:
        short = name.removeprefix(f"{prefix}.")
        if short != name:
            name = {"conversation.item": "item.", "response": "", "input_audio_buffer": ""}.get(
                prefix, "transcription."
            ) + short
            break
    words = [name if name not in {"created", "done"} else f"response.{name}"]
    if "response" in event:
        response, details = event["response"], event["response"]["status_details"] or {}
        words += [response["id"], response["status"] if response["status"] != "in_progress" else ""]
        words += [details.get("reason") or (details.get("error") or {}).get("code") or ""]
    if "item" in event:
        words += [event["item"]["id"], event["item"]["status"] if event["item"]["status"] != "completed" else ""]
    words += [event[key] for key in ("item_id",) if key in event and not name.startswith("output")]
    words += [
        repr(event[key]) for key in ("delta", "transcript", "text") if key in event and name != "output_audio.delta"
    ]
    words += [f"at {event[key]}" for key in ("audio_start_ms", "audio_end_ms") if key in event]
    if "error" in event:
        words += [event["error"].get("code") or "", event["error"].get("event_id") or ""]
    return " ".join(word for word in words if word)


def turn_detection(**fields: Any) -> dict[str, Any]:
    """Changes of a session: the server's turn detection with ``fields``."""
    return {"audio": {"input": {"turn_detection": {"type": "server_vad", **fields}}}}


def answering(changes: dict[str, Any] | None = None, **policy: Any) -> Playbook:
    """A session that has sent two seconds of an answer, of which the client has played none yet."""
    play = Playbook(changes, **policy)
    play.client("response.create")
    play(
        inputs.AnswerText(response_id="resp_1", text="One two three four. Five six."),
        inputs.AnswerAudio(response_id="resp_1", audio=b"\0\0", ms=1000, begins="One two three four. "),
        inputs.AnswerAudio(response_id="resp_1", audio=b"\0\0", ms=1000, begins="Five six."),
    )
    return play
