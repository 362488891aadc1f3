"""What every engine has in common: its first event and its lifetime; and what some have beside that."""

from typing import Protocol, runtime_checkable

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


@runtime_checkable
class Preflight(Protocol):
    """An engine that can tell early that it will never load: a package, a file, a name that is not there."""

    def preflight(self) -> None:
        """Look, quickly, before anything binds; nothing is loaded. Raises ``adapters.options.BadOption``."""


@runtime_checkable
class Perishable(Protocol):
    """An engine that may break for good after it was loaded, because what it runs on lives in this process."""

    @property
    def down(self) -> str | None:
        """Why it cannot answer any more, in a few words without secrets; ``None`` while it can."""
