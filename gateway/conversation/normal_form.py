"""Brings the messages of a prompt into the one form that every chat template and every provider accepts; pure.

A prompt that is refused once is refused with every later turn, so the strictest reader decides each rule:

- One system message, and it is first: the templates of Mistral, Gemma and Qwen 3.5 raise an error for any other. Later
  ones are joined to it, as Anthropic's and Google's OpenAI-compatible servers do; they keep their authority so.
- Then a user's message, and user and assistant alternate: Mistral, Gemma and Llama 2 count them.
- Results follow the message with their calls at once, one for each call: OpenAI and Anthropic. A result that comes
  after a later answer, or has no call, is told in the user's message.
- After results the assistant speaks: Mistral's templates do not count calls and results, and see two users in a row.
- Nothing is empty or white space alone: Anthropic and Bedrock.
- Calls have unique ids (Anthropic) and names of letters, digits, ``_`` and ``-`` (OpenAI).
- The last message is a user's or a tool's: Mistral and Anthropic.
- A model whose template has no tools (Gemma, Llama 2) gets calls and results as text of the user's.

What is joined keeps its order, and no text is left out. What is added to a history changes only the end of its form
(but for a late system message or result), so that prompt caches hold.
"""

import re
from collections import Counter, deque
from collections.abc import Collection, Iterable

import msgspec

from adapters.contract import llm

NOT_ANSWERED = "No result was given."
"""The result of a call that got none: the user spoke on instead."""

EMPTY_RESULT = "The tool returned nothing."
"""The result of a call that got an empty one."""

INTERRUPTED = "I was interrupted before I could answer."
"""The assistant's answer to results when there was none: the listener left, or spoke on."""

NOTHING_SAID = "(The user has not said anything yet.)"
"""The user's message before a history that begins with the assistant, such as a greeting."""

GO_ON = "Please go on."
"""The user's message after a history that ends with the assistant."""

LONGEST_NAME = 64

SYSTEM_ROLES = frozenset({"system", "developer"})

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")


def normal_form(
    messages: Iterable[llm.Message],
    *,
    user_role: str = "user",
    tools: Collection[str] = frozenset(),
    calls: bool = True,
) -> tuple[llm.Message, ...]:
    """``messages`` in normal form, in linear time; what is in it already stays as it is.

    ``user_role`` is the role of messages that are added for the user. Names of calls that are among ``tools`` are not
    touched. Without ``calls``, for a model that knows none, calls and results are told in the user's messages.
    """
    draft = _Draft(user_role, tools, calls=calls)
    for message in messages:
        if has_content(message):
            for part in message.parts:
                draft.add(message.role, part)
            draft.keep(message)
    return draft.messages()


def has_content(message: llm.Message) -> bool:
    """Whether a message says, shows, calls or returns anything."""
    for part in message.parts:
        if part.text.strip() if isinstance(part, llm.Text) else not isinstance(part, llm.Opaque):
            return True
    return False


class _Entry(msgspec.Struct):
    """A message of the user, or of the assistant with the outputs of its calls.

    ``opaque`` and ``reasoning`` are what a provider wants back. ``ids`` are the calls' ids by the ids that they had,
    which may be the same for several; ``outputs`` is in the order of the calls, and ``answered`` says whether there is
    one.
    """

    role: str
    parts: list[llm.Part] = []
    opaque: list[llm.Part] = []
    reasoning: str = ""
    ids: dict[str, deque[str]] = {}
    outputs: dict[str, list[str]] = {}
    answered: bool = False


