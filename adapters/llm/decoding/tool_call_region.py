"""Reads one stretch of text in which a model wrote calls, from what opened it to its end; pure."""

import re
from typing import Literal

import msgspec

from adapters.contract import llm
from adapters.llm.decoding import reasoning_parser, xml_tool_calls
from adapters.llm.decoding.special_tokens import Markers

# What ends the calls; Mistral's and the bare object end with their JSON.
_CLOSING = {"<tool_call>": "</tool_call>", "<|message|>": "<|call|>", "<|python_tag|>": "<|eom_id|>"}
# What may stand between several calls after one opening.
_BETWEEN = {"<tool_call>": " \t\r\n,", "<|python_tag|>": " \t\r\n;", "{": " \t\r\n;"}
_MOST_HEAD = 200  # characters before the JSON
_MOST_TO_NAME = 400  # characters in which a call's name is looked for before the call is complete

# The name, and what Mistral writes before the arguments.
_HEAD = re.compile(r"\s*([\w.-]{1,64})\s*(?:\[CALL_ID\]\s*\w{0,64}\s*)?(?:\[ARGS\])?\s*")
_NAME = re.compile(r'[{\[\s]*"name"\s*:\s*"([^"\\]+)"')
_KEY = re.compile(r'\{\s*(?:"([^"]*)("?)|[^\s"])')
_KEYS = ("name", "parameters", "arguments", "type", "function", "id")  # what a bare call can begin with
# To tell something at least of what cannot be read.
_ANY_NAME = re.compile(r"""["']name["']\s*:\s*["']([\w.-]{1,64})""")
_ANY_ARGUMENTS = re.compile(r"""["'](?:arguments|parameters)["']\s*:\s*""")

