"""Whatever a model writes, the work is linear in the length of its answer."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from adapters.contract import llm
from adapters.llm.answer_limits import LimitExceeded
from adapters.llm.decoding.detokenizer import Detokenizer
from adapters.llm.decoding.start_state import StartState
from adapters.llm.decoding.stop_strings import StopStrings
from adapters.llm.decoding.tool_call_parser import ToolCallParser
from tests.support.call_count import calls_of
from tests.support.counted_text import CountedText, copied_by

_TOOLS = (llm.Tool(name="t", parameters={"type": "object"}),)
_SIZE = 2_000
_TIMES = 4  # the longer text; quadratic work would be 16 times as much


def _repeated(unit: str, *, before: str = "", after: str = "") -> Callable[[int], str]:
    return lambda size: before + unit * (size // len(unit)) + after


_HOSTILE = {
    "opening tags": _repeated("<tool_call>"),
    "closing tags": _repeated("</tool_call>"),
    "empty calls": _repeated("<tool_call></tool_call>"),
    "a string without end": _repeated("x", before='<tool_call>{"name": "t", "arguments": {"a": "'),
    "a list without end": _repeated("1, ", before='<tool_call>{"name": "t", "arguments": {"a": ['),
    "brackets": _repeated("[", before="<tool_call>"),
    "braces": _repeated('{"a":', before="<tool_call>"),
    "no JSON": _repeated("hello < ", before="<tool_call>"),
    "XML parameters": _repeated("<parameter=a>", before="<tool_call><function=t>"),
    "XML calls": _repeated("<function=t></function>", before="<tool_call>"),
    "strings that hide the ends": _repeated('<tool_call>{\\"</tool_call>'),
    "strings that hide the ends, and are closed": _repeated('<tool_call>{\\"</tool_call>', after='"<'),
    "spaces before": _repeated(" ", before="<tool_call>", after="{"),
    "a word and spaces before": _repeated(" ", before="<tool_call>a", after="x{"),
    "spaces after": _repeated(" ", before='<tool_call>{"name":"t"}'),
    "many values": _repeated('{"name":"x"} ', before="<tool_call>"),
    "many values without a tag": _repeated('{"name":"t"};'),
    "a brace and spaces": _repeated(" ", before="{"),
    "a brace and a long key": _repeated("e", before='{"name'),
    "a bare string without end": _repeated("x", before='{"name": "t", "parameters": {"a": "'),
    "Mistral's calls": _repeated("t[ARGS]{}", before="[TOOL_CALLS]"),
    "Mistral's list": _repeated('{"name":"t"},', before="[TOOL_CALLS]["),
    "Mistral's tags": _repeated("[TOOL_CALLS]"),
    "Python tags": _repeated("<|python_tag|>"),
    "Harmony's headers": _repeated("<|start|>assistant"),
    "tokens in a header of Harmony": _repeated("<|x|>", before="<|channel|>"),
    "Harmony's calls": _repeated("<|channel|>commentary to=functions.t<|message|>"),
    "thinking": _repeated("<think>"),
    "the ends of thinking": _repeated("</think>"),
    "short thinking": _repeated("<think>a</think>"),
    "spaces and then thinking": lambda size: " " * (size // 2) + "x" + "<think>" * (size // 14),
    "smaller-than signs": _repeated("<"),
    "special tokens in a call": _repeated("</s>", before='<tool_call>{"name": "t"'),
    "special tokens and spaces in a call": _repeated("<|a|> ", before="<tool_call>x"),
}


def _pieces(text: str, size: int) -> list[CountedText]:
    return [CountedText(text[at : at + size]) for at in range(0, len(text), size)]


def _parse(text: str, piece: int, *, inside: bool) -> None:
    parser = ToolCallParser(StartState(inside=inside), _TOOLS)
    with suppress(LimitExceeded):  # too many calls
        for each in _pieces(text, piece):
            list(parser.feed(each))
        list(parser.finish("stop"))


def _work(function: Callable[[], object]) -> int:
    return copied_by(function) + calls_of(function, limit=100_000_000)


@pytest.mark.parametrize("inside", [False, True], ids=["answer", "undecided"])
@pytest.mark.parametrize("piece", [4, 10**9], ids=["in pieces", "as a whole"])
@pytest.mark.parametrize("name", _HOSTILE)
def test_of_calls_and_reasoning(name: str, piece: int, inside: bool) -> None:
    def work(size: int) -> int:
        text = _HOSTILE[name](size)
        return _work(lambda: _parse(text, piece, inside=inside))

    assert work(_TIMES * _SIZE) < 1.5 * _TIMES * work(_SIZE) + 20_000


@pytest.mark.parametrize(
    ("stop", "unit"),
    [("END", "E"), ("a" * 3000 + "b", "a"), ("ab" * 1500 + "c", "ab"), ("x" * 1_000_000, "x"), ("\n\n\n", "\n\na")],
    ids=["short", "one letter", "two letters", "longer than the answer", "lines"],
)
def test_of_stop_strings(stop: str, unit: str) -> None:
    def read(size: int) -> None:
        strings = StopStrings((stop, stop + "!"))
        for piece in _pieces(unit * (size // len(unit)), 4):
            strings.feed(piece)
        strings.finish()

    assert _work(lambda: read(_TIMES * _SIZE)) < 1.5 * _TIMES * _work(lambda: read(_SIZE)) + 20_000


@pytest.mark.parametrize(
    "token", ["a", "", "\N{REPLACEMENT CHARACTER}", " "], ids=["letters", "nothing", "bytes", "spaces"]
)
def test_of_tokens(token: str) -> None:
    decoded = 0

    def decode(ids: list[int]) -> str:
        nonlocal decoded
        decoded += len(ids)
        return token * len(ids)

    detokenizer = Detokenizer(decode)
    for number in range(_SIZE):
        detokenizer.feed((number,))
    detokenizer.finish()
    assert decoded < 50 * _SIZE
