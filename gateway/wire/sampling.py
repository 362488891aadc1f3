"""How an answer is drawn and how much is thought about it, as requests say it."""

from typing import Annotated, Literal

from msgspec import Meta

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
StopText = Annotated[str, Meta(max_length=1000)]
StopTexts = Annotated[list[StopText], Meta(max_length=4)]


def stops_of(stop: str | list[str] | None) -> tuple[str, ...] | None:
    """The texts that end the answer; ``None`` leaves them to the settings, an empty list means none."""
    if stop is None:
        return None
    return (stop,) if isinstance(stop, str) else tuple(stop)
