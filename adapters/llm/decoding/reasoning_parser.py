"""Separates what a model says from what it thinks, and from special tokens, in text that comes in pieces; pure.

Servers without a parser for the model at hand leave three things in the text:

- thinking between tags (``<think>…</think>`` and its relatives). Many chat templates write the opening tag into the
  prompt, so that an answer begins inside the thinking and only the closing tag is seen;
- the channels of OpenAI's Harmony format: ``analysis`` and ``commentary`` are thinking, ``final`` is the answer;
- special tokens such as ``<|im_end|>`` or ``</s>``, which mean nothing to a listener.

Whether an answer began inside the thinking is only certain when its closing tag arrives. ``Habit`` says what to expect:

- thinking is switched off: the answer is passed on at once, no word waits;
- thinking is on: what comes is thinking until the closing tag. If the answer ends without one, all of it was the
  answer after all: it is said then, late, and the model's next answers are passed on at once. A server that reports
  the thinking separately shows it before the first word, and nothing waits either;
- a model that thinks although it was told not to is found out by its first closing tag: what it said until then is
  gone, its next answers are read as above.

The calls of a model that writes them into its text are ``tool_text``'s: it names what opens one, and the parser stops
there.
"""

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from adapters.contract import llm
from adapters.llm.decoding.special_tokens import AT_THE_BEGINNING, CLOSING, HARMONY, TAGS, markers

Delta = llm.TextDelta | llm.ReasoningDelta

_MOST_HEADER = 100  # characters between <|channel|> and <|message|>
_RECIPIENT = re.compile(r"\bto=(?:functions\.)?([^\s<]+)")  # in the header of a Harmony message


class Habit:
    """How the answers of one model begin: ``inside`` the thinking, as far as is known."""

    def __init__(self, *, inside: bool = False) -> None:
        self.inside = inside


class Habits:
    """The habits of the models behind one upstream; ``hosted`` by OpenAI itself, none begins inside its thinking."""

    def __init__(self, *, hosted: bool = False) -> None:
        self._hosted = hosted
        self._known: dict[tuple[str, bool], Habit] = {}

    def of(self, request: llm.Request) -> Habit:
        """The habit of the request's model, which differs with and without thinking."""
        thinking = thinks(request.reasoning)
        return self._known.setdefault((request.model, thinking), Habit(inside=thinking and not self._hosted))


def thinks(reasoning: llm.Reasoning) -> bool:
    """Whether a request leaves the model its thinking."""
    return not reasoning.disabled if reasoning.effort is None else reasoning.effort != "none"