class _Draft:
    """The messages so far; ``_answer`` is the assistant's newest."""

    def __init__(self, user_role: str, tools: Collection[str], *, calls: bool) -> None:
        self._user_role = user_role
        self._tools = tools
        self._calls = calls
        self._system: list[llm.Part] = []
        self._system_role = "system"
        self._entries: list[_Entry] = []
        self._answer: _Entry | None = None
        self._uses: Counter[str] = Counter()
        self._names: dict[str, str] = {}

    def add(self, role: str, part: llm.Part) -> None:
        match part:
            case llm.ToolCall() if self._calls:
                self._add_call(part)
            case llm.ToolCall():
                self._names[part.call_id] = part.name
                told = llm.Text(text=f"The tool {part.name} was called with {part.arguments}.")
                self._user(self._user_role).parts.append(told)
            case llm.ToolResult():
                self._add_result(part)
            case llm.Opaque():
                pass  # belongs to the whole message: keep()
            case llm.Text() if not part.text.strip():
                pass
            case llm.Text() if role in SYSTEM_ROLES:
                self._system_role = self._system_role if self._system else role
                self._system.append(part)
            case llm.Text() if role == "assistant":
                self._assistant().parts.append(part)
            case _:
                self._user(role).parts.append(part)

    def keep(self, message: llm.Message) -> None:
        """Add what a provider wants back to the assistant's message, if that was the last that said anything."""
        if self._entries and self._entries[-1] is self._answer:
            self._answer.opaque += [part for part in message.parts if isinstance(part, llm.Opaque)]
            self._answer.reasoning += message.reasoning or ""

    def _add_call(self, call: llm.ToolCall) -> None:
        answer, call_id = self._assistant(), call.call_id or "call"
        base = call_id
        while self._uses[call_id]:
            self._uses[base] += 1
            call_id = f"{base}_{self._uses[base]}"
        self._uses[call_id] += 1
        name = call.name
        if name not in self._tools:
            name = _NOT_IN_NAMES.sub("_", name)[:LONGEST_NAME] or "unknown"
        answer.parts.append(llm.ToolCall(call_id=call_id, name=name, arguments=call.arguments))
        answer.ids.setdefault(call.call_id, deque()).append(call_id)
        answer.outputs[call_id] = []
        self._names[call.call_id] = name

    def _add_result(self, result: llm.ToolResult) -> None:
        output = result.output if result.output.strip() else EMPTY_RESULT
        ids = self._answer.ids.get(result.call_id) if self._answer else None
        if self._answer and ids:
            self._answer.outputs[ids[0]].append(output)
            self._answer.answered = True
            if len(ids) > 1:
                ids.popleft()  # the next result under this id is that of the next call
        else:
            name = self._names.get(result.call_id)
            tool = "a tool" if name is None else f"the tool {name}"
            self._user(self._user_role).parts.append(llm.Text(text=f"Result of {tool}: {output}"))

    def _assistant(self) -> _Entry:
        """The assistant's message that is open: calls and texts in a row are one message."""
        last = self._entries[-1] if self._entries else None
        if last is None or last is not self._answer or last.answered:
            self._answer = last = _Entry(role="assistant")
            self._entries.append(last)
        return last

    def _user(self, role: str) -> _Entry:
        last = self._entries[-1] if self._entries else None
        if last is None or last is self._answer:
            role = self._user_role if role in {"assistant", "tool", *SYSTEM_ROLES} else role
            last = _Entry(role=role)
            self._entries.append(last)
        return last

    def messages(self) -> tuple[llm.Message, ...]:
        written: list[llm.Message] = []
        if self._system:
            written.append(llm.Message(role=self._system_role, parts=tuple(self._system)))
        if not self._entries or self._entries[0].role == "assistant":
            written.append(_text(self._user_role, NOTHING_SAID))
        for entry in self._entries:
            if entry.role != "assistant" and written and written[-1].role == "tool":
                written.append(_text("assistant", INTERRUPTED))
            parts = (*entry.parts, *entry.opaque)
            written.append(llm.Message(role=entry.role, parts=parts, reasoning=entry.reasoning or None))
            for call_id, outputs in entry.outputs.items():
                result = llm.ToolResult(call_id=call_id, output="\n".join(outputs) or NOT_ANSWERED)
                written.append(llm.Message(role="tool", parts=(result,)))
        if written[-1].role == "assistant":
            written.append(_text(self._user_role, GO_ON))
        return tuple(written)


def _text(role: str, text: str) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=text),))
