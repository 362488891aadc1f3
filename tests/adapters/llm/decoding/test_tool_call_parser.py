import json
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import llm
from adapters.llm.answer_limits import LimitExceeded
from adapters.llm.decoding.start_state import StartState
from adapters.llm.decoding.tool_call_parser import ToolCallParser

_WEATHER = llm.Tool(
    name="weather",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "exact": {"type": "boolean"}},
        "required": ["city"],
    },
)
_TOOLS = (_WEATHER, llm.Tool(name="time"))
_PARIS = '{"city": "Paris"}'


def events(
    pieces: Iterable[str],
    *,
    tools: tuple[llm.Tool, ...] = _TOOLS,
    inside: bool = False,
    reason: llm.FinishReason = "stop",
) -> list[llm.Event]:
    reader = ToolCallParser(StartState(inside=inside), tools, frozenset(["[/INST]"]))
    return [*(event for piece in pieces for event in reader.feed(piece)), *reader.finish(reason)]


def joined(found: Iterable[llm.Event]) -> list[tuple[str, ...]]:
    """What happens in order: pieces of one kind are joined, calls are named by their number."""
    result: list[tuple[str, ...]] = []
    ids: dict[str, str] = {}
    for event in found:
        match event:
            case llm.TextDelta() | llm.ReasoningDelta():
                kind = "text" if isinstance(event, llm.TextDelta) else "thought"
                assert event.text
                if result and result[-1][0] == kind:
                    result[-1] = (kind, result[-1][1] + event.text)
                else:
                    result.append((kind, event.text))
            case llm.ToolCallStarted():
                assert event.call_id not in ids
                ids[event.call_id] = str(len(ids))
                result.append(("started", ids[event.call_id], event.name))
            case llm.ToolCallDelta():
                result.append(("delta", ids[event.call_id], event.arguments))
            case llm.ToolCallFinished():
                deltas = [entry[2] for entry in result if entry[:2] == ("delta", ids[event.call_id])]
                assert "".join(deltas) == event.arguments
                assert ("started", ids[event.call_id], event.name) in result
                result.append(("finished", ids[event.call_id], event.name, event.arguments, event.invalid or ""))
            case _:
                raise AssertionError(event)
    return result


def said(found: Iterable[llm.Event]) -> str:
    return "".join(event.text for event in found if isinstance(event, llm.TextDelta))


def calls(found: Iterable[llm.Event]) -> list[llm.ToolCallFinished]:
    return [event for event in found if isinstance(event, llm.ToolCallFinished)]


def valid(found: Iterable[llm.Event]) -> list[tuple[str, object]]:
    found = calls(found)
    assert not [call.invalid for call in found if call.invalid]
    return [(call.name, json.loads(call.arguments)) for call in found]


_CITY = ("weather", {"city": "Paris"})

_HERMES = f'<tool_call>\n{{"name": "weather", "arguments": {_PARIS}}}\n</tool_call>'
_FORMATS = {
    "hermes": _HERMES,
    "hermes without the closing tag": f'<tool_call>\n{{"name": "weather", "arguments": {_PARIS}}}',
    "hermes, a token after it": f"{_HERMES}<|im_end|>\n",
    "hermes, only the token after it": f'<tool_call>{{"name": "weather", "arguments": {_PARIS}}}<|im_end|>',
    "hermes, arguments first": f'<tool_call>{{"arguments": {_PARIS}, "name": "weather"}}</tool_call>',
    "hermes, JSON in JSON": f'<tool_call>{{"name": "weather", "arguments": {json.dumps(_PARIS)}}}</tool_call>',
    "hermes, a server's form": f'<tool_call>{{"function": {{"name": "weather", "arguments": {_PARIS}}}}}</tool_call>',
    "tags": "<tool_call>\n<function=weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>",
    "tags without the closing tag": "<tool_call>\n<function=weather>\n<parameter=city>\nParis\n</parameter></function>",
    "mistral's list": f'[TOOL_CALLS] [{{"name": "weather", "arguments": {_PARIS}, "id": "abcdefghi"}}]</s>',
    "mistral's name": f"[TOOL_CALLS]weather[ARGS]{_PARIS}</s>",
    "mistral's name and id": f"[TOOL_CALLS]weather[CALL_ID]abcdefghi[ARGS]{_PARIS}",
    "mistral's name alone": f"[TOOL_CALLS]weather{_PARIS}",
    "harmony": "<|channel|>commentary to=functions.weather <|constrain|>json<|message|>" + _PARIS + "<|call|>",
    "harmony without a space": "<|channel|>commentary to=functions.weather<|constrain|>json<|message|>" + _PARIS,
    "harmony, recipient first": "<|start|>assistant to=functions.weather<|channel|>commentary<|message|>" + _PARIS,
    "llama": f'<|python_tag|>{{"name": "weather", "parameters": {_PARIS}}}<|eom_id|>',
    "llama, bare": f'{{"name": "weather", "parameters": {_PARIS}}}<|eot_id|>',
    "llama, bare with a type": f'\n{{"type": "function", "name": "weather", "parameters": {_PARIS}}}',
}


