"""The answer of a gateway elsewhere: its events, checked, however strange the server behind the URL is."""

import base64
import binascii
from collections.abc import Generator, Iterator
from typing import Any

import httpx
import msgspec
import openai

from adapters.options import shown_url
from adapters.upstream.proxies import proxy_for
from gateway.cli.answer_file import NoAnswer
from gateway.settings.model import SettingsError
from gateway.wire.usage import StageTimes

CONNECT_SECONDS = 10.0

SILENT_SECONDS = 300.0
"""How long the gateway may send nothing: until its first event that is recognition and the model's first words."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """The transcript."""

    text: str


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """More of the answer's text."""

    text: str


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """More of the answer's audio, in the format that was asked for."""

    data: bytes


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The answer is complete."""

    times: StageTimes


RemoteEvent = Heard | Written | Sound | Done


def gateway_address(url: str) -> str:
    """``url``, with the path that every gateway has when it has none. Raises ``SettingsError``."""
    try:
        address = httpx.URL(url)
        address.host.encode("idna")  # as the resolver will
        if address.scheme in {"http", "https"} and address.host and (address.port or 0) <= 65535:
            return str(address.copy_with(path="/v1")) if address.path == "/" else url
    except (httpx.InvalidURL, ValueError):
        pass  # reported below
    raise SettingsError(f"Cannot ask at {shown_url(url)!r}; --url takes an address such as http://127.0.0.1:8765/v1.")


def remote_answer(
    url: str, recording: bytes, fields: dict[str, str], key: str | None = None
) -> Generator[RemoteEvent, None, None]:
    """The events of the turn ``recording`` at the gateway ``url``, the last one ``Done``. Raises ``NoAnswer``.

    ``key`` is shown to the gateway. Raises ``BadOption`` for a proxy of the environment that cannot be used.
    """
    shown = shown_url(url)
    timeout = openai.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS)
    # The environment is not left to the client: it stops at entries of NO_PROXY that it cannot read.
    http = openai.DefaultHttpxClient(trust_env=False, proxy=_proxy_url(httpx.URL(url)))
    try:
        # A gateway without keys takes any; the client insists on sending one.
        shown_key = key or "none"
        with openai.OpenAI(base_url=url, api_key=shown_key, max_retries=0, timeout=timeout, http_client=http) as client:
            last: RemoteEvent | None = None
            for event in _stream(client, recording, fields):
                if (known := _known(event)) is not None:
                    yield (last := known)
    except openai.APITimeoutError:
        raise NoAnswer(f"{shown} said nothing for {SILENT_SECONDS:g} s; is that a gateway?") from None
    except openai.APIConnectionError:
        raise NoAnswer(f"No gateway answers at {shown}; start one with 'speech-to-speech'.") from None
    except openai.AuthenticationError as error:
        raise NoAnswer(
            error.message if key else f"The gateway at {shown} wants a key; give it with --key or SPEECH_GATEWAY_KEY."
        ) from None
    except openai.APIError as error:
        raise NoAnswer(error.message) from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:  # what is no event stream fails in many ways
        raise NoAnswer(f"What answers at {shown} is not a gateway ({type(error).__name__}).") from None
    if not isinstance(last, Done):
        raise NoAnswer(f"The answer of {shown} broke off; was the gateway there stopped? Ask again.")


def _proxy_url(url: httpx.URL) -> str | None:
    """The proxy for ``url`` with its user and password. Raises ``BadOption``."""
    proxy = proxy_for(url)
    if proxy is None or proxy.raw_auth is None:
        return None if proxy is None else str(proxy.url)
    user, password = (each.decode() for each in proxy.raw_auth)
    return str(proxy.url.copy_with(username=user, password=password))


def _stream(client: openai.OpenAI, recording: bytes, fields: dict[str, str]) -> Iterator[Any]:
    """The events as they are; ends when the connection does, in good order or not."""
    stream: openai.Stream[Any] = client.post(
        "/audio/speech-to-speech",
        cast_to=object,
        body={**fields, "stream_format": "sse"},
        files={"file": ("question", recording)},
        options={"headers": {"Content-Type": "multipart/form-data"}},
        stream=True,
        stream_cls=openai.Stream[object],
    )
    content_type = stream.response.headers.get("content-type", "")
    if not content_type.startswith("text/event-stream"):
        raise NoAnswer(f"What answers is not a gateway: it sent {content_type[:40] or 'nothing'!r}, not events.")
    with stream:
        try:
            yield from stream
        except openai.APITimeoutError:
            raise
        except openai.APIConnectionError:
            return


def _known(event: Any) -> RemoteEvent | None:
    """What ``event`` means here. Raises ``ValueError`` when it is none of a gateway's."""
    match event:
        case {"type": "speech.audio.delta", "audio": str(data)}:
            return Sound(data=base64.b64decode(data, validate=True))
        case {"type": "transcript.text.done", "text": str(text)}:
            return Heard(text=text)
        case {"type": "speech.text.delta", "delta": str(delta)}:
            return Written(text=delta)
        case {"type": "speech.audio.done", "timings": timings}:
            return Done(times=msgspec.convert(timings, StageTimes))
        case {"type": str()}:
            return None
        case _:
            raise binascii.Error("no event of a gateway")
