"""What the parts of a session share: its configuration, its conversation, and the commands of the input at hand."""

from collections.abc import Callable

from adapters.contract.errors import InvalidRequest
from gateway.realtime.protocol.server_events import Error, ErrorBody, ServerEvent
from gateway.realtime.protocol.session_config import RealtimeSession, TranscriptionSession, TurnDetection
from gateway.realtime.session.commands import Command, Send
from gateway.realtime.session.conversation_items import ConversationItems
from gateway.realtime.session.policy import Opening


class SessionState:
    """One session's state. ``now``: monotonic seconds of the input at hand; ``total_ms``: input audio so far.

    ``speculative_tokens`` were spent on answers that were thrown away, and not told of yet.
    """

    def __init__(self, opening: Opening, new_id: Callable[[str], str]) -> None:
        self.config = opening.config
        self.policy = opening.policy
        self.conversation_id = opening.conversation_id
        self.items = ConversationItems(opening.items, opening.policy.most_items, opening.policy.most_bytes)
        self.items.shorten(opening.summary)
        self.new_id = new_id
        self.now = 0.0
        self.total_ms = 0
        self.speculative_tokens = 0
        self.is_heard = True
        self._commands: list[Command] = []

    @property
    def turn_detection(self) -> TurnDetection | None:
        """How turns end; ``None`` where the client says it."""
        return self.config.audio.input.turn_detection

    @property
    def answering(self) -> RealtimeSession | None:
        """The configuration of a session that answers, else ``None``."""
        return None if isinstance(self.config, TranscriptionSession) else self.config

    @property
    def shows_transcripts(self) -> bool:
        """Whether the client wants to read what the user says."""
        return self.answering is None or self.config.audio.input.transcription is not None

    def do(self, *commands: Command) -> None:
        """Add commands."""
        self._commands.extend(commands)

    def send(self, event: ServerEvent) -> None:
        """Send an event, while there is a client."""
        if self.is_heard:
            self._commands.append(Send(event=event))

    def event_id(self) -> str:
        """An id for the next event."""
        return self.new_id("event")

    def refuse(self, problem: InvalidRequest, event_id: str | None) -> None:
        """Tell the client of its mistake, made with its event ``event_id``."""
        body = ErrorBody(
            type="invalid_request_error",
            code=problem.code,
            message=problem.message,
            param=problem.param,
            event_id=event_id,
        )
        self.send(Error(event_id=self.event_id(), error=body))

    def take(self) -> list[Command]:
        """The commands since the last time."""
        commands, self._commands = self._commands, []
        return commands