@pytest.mark.parametrize("text", _FORMATS.values(), ids=_FORMATS.keys())
def test_a_call_is_found_and_nothing_of_it_is_said(text: str) -> None:
    found = events([text])
    assert valid(found) == [_CITY]
    assert said(found) == ""
    assert joined(events(text)) == joined(found)


@pytest.mark.parametrize("text", [text for name, text in _FORMATS.items() if "bare" not in name])
def test_words_before_a_call_are_said(text: str) -> None:
    found = events(f"I look. {text}")
    assert (said(found), valid(found)) == ("I look. ", [_CITY])


@pytest.mark.parametrize(
    "text",
    [
        f'{_HERMES}\n<tool_call>{{"name": "time"}}</tool_call>',
        f'<tool_call>\n{{"name": "weather", "arguments": {_PARIS}}}\n{{"name": "time"}}\n</tool_call>',
        f'<tool_call>{{"name": "weather", "arguments": {_PARIS}}}<tool_call>{{"name": "time"}}</tool_call>',
        f'<tool_call>[{{"name": "weather", "arguments": {_PARIS}}}, {{"name": "time"}}]</tool_call>',
        f'[TOOL_CALLS][{{"name": "weather", "arguments": {_PARIS}}}, {{"name": "time", "arguments": {{}}}}]',
        f"[TOOL_CALLS]weather[ARGS]{_PARIS}[TOOL_CALLS]time[ARGS]{{}}</s>",
        f'<|python_tag|>{{"name": "weather", "parameters": {_PARIS}}}; {{"name": "time"}}<|eot_id|>',
        f'{{"name": "weather", "parameters": {_PARIS}}}; {{"name": "time", "parameters": {{}}}}',
        "<tool_call><function=weather><parameter=city>Paris</parameter></function></tool_call>\n"
        "<tool_call>\n<function=time>\n</function>\n</tool_call>",
        "<tool_call><function=weather><parameter=city>Paris</parameter></function><function=time></function></tool_call>",
        f"<|channel|>commentary to=functions.weather<|message|>{_PARIS}<|call|>"
        "<|start|>assistant<|channel|>commentary to=functions.time<|message|>{}<|call|>",
    ],
)
def test_several_calls(text: str) -> None:
    found = events([text])
    assert (said(found), valid(found)) == ("", [_CITY, ("time", {})])
    assert joined(events(text)) == joined(found)


def test_text_goes_on_after_a_call() -> None:
    found = events([f'<tool_call>{{"name": "weather", "arguments": {_PARIS}}}</tool_call>\nI have asked.'])
    assert joined(found)[-1] == ("text", "I have asked.")


def test_strings_in_arguments_may_hold_markup() -> None:
    city = 'a "b" {[ </tool_call> <think> </s> <|im_end|> \\ é'
    call = json.dumps({"name": "weather", "arguments": {"city": city}})
    found = events(f"<tool_call>{call}</tool_call>Done.")
    assert (valid(found), said(found)) == ([("weather", {"city": city})], "Done.")


def test_a_name_is_known_before_the_arguments() -> None:
    reader = ToolCallParser(StartState(), _TOOLS)
    found = list(reader.feed('<tool_call>{"name": "weather", "arguments": {"ci'))
    assert [event.name for event in found if isinstance(event, llm.ToolCallStarted)] == ["weather"]
    reader = ToolCallParser(StartState(), _TOOLS)
    found = list(reader.feed("<tool_call><function=weather><para"))
    assert [event.name for event in found if isinstance(event, llm.ToolCallStarted)] == ["weather"]


