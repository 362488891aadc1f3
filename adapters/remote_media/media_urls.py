"""Pure: finds the media that a request in an API's own words names by URL, and puts others in their place."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from adapters.remote_media.data_urls import is_data_url

_ENDING = "_url"


class MediaUrl(msgspec.Struct, frozen=True, kw_only=True):
    """A URL at ``path`` of a request (``messages[0].content[1].image_url.url``); ``kind`` is image, video, audio, …"""

    path: str
    kind: str
    url: str


def remote_urls(value: Any, path: str) -> Iterator[MediaUrl]:
    """The URLs in ``value``, which is at ``path``, that are not ``data:`` URLs.

    Servers know more parts than OpenAI's ``image_url``, some without a type. What they have in common is the ending of
    the key, and that the URL stands there or in an object.
    """
    match value:
        case list():
            for number, each in enumerate(value):
                if isinstance(each, dict | list):
                    yield from remote_urls(each, f"{path}[{number}]")
        case dict():
            for key, each in value.items():
                if isinstance(each, str) and key.endswith(_ENDING):
                    if not is_data_url(each):
                        yield MediaUrl(path=f"{path}.{key}", kind=key.removesuffix(_ENDING), url=each)
                elif isinstance(each, dict) and key.endswith(_ENDING) and isinstance(url := each.get("url"), str):
                    if not is_data_url(url):
                        yield MediaUrl(path=f"{path}.{key}.url", kind=key.removesuffix(_ENDING), url=url)
                elif isinstance(each, dict | list):
                    yield from remote_urls(each, f"{path}.{key}")


def with_urls(value: Any, urls: Mapping[str, str]) -> Any:
    """``value`` with the URLs of ``remote_urls`` replaced by those that ``urls`` has for them; ``value`` is kept."""
    match value:
        case list():
            return [with_urls(each, urls) for each in value]
        case dict():
            return {key: _replaced(key, each, urls) for key, each in value.items()}
        case _:
            return value


def _replaced(key: str, value: Any, urls: Mapping[str, str]) -> Any:
    if key.endswith(_ENDING):
        if isinstance(value, str):
            return urls.get(value, value)
        if isinstance(value, dict) and isinstance(url := value.get("url"), str):
            return value | {"url": urls.get(url, url)}
    return with_urls(value, urls)
