"""The engine ``echo``: no model, it repeats the last user message."""

import re
from collections.abc import AsyncGenerator

import msgspec

from adapters.contract import llm
from adapters.contract.description import EngineDescription
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest, Unsupported

# A word with the space before it; space at the end is a piece of its own.
_WORDS = re.compile(r"\s*\S+|\s+")


class EchoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """No options."""


class Echo:
    """Answers with the text of the last user message, word by word: to try a voice turn without a model."""

    Options = EchoOptions
    description = EngineDescription(
        default=True,
        start_note="No model is set: answers repeat what was heard. Choose one with --llm_backend and --model_name.",
    )
    info = llm.Info()

    def __init__(self, _options: EchoOptions) -> None:
        pass

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def aclose(self) -> None:
        """Nothing to release."""

    async def stream(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        """Repeat the last user message. Raises ``Unsupported``, ``InvalidRequest``."""
        text = _last_user_text(request)
        yield Started(ignored=_ignored(request))
        for word in _WORDS.findall(text):
            yield llm.TextDelta(text=word)
        yield llm.Finished(reason="stop", usage=llm.Usage(input_tokens=0, output_tokens=0))


def _last_user_text(request: llm.Request) -> str:
    if request.tools:
        raise _unsupported("does not call tools", "tools")
    parts = [part for message in request.messages for part in message.parts]
    if any(isinstance(part, llm.Image) for part in parts):
        raise _unsupported("takes no images", "messages")
    if any(isinstance(part, llm.Audio) for part in parts):
        raise _unsupported("takes no audio", "messages")
    last = next((m for m in reversed(request.messages) if m.role not in ("system", "developer", "assistant")), None)
    text = " ".join(part.text for part in last.parts if isinstance(part, llm.Text)) if last else ""
    if not text.strip():
        raise InvalidRequest(
            "The echo backend repeats the last user message, which has no text: send one with text.",
            adapter="echo",
            param="messages",
        )
    return text


def _unsupported(what: str, param: str) -> Unsupported:
    return Unsupported(f"The echo backend {what}: choose another --llm_backend.", adapter="echo", param=param)


def _ignored(request: llm.Request) -> tuple[str, ...]:
    asked = {
        **msgspec.structs.asdict(request.sampling),
        "max_output_tokens": request.max_output_tokens,
        "reasoning_effort": request.reasoning.effort,
    }
    return tuple(name for name, value in asked.items() if value is not None)
