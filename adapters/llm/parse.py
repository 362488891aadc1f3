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
"""

import re
from collections.abc import Iterator
from typing import Literal

from adapters.contract import llm

Delta = llm.TextDelta | llm.ReasoningDelta

# What opens thinking, and what closes it again.
_TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",  # Amazon Nova
    "<thought>": "</thought>",  # EXAONE, Gemini
    "<seed:think>": "</seed:think>",  # Seed-OSS
    "<longcat_think>": "</longcat_think>",  # LongCat
    "[THINK]": "[/THINK]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi-VL
    "<|think:start|>": "<|think:end|>",
    "<|open|>think<|sep|>": "<|close|>think<|sep|>",  # Kimi K3
    "<|channel>thought": "<channel|>",  # Gemma 4
}
_CLOSING = frozenset(_TAGS.values())
# These could be markup that is talked about: they open thinking only where an answer begins.
_AT_THE_BEGINNING = frozenset(("<thinking>", "<thought>"))

_HARMONY = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>")
_MOST_HEADER = 100  # characters between <|channel|> and <|message|>

_TOKENS = ("</s>", "<s>", "<bos>", "<eos>", "<pad>", "<start_of_turn>", "<end_of_turn>", "<turn|>", "<tool_call|>")
# Other special tokens are told by their form, DeepSeek's by its wide bars.
_TOKEN = re.compile(r"<\|[\w.:/-]{1,40}\|?>|<｜[^｜<>\s]{1,40}｜>")
_TOKEN_BEGINS = re.compile(r"<(?:\|(?:[\w.:/-]{0,40}|[\w.:/-]{1,40}\|)|｜[^｜<>\s]{0,40}|｜[^｜<>\s]{1,40}｜)?")

_MARKERS = (*_TAGS, *_CLOSING, *_HARMONY, *_TOKENS)
_CANDIDATE = re.compile("[" + re.escape("".join({marker[0] for marker in _MARKERS})) + "]")


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


class Parser:
    """The text of one answer: ``feed`` every piece, then ``finish``. How the text is cut changes nothing.

    What it finds out about the model is kept in ``habit``.
    """

    def __init__(self, habit: Habit) -> None:
        self._habit = habit
        self._pending = ""  # the beginning of what may become a marker
        self._mode: Literal["text", "thinking", "header"] = "text"
        self._closing = ""  # the tag that ends the thinking; Harmony's has none
        self._header = ""  # of a Harmony message
        self._began = False  # something was said
        self._after_tag = False  # white space around tags belongs to them
        # What may be thinking or the answer; None when it is known which.
        self._uncertain: list[str] | None = [] if habit.inside else None
        self._reported = False  # the server reports thinking apart from the text
        self._opened_unseen = False

    def feed(self, text: str) -> Iterator[Delta]:
        """What ``text`` adds to the answer and to the thinking."""
        text = self._pending + text
        self._pending = ""
        start = at = 0  # what is before start is done with, between the two there is no marker
        while candidate := _CANDIDATE.search(text, at):
            at = candidate.start()
            marker, complete = _marker(text, at)
            if not marker:
                at += 1
                continue
            yield from self._write(text[start:at])
            if not complete:
                self._pending = text[at:]
                return
            yield from self._mark(marker)
            start = at = at + len(marker)
        yield from self._write(text[start:])

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
        if marker in _HARMONY:
            self._harmony(marker)
        elif self._mode == "thinking" and self._closing:
            if marker == self._closing:
                self._mode, self._after_tag = "text", True
            elif marker in _TAGS:
                yield from self._write(marker)
        elif marker in _CLOSING:
            self._opened_unseen = not self._reported
            self._after_tag = not self._began  # else what was thinking was said, and must not run into the answer
            self._uncertain = None
        elif marker in _TAGS:
            yield from self._open(marker)

    def _open(self, tag: str) -> Iterator[Delta]:
        said = self._began or "".join(self._uncertain or ()).strip()
        if said and (tag in _AT_THE_BEGINNING or self._uncertain is not None):
            yield from self._write(tag)
            return
        self._uncertain = None
        self._mode, self._closing, self._after_tag = "thinking", _TAGS[tag], True

    def _harmony(self, marker: str) -> None:
        if self._mode == "thinking" and self._closing:
            return
        if marker in ("<|start|>", "<|channel|>"):
            self._uncertain = None
            self._mode, self._header = "header", ""
        elif marker == "<|message|>" and self._mode == "header":
            channel = self._header.split(maxsplit=1)[:1]
            self._mode = "text" if channel in (["final"], ["assistant"], []) else "thinking"
            self._closing = ""
        elif marker in ("<|end|>", "<|return|>", "<|call|>"):
            self._mode = "text"


def _marker(text: str, at: int) -> tuple[str, bool]:
    """The marker at ``at`` and whether it is complete; none for an ordinary character."""
    rest = text[at : at + 48]
    if any(len(rest) < len(marker) and marker.startswith(rest) for marker in _MARKERS):
        return rest, False  # a longer one may come, also where a short one is complete
    if found := next((marker for marker in _MARKERS if rest.startswith(marker)), None):
        return found, True
    if token := _TOKEN.match(rest):
        return token[0], True
    return (rest, False) if _TOKEN_BEGINS.fullmatch(rest) else ("", False)


def _begins_inside(text: str) -> bool:
    """Whether ``text`` has a tag that closes thinking which it never opened."""
    return any((end := text.find(closing)) >= 0 and tag not in text[:end] for tag, closing in _TAGS.items())