def test_values_between_tags_have_the_type_of_the_schema() -> None:
    text = (
        "<tool_call><function=weather><parameter=city>\n12\n</parameter><parameter=days>3</parameter>"
        "<parameter=exact>True</parameter><parameter=more>[1]</parameter><parameter=note>two\nlines</parameter>"
        "</function></tool_call>"
    )
    expected = {"city": "12", "days": 3, "exact": True, "more": [1], "note": "two\nlines"}
    assert valid(events(text)) == [("weather", expected)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('<tool_call>{"name": "weather", "arguments": {"city": "Par', "weather"),
        ('<tool_call>{"name": "weather", "arguments": {"city": "Par<|im_end|>', "weather"),
        ("<tool_call>{'name': 'weather', 'arguments': {'city': 'Paris'}}</tool_call>", "weather"),
        ('<tool_call>{"name": "weather", "arguments": {"city": Paris}</tool_call>', "weather"),
        ("<tool_call>weather(city='Paris')</tool_call>", "unknown"),
        ("<tool_call>[1, 2]</tool_call>", "unknown"),
        ('<tool_call>{"arguments": {"city": "Paris"}}</tool_call>', "unknown"),
        ("<tool_call>", "unknown"),
        ("<tool_call><function=weather><parameter=city>Par", "weather"),
        ("[TOOL_CALLS]the weather in Paris", "unknown"),
        ("[TOOL_CALLS]weather[ARGS]{", "weather"),
        ("<|channel|>commentary to=functions.weather<|message|>Paris<|call|>", "weather"),
        ("<|channel|>commentary to=functions.weather<|message|>", "weather"),
        ("<|channel|>commentary to=python<|message|>print(1)<|call|>", "python"),
        ('<|python_tag|>brave_search.call(query="x")<|eom_id|>', "unknown"),
        ('<tool_call>{"name": "dance", "arguments": {}}</tool_call>', "dance"),
        ('<tool_call>{"name": "weather", "arguments": {"town": "Paris"}}</tool_call>', "weather"),
        ('<tool_call>{"name": "weather", "arguments": [1]}</tool_call>', "weather"),
        ('<tool_call>{"name": "weather", "arguments": ' + "[" * 20000 + "]" * 20000 + "}</tool_call>", "weather"),
    ],
)
def test_what_cannot_be_called_is_reported_and_not_said(text: str, name: str) -> None:
    found = events([text])
    assert [call.name for call in calls(found)] == [name]
    assert all(call.invalid for call in calls(found))
    assert said(found) == ""
    assert "<|" not in calls(found)[0].arguments


def test_a_brace_too_few_is_forgiven_where_the_arguments_are_whole() -> None:
    assert valid(events([f'<tool_call>{{"name": "weather", "arguments": {_PARIS}</tool_call>'])) == [_CITY]


def test_a_string_without_end_ends_with_the_closing_tag() -> None:
    found = events(['<tool_call>{"name": "weather", "arguments": {"city": "Paris}}</tool_call>I have asked.'])
    assert [call.name for call in calls(found)] == ["weather"]
    assert calls(found)[0].invalid
    assert said(found) == "I have asked."


def test_a_second_bare_call_that_is_cut_off_is_reported() -> None:
    found = events([f'{{"name": "weather", "parameters": {_PARIS}}}; {{"name": "time", "param'], reason="length")
    assert [(call.name, bool(call.invalid)) for call in calls(found)] == [("weather", False), ("time", True)]


def test_arguments_of_harmony_without_any_are_an_empty_object() -> None:
    assert valid(events(["<|channel|>commentary to=functions.time<|message|><|call|>"])) == [("time", {})]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Alice", "age": 3}',
        '{"name": "Alice", "parameters": {}} is an object.',
        '{"city": "Paris"}',
        '{"a": {"name": "weather"}}',
        "{ x }",
        "{",
        '{"name": "weather"',
        '{"name": <function=time>',
        "{}",
        'As JSON: {"name": "weather", "parameters": {"city": "Paris"}}',
        "[1] {x} <b>",
    ],
)
def test_other_objects_are_text(text: str) -> None:
    for pieces in ([text], text):
        found = events(pieces)
        assert (said(found), calls(found)) == (text, [])


def test_an_object_that_is_no_call_does_not_wait_for_its_end() -> None:
    reader = ToolCallParser(StartState(), _TOOLS)
    assert said(reader.feed('{"city": "Pa')) == '{"city": "Pa'


