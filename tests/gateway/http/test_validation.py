"""A request's fields mean the same however they are sent, and what is wrong with one is said in OpenAI's words."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from adapters.contract.errors import InvalidRequest
from gateway.http.form import Fields, Upload
from gateway.http.validation import fields_of


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """A structure."""

    id: str


Notes = Annotated[dict[Annotated[str, Meta(max_length=4)], Annotated[str, Meta(max_length=3)]], Meta(max_length=2)]


class Chosen(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="function"):
    """One of two structures that a word tells apart."""

    mode: Literal["fast", "good", "best"] | None = None


class Allowed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="allowed_tools"):
    """The other one."""

    chosen: list[Chosen]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A request with a field of every kind."""

    name: str | None = None
    count: Annotated[int, Meta(ge=1, le=9)] | None = None
    speed: Annotated[float, Meta(ge=0.25, le=4.0)] | None = None
    loud: bool | None = None
    voice: str | Voice | None = None
    words: Annotated[str | Annotated[list[str], Meta(max_length=2)] | None, Meta(description="described")] = None
    choice: Literal["x"] | Voice | None = None
    voices: list[Voice] | None = None
    kind: Annotated[Literal["a", "b"] | None, Meta(description="described")] = None
    tool: Literal["auto"] | Chosen | Allowed | None = None
    tools: list[Chosen | Allowed] | None = None
    notes: Notes | None = None
    size: int = 5


STRUCTURES = ("voice", "words", "choice", "voices")


def textual(**values: Any) -> Fields:
    return Fields(values=values, uploads={}, textual=True, size=0)


def typed(**values: Any) -> Fields:
    return Fields(values=values, uploads={}, textual=False, size=0)


def test_text_becomes_numbers_and_structures() -> None:
    fields = textual(count="3", speed="1", loud="true", voice='{"id": "x"}', words='["a", "b"]', name="5")
    wanted, unknown = fields_of(fields, Wanted, STRUCTURES)
    assert wanted == Wanted(count=3, speed=1.0, loud=True, voice=Voice(id="x"), words=["a", "b"], name="5")
    assert unknown == ()


def test_what_is_no_json_stays_a_word() -> None:
    assert fields_of(textual(voice="nova", words="nova"), Wanted, STRUCTURES)[0].voice == "nova"


@pytest.mark.parametrize("text", ["[END]", "{", "[" * 100_000])
def test_what_only_looks_like_json_stays_text_where_text_will_do(text: str) -> None:
    assert fields_of(textual(words=text), Wanted, STRUCTURES)[0].words == text
    with pytest.raises(InvalidRequest, match="Invalid value"):
        fields_of(textual(choice=text), Wanted, STRUCTURES)
    with pytest.raises(InvalidRequest, match="Invalid JSON in 'voices'"):
        fields_of(textual(voices=text), Wanted, STRUCTURES)


def test_text_that_is_no_structure_is_never_read_as_json() -> None:
    assert fields_of(textual(name='{"id": "x"}'), Wanted, STRUCTURES)[0].name == '{"id": "x"}'


def test_json_keeps_its_types() -> None:
    assert fields_of(typed(count=3, voice={"id": "x"}), Wanted, STRUCTURES)[0].count == 3
    for wrong in (typed(count="3"), typed(loud="true"), typed(name=5)):
        with pytest.raises(InvalidRequest):
            fields_of(wrong, Wanted, STRUCTURES)


def test_null_is_the_same_as_absent() -> None:
    assert fields_of(typed(name=None, size=None, voice=None, other=None), Wanted, STRUCTURES) == (Wanted(), ("other",))


@pytest.mark.parametrize("name", ["voices[][id]", "voices[0][id]", "voice[a][b]", "words["])
def test_a_structure_in_parts_that_cannot_be_put_together_is_refused(name: str) -> None:
    field = name.partition("[")[0]
    with pytest.raises(InvalidRequest, match=rf"send '{field}' as JSON text: json\.dumps") as refusal:
        fields_of(textual(**{name: "x"}), Wanted, STRUCTURES)
    assert refusal.value.param == field


