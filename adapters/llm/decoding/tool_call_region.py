"""Reads the part of an answer that holds tool calls, from the tag that opens it to its end; pure.

Every character is read once, or twice where what began as JSON is none.
"""

import re
from typing import Literal

from adapters.contract import llm
from adapters.llm.decoding import json_tool_calls, xml_tool_calls
from adapters.llm.decoding.json_tool_calls import JsonScanner, RawToolCall
from adapters.llm.decoding.reasoning_parser import ToolCallOpening
from adapters.llm.decoding.special_tokens import SpecialTokenFinder

# The tag that closes the calls; Mistral's and the bare object end with their JSON.
_CLOSING = {"<tool_call>": "</tool_call>", "<|message|>": "<|call|>", "<|python_tag|>": "<|eom_id|>"}
# What may stand between several calls after one opening tag.
_SEPARATORS = {"<tool_call>": " \t\r\n,", "<|python_tag|>": " \t\r\n;", "{": " \t\r\n;"}
_MAX_HEAD_CHARACTERS = 200  # before the JSON
_MAX_CHARACTERS_TO_NAME = 400  # in which a call's name is looked for before the call is complete

# The name, and what Mistral writes between it and the arguments.
_HEAD = re.compile(r"\s*([\w.-]{1,64})\s*(?:\[CALL_ID\]\s*\w{0,64}\s*)?(?:\[ARGS\])?\s*")

# "head": before the JSON. "json": in it. "tail": after it. "other": in text that is no JSON. "over": after the end.
_State = Literal["head", "json", "tail", "other", "over"]


