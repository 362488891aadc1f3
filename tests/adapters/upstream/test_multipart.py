"""Forms as servers parse them."""

from adapters.upstream.multipart import Upload, encode_body, encode_form
from tests.support.forms import parse_form


def test_a_form_with_a_file() -> None:
    data = bytes(range(256)) * 3 + b"\r\n--\r\n"
    fields = {"model": "m", "prompt": "Grüße,\n“you”", "stream": True, "temperature": 0.5, "times": ["word", "segment"]}
    content_type, body = encode_form(fields, Upload(name="audio.wav", content_type="audio/wav", data=data))
    form = parse_form(content_type, body)
    assert (form.file, form.file_name, form.file_type) == (data, "audio.wav", "audio/wav")
    assert form.fields.pop("prompt") == fields["prompt"]
    assert form.fields == {"model": "m", "stream": "true", "temperature": "0.5", "times[]": ["word", "segment"]}
    assert encode_form(fields, Upload(name="a", content_type="b", data=b""))[0] != content_type, "boundaries are random"


def test_without_a_file_it_is_json() -> None:
    assert encode_body({"a": [1]}, None) == ("application/json", b'{"a":[1]}')
    assert encode_body({}, Upload(name="a", content_type="b", data=b""))[0].startswith("multipart/form-data")
