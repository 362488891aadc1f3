from typing import Any

import pytest

from adapters.remote_media.media_urls import remote_urls, with_urls

_URL = "https://example.com/a"
_DATA = "data:image/png;base64,AA=="


def found(value: Any) -> list[tuple[str, str, str]]:
    return [(each.path, each.kind, each.url) for each in remote_urls(value, "messages")]


@pytest.mark.parametrize(
    ("part", "path", "kind"),
    [
        ({"type": "image_url", "image_url": {"url": _URL}}, "image_url.url", "image"),
        ({"type": "input_image", "image_url": _URL}, "image_url", "image"),
        ({"image_url": _URL}, "image_url", "image"),  # vLLM takes parts without a type
        ({"type": "video_url", "video_url": {"url": _URL}}, "video_url.url", "video"),
        ({"type": "audio_url", "audio_url": {"url": _URL}}, "audio_url.url", "audio"),
        ({"type": "input_file", "file_url": _URL}, "file_url", "file"),
    ],
)
def test_urls_are_found_and_replaced(part: dict[str, Any], path: str, kind: str) -> None:
    value = [{"role": "system", "content": "x"}, {"role": "user", "content": ["x", part, {"type": "text"}]}]
    assert found(value) == [(f"messages[1].content[1].{path}", kind, _URL)]
    replaced = with_urls(value, {_URL: _DATA})
    assert found(replaced) == []
    assert found(value)
    assert _DATA in str(replaced)
    assert replaced[0] == value[0]
    assert with_urls(value, {}) == value


def test_urls_in_other_items() -> None:
    screen = {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": _URL}}
    result = {"type": "function_call_output", "output": [{"type": "input_image", "image_url": _URL}]}
    assert [path for path, _, _ in found([screen, result])] == [
        "messages[0].output.image_url",
        "messages[1].output[0].image_url",
    ]


@pytest.mark.parametrize("url", ["file:///etc/passwd", " data:image/png,x", "", "//host/x"])
def test_only_data_urls_stay(url: str) -> None:
    assert found([{"image_url": url}])


@pytest.mark.parametrize(
    "value",
    [
        None,
        "https://example.com",
        [{"image_url": _DATA}, {"image_url": {"url": "DATA:,x"}}],
        [{"image_url": None}, {"image_url": 7}, {"image_url": {"url": 7}}],
        [{"content": _URL}, {"tool_calls": [{"function": {"arguments": '{"image_url": "https://a"}'}}]}],
        [{"annotations": [{"type": "url_citation", "url_citation": {"url": _URL}}]}],
    ],
)
def test_what_names_no_media(value: Any) -> None:
    assert found(value) == []
