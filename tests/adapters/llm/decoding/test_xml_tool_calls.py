import pytest

from adapters.contract import llm
from adapters.llm.decoding.xml_tool_calls import first_name, parse

_TYPES = {"city": {"type": "string"}, "days": {"type": "integer"}, "exact": {"type": "boolean"}}
_TOOLS = (llm.Tool(name="weather", parameters={"type": "object", "properties": _TYPES}),)


def test_values_have_the_type_of_the_schema() -> None:
    text = (
        "<function=weather><parameter=city>\n12\n</parameter><parameter=days>3</parameter>"
        "<parameter=exact>True</parameter><parameter=note>two\nlines</parameter></function>"
    )
    arguments = '{"city": "12", "days": 3, "exact": true, "note": "two\\nlines"}'
    assert parse(text, _TOOLS, complete=True) == [("weather", arguments)]


def test_tags_that_are_missing_end_with_the_next_one() -> None:
    text = "<function=weather><parameter=city>Paris<parameter=days>2</function><function=time>"
    assert parse(text, _TOOLS, complete=True) == [("weather", '{"city": "Paris", "days": 2}'), ("time", "{}")]


def test_a_call_that_is_cut_off_is_left_as_it_is() -> None:
    text = "<function=time></function><function=weather><parameter=city>Par"
    assert parse(text, _TOOLS, complete=False) == [("time", "{}"), ("weather", "<parameter=city>Par")]


@pytest.mark.parametrize("parameters", [None, {}, {"properties": 3}])
def test_without_a_schema_values_are_json_or_text(parameters: dict[str, object] | None) -> None:
    tools = (llm.Tool(name="weather", parameters=parameters),)
    text = "<function=weather><parameter=a>1</parameter><parameter=b>x</parameter></function>"
    assert parse(text, tools, complete=True) == [("weather", '{"a": 1, "b": "x"}')]


@pytest.mark.parametrize(("text", "name"), [("\n<function=weather>", "weather"), ("<function=wea", None), ("", None)])
def test_the_name_is_known_when_its_tag_is_complete(text: str, name: str | None) -> None:
    assert first_name(text) == name
