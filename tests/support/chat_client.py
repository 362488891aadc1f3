"""Reads answers of Chat Completions, with the types of the OpenAI SDK as strict oracle for all that is sent."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from tests.support.server import question

ROUTE = "/v1/chat/completions"
DE_FACTO = {"reasoning_content"}
"""Fields that many servers send and clients read, although they are not in the SDK's types."""

SPOKEN: dict[str, Any] = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}
"""What asks for a spoken answer, streamed or not."""


def user(content: Any = "What did you say?") -> dict[str, Any]:
    """A message of the user."""
    return {"role": "user", "content": content}


def recording(data: bytes | None = None, prefix: str = "") -> dict[str, Any]:
    """A part of a message that is a recording."""
    encoded = base64.b64encode(question() if data is None else data).decode()
    return {"type": "input_audio", "input_audio": {"data": prefix + encoded, "format": "wav"}}


def asked(*messages: Any, **fields: Any) -> dict[str, Any]:
    """A request with ``messages``, one question if there are none."""
    return {"json": {"model": "m", "messages": list(messages) or [user()], **fields}}


def completion(response: httpx.Response) -> ChatCompletion:
    """The whole answer in ``response``."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    answer = ChatCompletion.model_validate(response.json(), strict=True)
    assert set(_unknown(answer)) <= DE_FACTO
    return answer


def chunks(response: httpx.Response) -> list[ChatCompletionChunk]:
    """The chunks of a streamed answer, up to the mark of its end."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    *events, last, nothing = response.text.split("\n\n")
    assert (last, nothing) == ("data: [DONE]", "")
    found = [strict_chunk(json.loads(event.removeprefix("data: "))) for event in events]
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in found}) == 1
    return found


def strict_chunk(wire: dict[str, Any]) -> ChatCompletionChunk:
    """One chunk, which has every field that the API's description requires."""
    chunk = ChatCompletionChunk.model_validate(wire, strict=True)
    assert set(_unknown(chunk)) <= DE_FACTO
    for choice in wire["choices"]:
        assert choice.keys() == {"index", "delta", "logprobs", "finish_reason"}
    return chunk


def deltas(found: list[ChatCompletionChunk]) -> list[dict[str, Any]]:
    """What each chunk adds."""
    return [choice.delta.model_dump(exclude_unset=True) for chunk in found for choice in chunk.choices]


def _unknown(model: BaseModel) -> Iterator[str]:
    """The names of fields that the type does not have, at any depth."""
    yield from model.model_extra or ()
    for name in model.model_fields_set:
        value = getattr(model, name)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, BaseModel):
                yield from _unknown(each)