def opened_thinking(prompt: str) -> str | None:
    """The tag that closes the thinking which the end of ``prompt`` has opened; ``None`` when it opened none."""
    end = prompt[-100:].rstrip()
    return next((closing for tag, closing in TAGS.items() if end.endswith(tag)), None)


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Where a call begins: its ``marker``, the ``name`` if a Harmony header says it, and the text after the marker."""

    marker: str
    name: str
    rest: str


class Parser:
    """The text of one answer: ``feed`` every piece, then ``finish``. How the text is cut changes nothing.

    What it finds out about the model is kept in ``habit``. ``special`` are further tokens that are never said.
    ``calls`` is what opens a call in what is said, and what closes it; ``{`` only opens one where the answer begins.
    With any, a Harmony message to a function opens a call too. After every ``feed`` and ``finish``, ``opened`` says
    whether one was met.
    """

    def __init__(
        self, habit: Habit, *, calls: frozenset[str] = frozenset(), special: frozenset[str] = frozenset()
    ) -> None:
        self._habit = habit
        self._markers = markers(calls | special)
        self._calls = calls
        self._opening: Opening | None = None
        self._pending = ""  # the beginning of what may become a marker
        self._mode: Literal["text", "thinking", "header"] = "text"
        self._closing = ""  # the tag that ends the thinking; Harmony's has none
        self._header = ""  # of a Harmony message
        self._recipient = ""  # whom it is for, when it is a call
        self._began = False  # something was said
        self._after_tag = bool(calls)  # white space around tags belongs to them, and so that around calls
        # What may be thinking or the answer; None when it is known which.
        self._uncertain: list[str] | None = [] if habit.inside else None
        self._reported = False  # the server reports thinking apart from the text
        self._opened_unseen = False

    @property
    def thinking(self) -> bool:
        """Whether what comes now is thinking, as far as is known."""
        return self._mode == "thinking" or self.uncertain

    @property
    def uncertain(self) -> bool:
        """Whether all that came may be thinking or the answer."""
        return self._uncertain is not None

    def feed(self, text: str) -> Iterator[Delta]:
        """What ``text`` adds to the answer and to the thinking, up to the opening of a call."""
        text = self._pending + text
        self._pending = ""
        start = at = 0  # what is before start is done with, between the two there is no marker
        while candidate := self._markers.candidate.search(text, at):
            at = candidate.start()
            marker, complete = self._markers.at(text, at)
            if not marker:
                at += 1
                continue
            yield from self._write(text[start:at])
            if not complete:
                self._pending = text[at:]
                return
            yield from self._mark(marker)
            start = at = at + len(marker)
            if self._opening:
                self._opening = msgspec.structs.replace(self._opening, rest=text[at:])
                return
        yield from self._write(text[start:])

    def opened(self) -> Opening | None:
        """The call that the text fed last has come to, once; what follows it is not read: feed what is left of it."""
        opening, self._opening = self._opening, None
        return opening

    def say(self, text: str) -> Iterator[Delta]:
        """Take ``text`` for what is said: it seemed to open a call."""
        self._after_tag = False
        yield from self._write(text)

    def whole(self, text: str) -> Iterator[Delta]:
        """All of an answer that came in one piece: where it began is known."""
        self._uncertain = [] if _begins_inside(text) else None
        yield from self.feed(text)

    def report(self) -> Iterator[Delta]:
        """The server has reported thinking apart from the text: the text holds none."""
        self._reported = True
        self._after_tag = self._after_tag or not self._began  # blank lines follow it, as they follow a tag
        yield from self._settle()

    def finish(self, reason: llm.FinishReason) -> Iterator[Delta]:
        """What is left when the answer has ended for ``reason``."""
        if not self._pending.startswith(("<|", "<｜")):  # a special token that was cut off is still none to be said
            yield from self._write(self._pending)
        completed = reason in ("stop", "tool_calls")  # otherwise it was cut off, perhaps in its thinking
        if completed:
            yield from self._settle()
        if not self._reported and (self._opened_unseen or (completed and self._began)):
            self._habit.inside = self._opened_unseen

    def _settle(self) -> Iterator[Delta]:
        """What was uncertain is the answer."""
        uncertain, self._uncertain = self._uncertain, None
        text = "".join(uncertain or ())
        if text and not text.isspace():
            if self._calls:  # which may be in it
                yield from self.feed(text)
            else:
                self._began = True
                yield llm.TextDelta(text=text)

    def _write(self, text: str) -> Iterator[Delta]:
        if self._mode == "header":
            yield from self._head(text)
            return
        if self._after_tag:
            text = text.lstrip()
        if not text:
            return
        self._after_tag = False
        if self._mode == "thinking":
            yield llm.ReasoningDelta(text=text)
        elif self._uncertain is not None:
            self._uncertain.append(text)
            yield llm.ReasoningDelta(text=text)
        else:
            self._began = self._began or not text.isspace()
            yield llm.TextDelta(text=text)

    def _head(self, text: str) -> Iterator[Delta]:
        self._header += text
        if len(self._header) > _MOST_HEADER:  # no header then
            self._mode = "text"
            yield from self._write(self._header)

    def _mark(self, marker: str) -> Iterator[Delta]:
        if marker in HARMONY:
            self._harmony(marker)
        elif marker in self._calls:
            if self._mode != "text" or self.uncertain or (marker == "{" and self._began):
                yield from self._write(marker)
            elif not marker.startswith("</"):  # that would be a closing tag too many
                self._call(marker)
        elif self._mode == "thinking" and self._closing:
            if marker == self._closing:
                self._mode, self._after_tag = "text", True
            elif marker in TAGS:
                yield from self._write(marker)
        elif marker in CLOSING:
            self._opened_unseen = not self._reported
            self._after_tag = not self._began  # else what was thinking was said, and must not run into the answer
            self._uncertain = None
        elif marker in TAGS:
            yield from self._open(marker)
        elif self._mode == "header":
            self._header += " "  # such as <|constrain|>

    def _open(self, tag: str) -> Iterator[Delta]:
        said = self._began or "".join(self._uncertain or ()).strip()
        if said and (tag in AT_THE_BEGINNING or self._uncertain is not None):
            yield from self._write(tag)
            return
        self._uncertain = None
        self._mode, self._closing, self._after_tag = "thinking", TAGS[tag], True

    def _harmony(self, marker: str) -> None:
        if self._mode == "thinking" and self._closing:
            return
        if marker in ("<|start|>", "<|channel|>"):
            self._uncertain = None
            # Whom a message is for may stand before its channel, too.
            self._recipient = self._recipient_in_header() if marker == "<|channel|>" else ""
            self._mode, self._header = "header", ""
        elif marker == "<|message|>" and self._mode == "header":
            if self._calls and (recipient := self._recipient_in_header()):
                self._call(marker, recipient)
                return
            channel = self._header.split(maxsplit=1)[:1]
            self._mode = "text" if channel in (["final"], ["assistant"], []) else "thinking"
            self._closing = ""
        elif marker in ("<|end|>", "<|return|>", "<|call|>"):
            self._mode = "text"

    def _call(self, marker: str, name: str = "") -> None:
        self._opening = Opening(marker=marker, name=name, rest="")
        self._mode, self._after_tag = "text", True

    def _recipient_in_header(self) -> str:
        found = _RECIPIENT.search(self._header) if self._mode == "header" else None
        return found[1] if found else self._recipient


def _begins_inside(text: str) -> bool:
    """Whether ``text`` has a tag that closes thinking which it never opened."""
    return any((end := text.find(closing)) >= 0 and tag not in text[:end] for tag, closing in TAGS.items())
