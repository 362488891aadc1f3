"""What every engine has in common: its first event and its lifetime."""

from typing import Protocol

import msgspec


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """The request was admitted; ``ignored`` names the tuning parameters that this engine does not honour."""

    ignored: tuple[str, ...] = ()


class Engine(Protocol):
    """The lifetime of an engine: constructing does no I/O, ``warm_up`` loads, ``aclose`` releases."""

    async def warm_up(self) -> None:
        """Load models, open connections; may be called once, before any stream. Raises ``AdapterError``."""

    async def aclose(self) -> None:
        """Release everything; harmless when called twice or without ``warm_up``."""
