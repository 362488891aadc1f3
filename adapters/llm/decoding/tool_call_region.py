"""Reads the part of an answer that holds tool calls, from the tag that opens it to its end; pure."""

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

    ``name`` is the first call's, as soon as it is certain; ``text`` is all the text that belongs to the calls.
    """

    def __init__(self, opening: ToolCallOpening, tools: tuple[llm.Tool, ...]) -> None:
        self.name = opening.name
        self.text = "{" if opening.tag == "{" else ""
        self._is_bare = opening.tag == "{"
        self._closing = _CLOSING.get(opening.tag, "")
        self._separators = _SEPARATORS.get(opening.tag, "")
        self._tools = tools
        self._has_named_head = bool(opening.name)  # the JSON is the arguments alone
        self._state: _State = "head"
        self._is_broken = False  # the text from ``_at`` on cannot be read as JSON
        self._at = 0  # the text before it has been read
        self._json = JsonScanner()
        self._values: list[str] = []

    def feed(self, text: str) -> str | None:
        """The text that follows the calls; ``None`` while they go on."""
        self.text += text
        rest, before = None, None
        while rest is None and before != self._state:  # a step that changes nothing waits for more text
            before = self._state
            rest = self._step()
        if rest is not None:
            self._state, self.text = "over", self.text[: len(self.text) - len(rest)]
        return rest

    def finish(self, special: SpecialTokenFinder) -> str:
        """The text that follows the calls when the answer has ended in them; ``special`` tokens are no part of them.

        A closing tag that seemed to be part of a string was the end: the string was never closed.
        """
        self._is_broken = self._state != "tail"
        body, closing, rest = self.text[self._at :].partition(self._closing or "\0")
        if self._is_broken:
            self.text = self.text[: self._at] + (body + closing if closing else special.without_last(body))
        self._state = "over" if closing else self._state
        return rest if self._is_broken else ""

    def calls(self) -> list[RawToolCall] | None:
        """The calls; ``None`` when the text only looked like the beginning of one."""
        calls = [call for value in self._values for call in self._parse(value)]
        if self._is_bare and not (calls and any(tool.name == calls[0].name for tool in self._tools)):
            return None
        if not self._is_broken:
            return calls
        left = self.text[self._at :]
        left = left.removesuffix(self._closing) if self._state == "over" else left
        in_xml = xml_tool_calls.parse(left, self._tools, complete=self._state == "over")
        calls += [RawToolCall(name=name, arguments=arguments) for name, arguments in in_xml]
        return calls if in_xml else [*calls, self._unparsable(left.strip(), "" if calls else self.name)]

    def _step(self) -> str | None:
        match self._state:
            case "head":
                self._read_head()
            case "json":
                return self._read_json()
            case "tail":
                return self._read_tail()
            case "other" | "over":
                return self._seek_closing()
        return None

    def _read_head(self) -> None:
        """Find the JSON, perhaps after a name."""
        body = self.text.lstrip()
        brace = body.find("{")
        if body[:1] in ("{", "["):
            self._state, self._at = "json", len(self.text) - len(body)
        elif brace > 0 and not self._has_named_head and (head := _HEAD.fullmatch(body, 0, brace)):
            self.name, self._has_named_head = head[1], True
            self._state, self._at = "json", len(self.text) - len(body) + brace
        elif brace > 0 or body[:1] == "<" or len(body) > _MAX_HEAD_CHARACTERS:
            self._state = "other"

    def _read_json(self) -> str | None:
        """Find the end of the JSON."""
        value = self.text[self._at :]
        if not self.name and not self._is_bare and len(value) <= _MAX_CHARACTERS_TO_NAME:
            self.name = json_tool_calls.first_name(value) or ""
        if self._is_bare and not self._values and not json_tool_calls.may_be_call(value):
            return ""
        end = self._json.end(value)
        if end is not None and value[end - 1] in "}]":
            self._values.append(value[:end])
            self._at += end
            self._state, self._json = "tail", JsonScanner()
        elif end is not None and self._is_bare and not self._values:
            return ""
        elif end is not None:
            self._state = "other"
        return None

    def _read_tail(self) -> str | None:
        """After one value: another one, the end, or still undecided."""
        if self._is_bare and not self.calls():
            return ""
        left = self.text[self._at :]
        rest = left.lstrip(self._separators)
        if self._separators and rest[:1] == "{":
            self._state, self._at = "json", len(self.text) - len(rest)
            return None
        if self._closing and rest.startswith(self._closing):
            return rest.removeprefix(self._closing)
        waits = (not rest and self._separators) or (self._closing and self._closing.startswith(rest))
        return None if waits else left

    def _seek_closing(self) -> str | None:
        """After text that is no JSON: up to the closing tag, else up to the end of the answer."""
        self._is_broken = True
        body, closing, rest = self.text[self._at :].partition(self._closing or "\0")
        before = self.text[: self._at] + body[:_MAX_CHARACTERS_TO_NAME]
        if not self._is_bare and not self.name and (name := xml_tool_calls.first_name(before)):
            self.name = name
        return rest if closing else None

    def _parse(self, value: str) -> list[RawToolCall]:
        if self._has_named_head:
            return [RawToolCall(name=self.name, arguments=value)]
        return json_tool_calls.parse(value, self.name)

    def _unparsable(self, text: str, name: str) -> RawToolCall:
        if self._has_named_head:
            return RawToolCall(name=name, arguments=text or ("{}" if self._state == "over" else ""))
        return json_tool_calls.unparsable(text, name)
