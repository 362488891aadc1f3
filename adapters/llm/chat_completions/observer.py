"""Looks at a chat completion as it passes by: usage, finish reason and failures, and whether content has come."""

from adapters.contract import llm
from adapters.contract.errors import AdapterError
from adapters.contract.passthrough import Passed
from adapters.llm.chat_completions import wire
from adapters.llm.chat_completions.events import finish_reason
from adapters.upstream import ErrorFactory, UnreadableJson, decode_any
from adapters.upstream.sse import event_in, split_events

# Fields that most events do not have, or have as null: those events are passed on unread. Counting words is several
# times as fast as a regular expression.
_FIELDS = tuple(
    (name, name + b":null", name + b": null") for name in (b'"finish_reason"', b'"usage"', b'"error"', b'"x_groq"')
)


class ChatCompletionObserver:
    """The state of one answer of so many ``choices``.

    An event with usage alone is withheld unless the client ``wants_usage``.
    """

    thinks = False
    """Thoughts that are not told cannot be seen in a chat completion."""

    def __init__(self, errors: ErrorFactory, *, wants_usage: bool, choices: int = 1) -> None:
        self.begun = False
        self.done = False
        """Whether the answer is complete, or failed; only its usage may follow."""
        self.answer_id: str | None = None
        self._errors = errors
        self._wants_usage = wants_usage
        self._usage: llm.Usage | None = None
        self._reason: llm.FinishReason | None = None
        self._open_choices = choices
        self._marked = False
        self._failure: AdapterError | None = None

    @property
    def awaits_usage(self) -> bool:
        """Whether the client wants usage that has not come yet, and may come."""
        return self._wants_usage and self._usage is None and not self._marked and self._failure is None

    @property
    def end(self) -> bytes:
        """What has to end a complete stream whose server has not ended it."""
        return b"" if self._marked or self._failure is not None else b"data: [DONE]\n\n"

    def see(self, events: bytes) -> bytes:
        """What of ``events`` the client gets. Raises ``AdapterError`` for a failure before content."""
        if self.begun and not _is_notable(events):
            return events
        passed = b"".join([event for event in split_events(events) if self._passes(event)])
        self.done = self._open_choices <= 0 or self._marked or self._failure is not None
        return passed

    def _passes(self, raw: bytes) -> bool:
        if self.begun and not _is_notable(raw):
            return True
        event = event_in(raw)
        if event is None:
            return True
        if event.is_done:
            self._marked = self.begun = True
            return True
        try:
            chunk = wire.decode(event.data)
        except UnreadableJson as error:
            if not self.begun:
                raise self._errors.upstream_error("sent something that is not a chat completion") from error
            return True
        if chunk.error or "error" in (chunk.object, event.name):
            self._fail(self._errors.reported_in(event.data))
            return True
        self.begun = self.begun or _has_content(event.data)
        self.answer_id = self.answer_id or chunk.id
        usage = chunk.usage or (chunk.x_groq and chunk.x_groq.usage)
        if usage:
            self._usage = usage.counted()
        for choice in chunk.choices or ():
            self._see_choice(choice)
        return not (usage and not chunk.choices) or self._wants_usage

    def _see_choice(self, choice: wire.Choice) -> None:
        if choice.error:
            self._fail(self._errors.reported(choice.error))
        try:
            reason = finish_reason(choice.finish_reason)
        except ValueError as error:
            self._fail(self._errors.reported({"code": str(error)}))
            return
        if reason is not None:
            self.begun = True
            self._open_choices -= 1
            called = choice.finish_reason in ("tool_calls", "function_call")
            self._reason = self._reason or ("tool_calls" if called else reason)

    def see_document(self, document: bytes) -> None:
        """Look at a whole chat completion. Raises ``AdapterError`` for anything else."""
        try:
            chunk = wire.decode(document)
        except UnreadableJson as error:
            raise self._errors.upstream_error("sent something that is not a chat completion") from error
        if chunk.error or chunk.object == "error":
            raise self._errors.reported_in(document)
        if not chunk.choices:
            raise self._errors.upstream_error("sent something that is not a chat completion")
        self.answer_id = chunk.id
        self._usage = chunk.usage.counted() if chunk.usage else None
        for choice in chunk.choices:
            self._see_choice(choice)
        self._reason = self._reason or "stop"
        self.done = True

    def _fail(self, error: AdapterError) -> None:
        if not self.begun:
            raise error
        self._failure = self._failure or error

    def finish(self) -> Passed:
        """The end. Raises ``AdapterError`` when the answer is not complete and the server did not say why."""
        if self._reason is None and not self._marked and self._failure is None:
            raise self._errors.upstream_error("ended its answer in the middle")
        return Passed(
            reason=self._reason or "stop", usage=self._usage, failure=self._failure.message if self._failure else None
        )


def _has_content(data: bytes) -> bool:
    """Whether a chunk adds anything to the answer, in whatever field: there are more than the reader knows."""
    try:
        chunk = decode_any(data)
    except UnreadableJson:
        return False
    choices = chunk.get("choices") if isinstance(chunk, dict) else None
    deltas = (choice.get("delta") for choice in choices or () if isinstance(choice, dict))
    return any(value for delta in deltas if isinstance(delta, dict) for name, value in delta.items() if name != "role")


def _is_notable(events: bytes) -> bool:
    """Whether ``events`` may say more than a piece of the answer."""
    for name, null, spaced_null in _FIELDS:
        if (count := events.count(name)) and count != events.count(null) + events.count(spaced_null):
            return True
    return b"[DONE]" in events or b"event:" in events
