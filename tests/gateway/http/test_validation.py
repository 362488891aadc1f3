"""A request's fields mean the same however they are sent, and what is wrong with one is said in OpenAI's words."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from adapters.contract.errors import InvalidRequest
from gateway.http.form import Fields, Upload
from gateway.http.validation import fields_of
from gateway.wire.metadata import Metadata


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """A structure."""

    id: str


class Text(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """One of two structures, told by its type."""

    style: Literal["plain", "bold"] = "plain"


class Picture(msgspec.Struct, frozen=True, kw_only=True, tag="picture"):
    """The other one."""


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
    size: int = 5

    notes: Metadata | None = None
    parts: list[Text | Picture] | None = None


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
            "Invalid value: 'c'. Supported values are: 'a', 'b'.",
            "kind",
            "invalid_value",
        ),
        (
            typed(name=5),
            "Invalid type for 'name': expected a string or null, but got an integer instead.",
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
        (
            typed(parts=[{"type": "text", "style": "odd"}]),
            "Invalid value: 'odd'. Supported values are: 'plain', 'bold'.",
            "parts[0].style",
            "invalid_value",
        ),
        (
            typed(parts=[{"type": "sound"}]),
            "Invalid value: 'sound'. Supported values are: 'text', 'picture'.",
            "parts[0].type",
            "invalid_value",
        ),
        (
            typed(parts=[{"type": None}]),
            "Invalid type for 'parts[0].type': expected a string, but got null instead.",
            "parts[0].type",
            "invalid_type",
        ),
        (
            typed(notes={"a": "x", "b": "x" * 600}),
            "Invalid 'notes.b': string too long. Expected a string with maximum length 512, but got a string with "
            "length 600 instead.",
            "notes",
            "string_above_max_length",
        ),
        (
            typed(notes={"a": "x", "b": 5}),
            "Invalid type for 'notes.b': expected a string, but got an integer instead.",
            "notes",
            "invalid_type",
        ),
        (
            typed(notes={"a": "x", "k" * 65: "x"}),
            "Invalid 'notes.<key>': string too long. Expected a string with maximum length 64, but got a string with "
            "length 65 instead.",
            "notes",
            "string_above_max_length",
        ),
        (
            typed(notes={str(number): "x" for number in range(17)}),
            "Invalid 'notes': too many properties. Expected an object with at most 16 properties, but got an object "
            "with 17 properties instead.",
            "notes",
            "object_above_max_properties",
        ),
    ],
)
def test_mistakes_are_told_in_openais_words(fields: Fields, message: str, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        fields_of(fields, Wanted, STRUCTURES)
    assert (refusal.value.message, refusal.value.param, refusal.value.code) == (message, param, code)