def test_a_name_behind_the_closing_tag_is_not_the_calls() -> None:
    text = '<tool_call><tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call><function=time>'
    for pieces in ([text], text):
        assert [call.name for call in calls(events(pieces))] == ["weather"]


def test_without_tools_markup_is_text() -> None:
    text = f'<tool_call>{{"name": "weather", "arguments": {_PARIS}}}</tool_call>'
    found = events(text, tools=())
    assert (said(found), calls(found)) == (text, [])


class TestThinking:
    def test_what_is_only_thought_of_is_not_called(self) -> None:
        found = events(f'<think>Say <tool_call>{{"name": "weather"}}</tool_call>?</think>\n\n{_HERMES}')
        assert valid(found) == [_CITY]
        assert joined(found)[0] == ("thought", 'Say <tool_call>{"name": "weather"}</tool_call>?')

    def test_a_bare_call_may_follow_thinking(self) -> None:
        assert valid(events(f"<think>hm</think>\n\n{_FORMATS['llama, bare']}")) == [_CITY]

    def test_a_call_in_thinking_that_is_never_closed_is_made(self) -> None:
        found = events(["I should ask. ", _HERMES], inside=True)
        assert valid(found) == [_CITY]
        assert said(found) == "I should ask. "

    def test_a_call_of_harmony_follows_its_analysis(self) -> None:
        found = events(f"<|channel|>analysis<|message|>hm<|end|><|start|>assistant{_FORMATS['harmony']}")
        assert (valid(found), joined(found)[0]) == ([_CITY], ("thought", "hm"))

    def test_harmony_without_a_recipient_is_no_call(self) -> None:
        found = events("<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>final<|message|>Hi.")
        assert joined(found) == [("thought", "I look."), ("text", "Hi.")]


_FRAGMENTS = st.sampled_from(
    [
        *_FORMATS.values(),
        *("<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[ARGS]", "<|python_tag|>", "<|call|>", "<|eom_id|>"),
        *("<|start|>assistant", " to=functions.time", "<|channel|>commentary", "<|channel|>final", "<|message|>"),
        *(
            '{"name": ',
            '"weather"',
            ', "arguments": ',
            '{"city": ',
            '"Paris"',
            "}",
            "}}",
            "{",
            "[",
            "]",
            '"',
            "\\",
            ";",
        ),
        *("<function=time>", "<parameter=x>", "1", "</parameter>", "</function>", "weather"),
        *("<think>", "</think>", "<|im_end|>", "</s>", "[/INST]", " ", "\n", "hm", "é", "<"),
    ]
)


@settings(deadline=None, max_examples=300)
@given(st.lists(_FRAGMENTS, max_size=10).map("".join), st.booleans(), st.sampled_from(["stop", "length"]), st.data())
def test_how_the_text_is_cut_changes_nothing(
    text: str, inside: bool, reason: llm.FinishReason, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert joined(events(pieces, inside=inside, reason=reason)) == joined(events([text], inside=inside, reason=reason))


@pytest.mark.parametrize(
    "text", ["<tool_call>", "<tool_call><function=f>", "[TOOL_CALLS][", '{"name": "time", "arguments": [']
)
def test_a_call_without_end_is_an_error(text: str) -> None:
    with pytest.raises(LimitExceeded, match="more than 131072 characters"):
        events([text, *("x" * 4096 if text.endswith(">") else '"x",' * 1024 for _ in range(40))])


def test_the_number_of_calls_has_a_limit() -> None:
    call = '<tool_call>{"name": "time", "arguments": {}}</tool_call>'
    assert sum(isinstance(event, llm.ToolCallFinished) for event in events([call] * 128)) == 128
    with pytest.raises(LimitExceeded, match="more than 128 tools"):
        events([call] * 129)


def test_after_many_broken_calls_closing_tags_inside_strings_are_part_of_them() -> None:
    found = events(['<tool_call>{\\"</tool_call>' * 50])
    assert 1 < len(calls(found)) < 20
    assert said(found) == ""


def test_a_name_is_the_first_calls() -> None:
    text = f'<tool_call>{{"arguments": {_PARIS}, "name": "weather"}}\n{{"name": "time"}}</tool_call>'
    for pieces in ([text], text):
        assert valid(events(pieces)) == [_CITY, ("time", {})]
