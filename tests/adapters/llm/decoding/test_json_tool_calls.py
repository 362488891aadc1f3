import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.llm.decoding.json_tool_calls import JsonScanner, RawToolCall, first_name, may_be_call, parse

_CALL = RawToolCall(name="f", arguments='{"a": 1}')


@pytest.mark.parametrize(
    ("value", "calls"),
    [
        ('{"name": "f", "arguments": {"a": 1}}', [_CALL]),
        ('{"name": "f", "parameters": {"a": 1}}', [_CALL]),
        ('{"function": {"name": "f", "arguments": {"a": 1}}}', [_CALL]),
        ('{"type": "function", "function": "f", "arguments": {"a": 1}}', [_CALL]),
        ('{"name": "f", "arguments": "{\\"a\\": 1}"}', [_CALL]),
        ('{"name": "f"}', [RawToolCall(name="f", arguments="{}")]),
        ('{"name": "f", "arguments": null}', [RawToolCall(name="f", arguments="{}")]),
        ('[{"name": "f", "arguments": {"a": 1}}, {"name": "g"}]', [_CALL, RawToolCall(name="g", arguments="{}")]),
        ("[]", []),
    ],
)
def test_calls_in_every_form(value: str, calls: list[RawToolCall]) -> None:
    assert parse(value) == calls


@pytest.mark.parametrize(
    ("value", "call"),
    [
        ("{'name': 'f', 'arguments': {'a': 1}}", RawToolCall(name="f", arguments="{'a': 1}}")),
        ('{"arguments": {"a": 1}}', RawToolCall(name="unknown", arguments='{"a": 1}}')),
        ("[1]", RawToolCall(name="unknown", arguments="[1]")),
    ],
)
def test_what_cannot_be_parsed_is_kept_with_the_name_that_it_seems_to_have(value: str, call: RawToolCall) -> None:
    assert parse(value) == [call]
    assert parse(value, "known")[0].name == "known"


@pytest.mark.parametrize(("value", "name"), [('[{ "name" : "f"', "f"), ('{"name": "f', None), ('{"id": 1', None)])
def test_the_name_is_known_when_it_stands_first_and_is_complete(value: str, name: str | None) -> None:
    assert first_name(value) == name


@pytest.mark.parametrize(
    ("value", "possible"),
    [("{", True), ('{ "na', True), ('{"name"', True), ('{"names"', False), ('{"city"', False), ("{x", False)],
)
def test_the_first_key_tells_whether_it_can_be_a_call(value: str, possible: bool) -> None:
    assert may_be_call(value) is possible


_VALUES = st.recursive(
    st.integers() | st.text('a"\\{}[]<é', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('a"}', max_size=3), inner, max_size=3),
).filter(lambda value: isinstance(value, list | dict))


@given(_VALUES, st.text(max_size=5), st.integers(1, 7))
def test_the_end_is_found_however_the_text_is_cut(value: object, rest: str, size: int) -> None:
    written = json.dumps(value)
    text, scanner = written + rest, JsonScanner()
    last = (len(written) - 1) // size * size  # where the piece with the end begins
    assert {scanner.end(text[at : at + size]) for at in range(0, last, size)} <= {None}
    assert scanner.end(text[last:]) == len(written) - last


def test_markup_outside_of_strings_ends_it() -> None:
    assert JsonScanner().end('{"a": "<b>", <') == len('{"a": "<b>", <')
