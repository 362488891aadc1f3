"""Separates a model's answer from its reasoning and from special tokens, in text that arrives in pieces; pure.

Servers without a parser for the model leave three things in the text:

- reasoning between tags (``<think>…</think>`` and others). Many chat templates write the opening tag into the prompt:
  then the answer starts inside the reasoning, and only the closing tag is seen;
- the channels of OpenAI's Harmony format: ``analysis`` and ``commentary`` are reasoning, ``final`` is the answer;
- special tokens such as ``<|im_end|>`` or ``</s>``, which must not be spoken.

Whether an answer started inside the reasoning is certain only when the closing tag arrives. ``StartState`` says what to
expect:

- reasoning is disabled: the text is passed on as the answer at once;
- reasoning is enabled: the text is reasoning until the closing tag. If the answer ends without one, all of it was the
  answer: it is repeated as such at the end, and the model's next answers are passed on at once. A server that reports
  the reasoning in a field of its own does so before the first word, and the text is passed on at once too;
- a model that reasons although it was told not to is recognised by its first closing tag: the text before it was passed
  on as the answer, and the model's next answers are read as those of a model that reasons.

Tool calls that a model writes into its text are parsed by ``tool_call_parser``: it names the tags that open one, and
this parser stops there.
"""

import re
from collections.abc import Generator, Iterator
from typing import Literal

import msgspec

from adapters.contract import llm
from adapters.llm import reasoning
from adapters.llm.decoding.special_tokens import finder
from adapters.llm.decoding.start_state import StartState

Delta = llm.TextDelta | llm.ReasoningDelta


class ToolCallOpening(msgspec.Struct, frozen=True, kw_only=True):
    """Where a tool call starts: the ``tag`` that opens it, the tool's ``name`` if a Harmony header says it, the rest.

    ``rest`` is the text after the tag, which the parser has not read.
    """

    tag: str
    name: str
    rest: str


Deltas = Generator[Delta, None, ToolCallOpening | None]
"""The next pieces of answer and reasoning; what it returns is the tool call at which the parser has stopped, if any."""

# Where in its answer the model is. "undecided": in text that is the answer or reasoning; the closing tag will tell.
# "tagged": in reasoning between tags. "channel": in a Harmony message that is reasoning. "header": in a Harmony header.
_State = Literal["undecided", "answer", "tagged", "channel", "header"]
_STATES: tuple[_State, ...] = ("undecided", "answer", "tagged", "channel", "header")

_Kind = Literal["opening tag", "closing tag", "header start", "header end", "message end", "call tag", "other"]
_Action = Literal["drop", "keep", "open", "close", "decide", "header", "message", "answer", "call", "space"]

# What a special token does in each state. "keep": it is part of the text.
# fmt: off
_TRANSITIONS: dict[_Kind, tuple[_Action, ...]] = {
    #                undecided  answer     tagged   channel    header
    "opening tag":  ("open",    "open",    "keep",  "open",    "open"),
    "closing tag":  ("decide",  "decide",  "close", "decide",  "decide"),
    "header start": ("header",  "header",  "drop",  "header",  "header"),
    "header end":   ("drop",    "drop",    "drop",  "drop",    "message"),
    "message end":  ("drop",    "drop",    "drop",  "answer",  "answer"),
    "call tag":     ("keep",    "call",    "keep",  "keep",    "keep"),
    "other":        ("drop",    "drop",    "drop",  "drop",    "space"),
}
# fmt: on
_HARMONY_KINDS: dict[str, _Kind] = {
    "<|start|>": "header start",
    "<|channel|>": "header start",
    "<|message|>": "header end",
    "<|end|>": "message end",
    "<|return|>": "message end",
    "<|call|>": "message end",
}

_MAX_HEADER_CHARACTERS = 100  # between <|channel|> and <|message|>
_RECIPIENT = re.compile(r"\bto=(?:functions\.)?([^\s<]+)")  # in a Harmony header


