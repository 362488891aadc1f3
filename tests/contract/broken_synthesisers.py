"""Synthesisers whose ``check`` and ``stream`` disagree, and the rig for them."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from adapters.contract import checks, tts
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, InvalidRequest, Unsupported, UpstreamError


class Synthesiser:
    """A correct one: one voice, English, at most twice as fast; it fails at the word ``fault``."""

    info = tts.Info(sample_rate=8_000, voices=("hum",), default_voice="hum", aliases={"alloy": "hum"})

    def refusal(self, request: tts.Request) -> AdapterError | None:
        if request.voice not in (None, "hum", "alloy"):
            return InvalidRequest("no voice", param="voice")
        if request.language not in (None, "en"):
            return Unsupported("no language", param="language")
        if not 0 < request.speed <= 2:
            return InvalidRequest("no speed", param="speed")
        return None

    def check(self, request: tts.Request) -> None:
        if (refusal := self.refusal(request)) is not None:
            raise refusal

    async def stream(self, request: tts.Request) -> AsyncGenerator[Any, None]:
        if (refusal := self.refusal(request)) is not None:
            raise refusal
        yield Started()
        if request.text == "fault":
            raise UpstreamError("no")
        yield tts.AudioChunk(pcm=b"\0\0" * len(request.text))
        yield tts.Finished(seconds=len(request.text) / 8_000, characters=len(request.text))

    async def aclose(self) -> None:
        pass


class Credulous(Synthesiser):
    """``check`` accepts everything."""

    def check(self, request: tts.Request) -> None:
        pass


class Strict(Synthesiser):
    """``check`` refuses a speed that ``stream`` takes."""

    def check(self, request: tts.Request) -> None:
        super().check(request)
        if request.speed < 1:
            raise InvalidRequest("no speed", param="speed")


class OtherWords(Synthesiser):
    """``check`` refuses with another message."""

    def check(self, request: tts.Request) -> None:
        if (refusal := self.refusal(request)) is not None:
            raise type(refusal)("no")


class OtherClass(Synthesiser):
    """``check`` refuses a language with another class."""

    def check(self, request: tts.Request) -> None:
        if isinstance(refusal := self.refusal(request), Unsupported):
            raise InvalidRequest(refusal.message, param=refusal.param)
        super().check(request)


class Mute(Synthesiser):
    """Says nothing in an alias."""

    async def stream(self, request: tts.Request) -> AsyncGenerator[Any, None]:
        async for event in super().stream(request):
            if request.voice != "alloy" or not isinstance(event, tts.AudioChunk):
                yield event


class Rig:
    """The rig of a synthesiser above."""

    grammar: checks.Grammar = staticmethod(checks.tts_grammar)
    ahead = 1
    failures: Sequence[checks.Failure] = (
        checks.Failure(name="fault", request=lambda: tts.Request(text="fault"), error=UpstreamError),
    )

    def __init__(self, engine: Synthesiser) -> None:
        self.engine: Any = engine

    def request(self, number: int) -> tts.Request:
        return tts.Request(text=("Hello.", "Another one.")[number])

    def endless(self) -> tts.Request:
        return tts.Request(text="word " * 1000)

    def answer(self, events: Sequence[Any]) -> Any:
        return events[-1].characters

    def busy(self) -> int:
        return 0

    def produced(self) -> int:
        return 1