def test_parts_of_what_is_unknown_are_only_named() -> None:
    assert fields_of(textual(**{"other[][id]": "x"}), Wanted, STRUCTURES)[1] == ("other[][id]",)
    assert fields_of(typed(**{"voices[][id]": "x"}), Wanted, STRUCTURES)[1] == ("voices[][id]",)


def test_unknown_fields_are_named_in_order() -> None:
    assert fields_of(textual(zebra="1", ant="2", name="n"), Wanted, STRUCTURES)[1] == ("ant", "zebra")


def test_unknown_files_are_named_among_them() -> None:
    picture = [Upload(data=b"", content_type="image/png")]
    uploads = {"mask": picture, "image": picture, "voice": picture, "zebra": picture}
    fields = Fields(values={"zebra": "1", "name": "n"}, uploads=uploads, textual=True, size=0)
    assert fields_of(fields, Wanted, STRUCTURES, ["image"])[1] == ("mask", "voice", "zebra")


@pytest.mark.parametrize(
    ("fields", "message", "param", "code"),
    [
        (
            typed(count=10),
            "Invalid 'count': integer above maximum value. Expected a value <= 9, but got 10 instead.",
            "count",
            "integer_above_max_value",
        ),
        (
            textual(speed="0.1"),
            "Invalid 'speed': decimal below minimum value. Expected a value >= 0.25, but got 0.1 instead.",
            "speed",
            "decimal_below_min_value",
        ),
        (
            typed(kind="c"),
            "Invalid value: 'c'. Supported values are: 'a' and 'b'.",
            "kind",
            "invalid_value",
        ),
        (
            typed(speed=5),
            "Invalid 'speed': decimal above maximum value. Expected a value <= 4.0, but got 5.0 instead.",
            "speed",
            "decimal_above_max_value",
        ),
        (
            typed(tool={"type": "custom"}),
            "Invalid value: 'custom'. Supported values are: 'function' and 'allowed_tools'.",
            "tool.type",
            "invalid_value",
        ),
        (
            typed(tool="custom"),
            "Invalid value: 'custom'. Supported values are: 'auto'.",
            "tool",
            "invalid_value",
        ),
        (
            typed(tools=[{"type": "allowed_tools", "chosen": [{"type": "function", "mode": "x"}]}]),
            "Invalid value: 'x'. Supported values are: 'fast', 'good', and 'best'.",
            "tools[0].chosen[0].mode",
            "invalid_value",
        ),
        (
            typed(notes={"a": "1", "b": "2", "c": "3"}),
            "Invalid 'notes': too many properties. Expected an object with at most 2 properties, but got an object "
            "with 3 properties instead.",
            "notes",
            "object_above_max_properties",
        ),
        (
            typed(notes={"a": "1", "b": "12345"}),
            "Invalid 'notes': string too long. Expected a string with maximum length 3, but got a string with "
            "length 5 instead.",
            "notes",
            "string_above_max_length",
        ),
        (
            typed(notes={"a": "1", "abcdef": "1"}),
            "Invalid 'notes': string too long. Expected a string with maximum length 4, but got a string with "
            "length 6 instead.",
            "notes",
            "string_above_max_length",
        ),
        (
            typed(name=5),
            "Invalid type for 'name': expected a string, but got an integer instead.",
            "name",
            "invalid_type",
        ),
        (
            textual(words=["a", "b", "c"]),
            "Invalid 'words': array too long. Expected an array with maximum length 2, but got an array with length 3 "
            "instead.",
            "words",
            "array_above_max_length",
        ),
        (typed(voice={}), "Missing required parameter: 'voice.id'.", "voice.id", "missing_required_parameter"),
        (
            typed(voice={"id": 1}),
            "Invalid type for 'voice.id': expected a string, but got an integer instead.",
            "voice.id",
            "invalid_type",
        ),
    ],
)
def test_mistakes_are_told_in_openais_words(fields: Fields, message: str, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        fields_of(fields, Wanted, STRUCTURES)
    assert (refusal.value.message, refusal.value.param, refusal.value.code) == (message, param, code)