class ReasoningParser:
    """Parses the text of one answer: ``feed`` every piece, then ``finish``. How the text is cut changes nothing.

    What it learns about the model is kept in ``start``. ``special`` are further special tokens that are not text.
    ``call_tags`` open and close tool calls in the answer; ``{`` opens one only at the beginning. With any of them, a
    Harmony message to a function opens a call too. After a call has opened, feed the rest from the call's end on.
    """

    def __init__(
        self, start: StartState, *, call_tags: frozenset[str] = frozenset(), special: frozenset[str] = frozenset()
    ) -> None:
        self._start = start
        self._special = finder(call_tags | special)
        self._call_tags = call_tags
        self._state: _State = "undecided" if start.inside else "answer"
        self._undecided: list[str] = []  # the text of that state
        self._has_undecided = False  # some of it is more than white space
        self._held = ""  # the end of the text, which may become a special token
        self._closing = ""  # the tag that ends the state "tagged"
        self._header = ""
        self._recipient = ""  # named in the header before its channel
        self._has_answer = False  # some of the answer has been passed on
        # White space around tags, and so around calls, is not part of the text.
        self._skips_space = bool(call_tags)
        self._learned: Literal["nothing", "starts inside", "reported"] = "nothing"

    @property
    def in_reasoning(self) -> bool:
        """Whether the text is reasoning now, as far as is known."""
        return self._state in ("undecided", "tagged", "channel")

    @property
    def undecided(self) -> bool:
        """Whether all the text so far may be reasoning or the answer."""
        return self._state == "undecided"

    def feed(self, text: str) -> Deltas:
        """What ``text`` adds, up to the opening of a call."""
        text, self._held = self._held + text, ""
        done = 0
        for token in self._special.find(text):
            yield from self._write(text[done : token.start])
            if not token.complete:
                self._held = text[token.start :]
                return None
            done = token.end
            tag = text[token.start : token.end]
            name = yield from self._read_token(tag)
            if name is not None:
                return ToolCallOpening(tag=tag, name=name, rest=text[done:])
        yield from self._write(text[done:])
        return None

    def keep(self, text: str) -> Iterator[Delta]:
        """Take ``text``, which looked like the opening of a call, as part of the answer."""
        self._skips_space = False
        yield from self._write(text)

    def whole(self, text: str) -> Deltas:
        """All of an answer that arrived in one piece, or a part of it: whether it started inside can be seen."""
        if self._state in ("undecided", "answer"):
            self._enter("undecided" if _starts_inside(text) else "answer")
        return (yield from self.feed(text))

    def report(self) -> Deltas:
        """The server has reported reasoning in a field of its own: the text has none."""
        self._learned = "reported"
        self._skips_space = self._skips_space or not self._has_answer  # blank lines follow it, as they follow a tag
        return (yield from self._decide_for_answer())

    def finish(self, reason: llm.FinishReason) -> Deltas:
        """What is left when the answer has ended for ``reason``."""
        held, self._held = self._held, ""
        if not held.startswith(("<|", "<｜")):  # a special token that was cut off
            yield from self._write(held)
        completed = reason in ("stop", "tool_calls")  # otherwise it was cut off, perhaps in its reasoning
        opening = (yield from self._decide_for_answer()) if completed else None
        if self._learned == "starts inside":
            self._start.inside = True
        elif self._learned == "nothing" and completed and self._has_answer:
            self._start.inside = False
        return opening

    def _decide_for_answer(self) -> Deltas:
        """What was undecided is the answer."""
        if self._state != "undecided":
            return None
        text = "".join(self._undecided)
        self._enter("answer")
        if not text or text.isspace():
            return None
        if self._call_tags:  # there may be calls in it
            text, self._held = text + self._held, ""
            return (yield from self.feed(text))
        self._has_answer = True
        yield llm.TextDelta(text=text)
        return None

    def _enter(self, state: _State) -> None:
        """Enter ``state``; what was undecided is decided."""
        self._state, self._undecided, self._has_undecided = state, [], False

    def _write(self, text: str) -> Iterator[Delta]:
        """Pass on ``text`` without special tokens, as the state has it."""
        if self._state == "header":
            self._header += text
            if len(self._header) <= _MAX_HEADER_CHARACTERS:
                return
            text, self._state = self._header, "answer"  # it was no header
        if self._skips_space:
            text = text.lstrip()
        if not text:
            return
        self._skips_space = False
        if self._state == "answer":
            self._has_answer = self._has_answer or not text.isspace()
            yield llm.TextDelta(text=text)
            return
        if self._state == "undecided":
            self._undecided.append(text)
            self._has_undecided = self._has_undecided or not text.isspace()
        yield llm.ReasoningDelta(text=text)

    def _read_token(self, token: str) -> Generator[Delta, None, str | None]:
        """Make the transition for a special token; the tool's name, perhaps empty, when it opens a call."""
        match _TRANSITIONS[self._kind(token)][_STATES.index(self._state)]:
            case "keep":
                yield from self._write(token)
            case "open":
                yield from self._open(token)
            case "close" if token == self._closing:
                self._state, self._skips_space = "answer", True
            case "decide":
                self._decide_for_reasoning()
            case "header":
                goes_on = self._state == "header" and token == "<|channel|>"
                self._recipient = self._named_recipient() if goes_on else ""
                self._header = ""
                self._enter("header")
            case "message":
                return self._begin_message()
            case "answer":
                self._state = "answer"
            case "call" if token == "{" and self._has_answer:
                yield from self._write(token)
            case "call" if not token.startswith("</"):  # that would be a closing tag without its opening tag
                return self._begin_call("")
            case "space":
                yield from self._write(" ")  # for a token such as <|constrain|>
        return None

    def _kind(self, token: str) -> _Kind:
        if token in _HARMONY_KINDS:
            return _HARMONY_KINDS[token]
        if token in self._call_tags:
            return "call tag"
        if token in reasoning.CLOSING_TAGS:
            return "closing tag"
        return "opening tag" if token in reasoning.TAGS else "other"

    def _open(self, tag: str) -> Iterator[Delta]:
        has_text = self._has_answer or self._has_undecided
        if has_text and (self.undecided or tag in reasoning.OPENING_ONLY_AT_START):
            yield from self._write(tag)
            return
        self._enter("tagged")
        self._closing, self._skips_space = reasoning.TAGS[tag], True

    def _decide_for_reasoning(self) -> None:
        """A closing tag without its opening tag: the text before it was reasoning."""
        if self._learned != "reported":
            self._learned = "starts inside"
        if self._state == "undecided":
            self._enter("answer")
        # Where the reasoning was passed on as the answer, white space keeps the two apart.
        self._skips_space = not self._has_answer

    def _begin_message(self) -> str | None:
        """After a Harmony header: a call, the answer, or reasoning."""
        if self._call_tags and (recipient := self._named_recipient()):
            return self._begin_call(recipient)
        channel = self._header.split(maxsplit=1)[:1]
        self._state = "answer" if channel in (["final"], ["assistant"], []) else "channel"
        return None

    def _begin_call(self, name: str) -> str:
        self._state, self._skips_space = "answer", True
        return name

    def _named_recipient(self) -> str:
        found = _RECIPIENT.search(self._header)
        return found[1] if found else self._recipient


def _starts_inside(text: str) -> bool:
    """Whether ``text`` closes reasoning that it never opened."""
    return any((end := text.find(closing)) >= 0 and tag not in text[:end] for tag, closing in reasoning.TAGS.items())