class ToolCallRegion:
    """The text from ``opening`` on: ``feed`` it until it returns what follows, or ``finish``; then take its ``calls``.

    ``name`` is the first call's, as soon as it is certain, and ``size`` the number of characters so far. A closing tag
    inside a string of JSON that turns out to be broken is the end of the calls only if the region ``may_reread`` the
    text after it.
    """

    def __init__(self, opening: ToolCallOpening, tools: tuple[llm.Tool, ...], *, may_reread: bool = True) -> None:
        self.name = opening.name
        self.size = 0
        self.has_reread = False
        self._may_reread = may_reread
        self._is_bare = opening.tag == "{"
        self._closing = _CLOSING.get(opening.tag, "")
        self._separators = _SEPARATORS.get(opening.tag, "")
        self._tools = tools
        self._has_named_head = bool(opening.name)  # the JSON is the arguments alone
        self._state: _State = "head"
        self._is_broken = False  # what is kept cannot be read as JSON
        self._waiting = "{" if self._is_bare else ""  # too little text to tell what it is
        self._kept = _KeptText()  # the value that has begun, or what cannot be read
        self._between: list[str] = []  # what separates the last value from what follows
        self._before = ""  # the end of the text in which the closing tag was looked for
        self._json = JsonScanner()
        self._values: list[str] = []

    @property
    def text(self) -> str:
        """All the text of a region that only looked like a call."""
        return "".join(self._values) + self._kept.text

    def feed(self, text: str) -> str | None:
        """The text that follows the calls; ``None`` while they go on."""
        self.size += len(text)
        text, self._waiting = self._waiting + text, ""
        while text and self._state != "over":
            match self._state:
                case "head":
                    text = self._read_head(text)
                case "json":
                    text = self._read_json(text)
                case "tail":
                    text = self._read_tail(text)
                case "other":
                    text = self._seek_closing(text)
        if self._state != "over":
            return None
        self.size -= len(text)
        return text

    def finish(self, special: SpecialTokenFinder) -> str:
        """The text that follows the calls when the answer has ended in them; ``special`` tokens are no part of them.

        A closing tag that seemed to be part of a string was the end: the string was never closed.
        """
        if self._state == "tail":
            return ""
        self._is_broken = True
        left = self._kept.take() + self._waiting
        body, closing, rest = left.partition(self._closing or "\0")
        if closing and self._may_reread:
            self._state, self.has_reread = "over", True
            self._kept.append(body + closing)
            return rest
        self._kept.append(special.without_last(left))
        return ""

    def calls(self) -> list[RawToolCall] | None:
        """The calls; ``None`` when the text only looked like the beginning of one."""
        calls = [call for value in self._values for call in self._parse(value)]
        if self._is_bare and not (calls and any(tool.name == calls[0].name for tool in self._tools)):
            return None
        if not self._is_broken:
            return calls
        left = self._kept.text
        left = left.removesuffix(self._closing) if self._state == "over" else left
        in_xml = xml_tool_calls.parse(left, self._tools, complete=self._state == "over")
        calls += [RawToolCall(name=name, arguments=arguments) for name, arguments in in_xml]
        return calls if in_xml else [*calls, self._unparsable(left.strip(), "" if calls else self.name)]

    def _read_head(self, text: str) -> str:
        """Find the JSON, perhaps after a name; what is left to read."""
        head = text[:_MAX_HEAD_CHARACTERS]
        body = head.lstrip()
        start, brace = len(head) - len(body), body.find("{")
        if body[:1] in ("{", "["):
            self._state = "json"
            return text[start:]
        if brace > 0 and not self._has_named_head and (named := _HEAD.fullmatch(body, 0, brace)):
            self.name, self._has_named_head = named[1], True
            self._state = "json"
            return text[start + brace :]
        has_ended = body[:1] == "<" or (self._closing and self._closing in head)
        if brace > 0 or has_ended or len(text) > _MAX_HEAD_CHARACTERS:
            self._state = "other"
            return text
        self._waiting = text
        return ""

    def _read_json(self, text: str) -> str:
        """Find the end of the JSON; what is left to read."""
        end = self._json.end(text)
        piece, rest = (text, "") if end is None else (text[:end], text[end:])
        may_be_text = self._is_bare and not self._values
        self._kept.append(piece)
        if not self.name and not self._is_bare and not self._values:
            self.name = json_tool_calls.first_name(self._kept.start) or ""
        if may_be_text and not json_tool_calls.may_be_call(self._kept.start):
            self._state = "over"
        elif end is not None and piece[-1] in "}]":
            self._values.append(self._kept.take())
            self._state, self._json = "tail", JsonScanner()
            if may_be_text and not self.calls():
                self._state = "over"
        elif end is not None and may_be_text:
            self._state = "over"
        elif end is not None:
            self._state = "other"
            return self._unread_json() + rest
        return rest

    def _unread_json(self) -> str:
        """What began as JSON and is to be read again."""
        if self._may_reread:
            self.has_reread = True
            return self._kept.take()
        self._before = "<"
        return ""

    def _read_tail(self, text: str) -> str:
        """After one value: another one, the end, or still undecided; what is left to read."""
        rest = text.lstrip(self._separators) if self._separators else text
        self._between.append(text[: len(text) - len(rest)])
        if self._separators and rest[:1] == "{":
            self._state, self._between = "json", []
            return rest
        if self._closing and rest.startswith(self._closing):
            self._state = "over"
            return rest.removeprefix(self._closing)
        if (not rest and self._separators) or (self._closing and self._closing.startswith(rest)):
            self._waiting = rest
            return ""
        self._state = "over"
        return "".join(self._between) + rest

    def _seek_closing(self, text: str) -> str:
        """In text that is no JSON: find the closing tag; what is left to read."""
        self._is_broken = True
        searched = self._before + text
        at = searched.find(self._closing) if self._closing else -1
        end = at + len(self._closing) - len(self._before) if at >= 0 else len(text)
        self._kept.append(text[:end])
        if not self.name and not self._is_bare and not self._values:
            self.name = xml_tool_calls.first_name(self._kept.start) or ""
        if at >= 0:
            self._state = "over"
        self._before = searched[max(0, len(searched) - len(self._closing) + 1) :] if self._closing else ""
        return text[end:]

    def _parse(self, value: str) -> list[RawToolCall]:
        if self._has_named_head:
            return [RawToolCall(name=self.name, arguments=value)]
        return json_tool_calls.parse(value, self.name)

    def _unparsable(self, text: str, name: str) -> RawToolCall:
        if self._has_named_head:
            return RawToolCall(name=name, arguments=text or ("{}" if self._state == "over" else ""))
        return json_tool_calls.unparsable(text, name)


class _KeptText:
    """Text that arrives in pieces; ``start`` is its beginning."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.start = ""

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def append(self, piece: str) -> None:
        self._pieces.append(piece)
        if len(self.start) < _MAX_CHARACTERS_TO_NAME:
            self.start += piece[: _MAX_CHARACTERS_TO_NAME - len(self.start)]

    def take(self) -> str:
        """The text, which is then no longer kept."""
        text, self._pieces, self.start = self.text, [], ""
        return text