_State = Literal["head", "json", "tail", "unread", "over"]


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A call as the model wrote it; nothing of it is judged."""

    name: str
    arguments: str


class Region:
    """The text from ``opening`` on: ``feed`` it until it says what is left, or ``finish``; then ``written``.

    ``name`` is the first call's, as soon as it is certain; ``text`` is all that belongs to the calls.
    """

    def __init__(self, opening: reasoning_parser.Opening, tools: tuple[llm.Tool, ...]) -> None:
        self.name = opening.name
        self.text = "{" if opening.marker == "{" else ""
        self._bare = opening.marker == "{"
        self._closing = _CLOSING.get(opening.marker, "")
        self._between = _BETWEEN.get(opening.marker, "")
        self._tools = tools
        self._named = bool(opening.name)  # the name stands before the JSON, which is the arguments alone
        self._state: _State = "head"
        self._broken = False  # what comes after ``_at`` cannot be read
        self._at = 0  # what comes before is read
        self._json = _Json()
        self._values: list[str] = []

    def feed(self, text: str) -> str | None:
        """What follows the calls; ``None`` while they go on."""
        self.text += text
        rest, before = None, None
        while rest is None and before != self._state:  # a step that changes nothing waits for more
            before = self._state
            rest = self._step()
        if rest is not None:
            self._state, self.text = "over", self.text[: len(self.text) - len(rest)]
        return rest

    def finish(self, markers: Markers) -> str:
        """What follows the calls when the answer has ended within them; ``markers`` are no part of them.

        A closing tag that seemed to be part of a string was the end after all: the string was never closed.
        """
        self._broken = self._state != "tail"
        body, closing, rest = self.text[self._at :].partition(self._closing or "\0")
        if self._broken:
            self.text = self.text[: self._at] + (body + closing if closing else markers.without_last(body))
        self._state = "over" if closing else self._state
        return rest if self._broken else ""

    def written(self) -> list[Written] | None:
        """The calls; ``None`` when the text only looked like the beginning of one."""
        calls = [call for value in self._values for call in self._read(value)]
        if self._bare and not (calls and self._is_call(calls[0])):
            return None
        if not self._broken:
            return calls
        left = self.text[self._at :]
        left = left.removesuffix(self._closing) if self._state == "over" else left
        tagged = xml_tool_calls.read(left, self._tools, complete=self._state == "over")
        calls += [Written(name=name, arguments=arguments) for name, arguments in tagged]
        return calls if tagged else [*calls, self._unreadable(left.strip(), "" if calls else self.name)]

    def _step(self) -> str | None:
        match self._state:
            case "head":
                self._begin()
            case "json":
                return self._scan()
            case "tail":
                return self._after()
            case "unread" | "over":
                return self._seek_closing()
        return None

    def _begin(self) -> None:
        """Find the JSON, perhaps after a name."""
        body = self.text.lstrip()
        brace = body.find("{")
        if body[:1] in ("{", "["):
            self._state, self._at = "json", len(self.text) - len(body)
        elif brace > 0 and not self._named and (head := _HEAD.fullmatch(body, 0, brace)):
            self.name, self._named = head[1], True
            self._state, self._at = "json", len(self.text) - len(body) + brace
        elif brace > 0 or body[:1] == "<" or len(body) > _MOST_HEAD:
            self._state = "unread"

    def _scan(self) -> str | None:
        """Find the end of the JSON."""
        value = self.text[self._at :]
        if not self.name and not self._bare and len(value) <= _MOST_TO_NAME and (name := _NAME.match(value)):
            self.name = name[1]
        if self._bare and not self._values and not _may_be_call(value):
            return ""
        end = self._json.end(value)
        if end is not None and value[end - 1] in "}]":
            self._values.append(value[:end])
            self._at += end
            self._state, self._json = "tail", _Json()
        elif end is not None and self._bare and not self._values:
            return ""
        elif end is not None:
            self._state = "unread"
        return None

    def _after(self) -> str | None:
        """After one value: another one, the end, or no word yet."""
        if self._bare and not self.written():
            return ""
        left = self.text[self._at :]
        rest = left.lstrip(self._between)
        if self._between and rest[:1] == "{":
            self._state, self._at = "json", len(self.text) - len(rest)
            return None
        if self._closing and rest.startswith(self._closing):
            return rest.removeprefix(self._closing)
        waits = (not rest and self._between) or (self._closing and self._closing.startswith(rest))
        return None if waits else left

    def _seek_closing(self) -> str | None:
        """After something that cannot be read here: the closing tag, else all of it until the answer ends."""
        self._broken = True
        body, closing, rest = self.text[self._at :].partition(self._closing or "\0")
        before = self.text[: self._at] + body[:_MOST_TO_NAME]
        if not self._bare and not self.name and (name := xml_tool_calls.name(before)):
            self.name = name
        return rest if closing else None

    def _read(self, value: str) -> list[Written]:
        if self._named:
            return [Written(name=self.name, arguments=value)]
        try:
            calls = msgspec.json.decode(value, type=list[_Call] | _Call)
        except (msgspec.DecodeError, RecursionError):
            return [self._unreadable(value, self.name)]
        calls = calls if isinstance(calls, list) else [calls]
        return [call.written() or self._unreadable(value, self.name) for call in calls]

    def _is_call(self, call: Written) -> bool:
        return any(tool.name == call.name for tool in self._tools)

    def _unreadable(self, text: str, name: str) -> Written:
        if self._named:
            return Written(name=name, arguments=text or ("{}" if self._state == "over" else ""))
        found, arguments = _ANY_NAME.search(text), _ANY_ARGUMENTS.search(text)
        return Written(
            name=name or (found[1] if found else "unknown"), arguments=text[arguments.end() :] if arguments else text
        )


class _Call(msgspec.Struct):
    """A call in JSON: flat, or as servers write it with a ``function``."""

    name: str | None = None
    function: "str | _Call | None" = None
    arguments: msgspec.Raw = msgspec.Raw()
    parameters: msgspec.Raw = msgspec.Raw()

    def written(self) -> Written | None:
        """The same with the arguments as text; ``None`` without a name."""
        if isinstance(self.function, _Call):
            return self.function.written()
        name = self.name or self.function
        arguments = (bytes(self.arguments) or bytes(self.parameters) or b"{}").decode()
        if arguments.startswith('"'):  # JSON in JSON
            arguments = msgspec.json.decode(arguments, type=str)
        return Written(name=name, arguments="{}" if arguments == "null" else arguments) if name else None


class _Json:
    """Finds the end of a JSON object or list in text that grows."""

    _MARK = re.compile(r'["\\{}\[\]<]')

    def __init__(self) -> None:
        self._at = 0
        self._depth = 0
        self._in_string = False

    def end(self, text: str) -> int | None:
        """Where it ends, or just after a ``<``, which JSON has in strings only."""
        while mark := self._MARK.search(text, self._at):
            self._at = mark.end()
            if self._in_string:
                self._at += mark[0] == "\\"
                self._in_string = mark[0] != '"'
            elif mark[0] == '"':
                self._in_string = True
            elif mark[0] != "\\":
                self._depth += 1 if mark[0] in "{[" else -1
                if mark[0] == "<" or self._depth == 0:
                    return self._at
        self._at = max(self._at, len(text))
        return None


def _may_be_call(value: str) -> bool:
    """Whether the object that begins so can be a bare call: by its first key."""
    key = _KEY.match(value)
    if key is None:
        return True
    if key[1] is None:
        return False
    return key[1] in _KEYS if key[2] else any(name.startswith(key[1]) for name in _KEYS)
