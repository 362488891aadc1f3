"""Carries what a provider wants back unchanged from its answer into the next request to the same route; pure."""

from typing import Any
from urllib.parse import urlsplit

from adapters.contract import llm
from adapters.upstream import OPENAI


def route(adapter: str, model: str, base_url: str | None) -> str:
    """Where an answer comes from: the adapter, the server (without credentials) and the model."""
    url = urlsplit(base_url or OPENAI)
    return f"{adapter} {url.netloc.rpartition('@')[2]}{url.path.rstrip('/')} {model}"


def kept(given_by: str, data: dict[str, Any]) -> dict[str, Any]:
    """``Finished.extra`` with the ``data`` that the route ``given_by`` wants back, if there is any."""
    return {"opaque": (llm.Opaque(route=given_by, data=data),)} if given_by and data else {}


def replayed(message: llm.Message, to: str) -> list[dict[str, Any]]:
    """The data that ``message`` has for the route ``to``."""
    return [part.data for part in message.parts if isinstance(part, llm.Opaque) and part.route == to]
