"""What every engine has in common: its first event and its lifetime; and what some engines offer in addition."""

from typing import Protocol, runtime_checkable

import msgspec


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """The request was admitted; ``ignored`` names the tuning parameters that have no effect with this engine."""

    ignored: tuple[str, ...] = ()


class Engine(Protocol):
    """The lifetime of an engine: constructing it does no I/O, ``warm_up`` loads, ``aclose`` releases."""

    async def warm_up(self) -> None:
        """Load models, open connections; may be called once, before any stream. Raises ``AdapterError``."""

    async def aclose(self) -> None:
        """Release everything; harmless when called twice or without ``warm_up``."""


@runtime_checkable
class Preflight(Protocol):
    """An engine that can tell early that it cannot be loaded: a package, a file or a name is missing."""

    def preflight(self) -> None:
        """Check this quickly, before the port opens; nothing is loaded. Raises ``adapters.options.BadOption``."""


class UpstreamState(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine's client of another server has seen.

    ``retries`` are requests that were sent again since the start, ``circuits_open`` the models that are not asked now
    because they failed repeatedly.
    """

    retries: int
    circuits_open: int


@runtime_checkable
class UpstreamReporting(Protocol):
    """An engine that asks another server and says how that goes."""

    @property
    def upstream_state(self) -> UpstreamState:
        """The state now."""


class HealthReporting(Protocol):
    """An engine that may fail for good after it was loaded, because its model runs in this process."""

    @property
    def failure(self) -> str | None:
        """Why it cannot answer any more, in a few words without secrets; ``None`` while it can."""


def failure_of(engine: object) -> str | None:
    """Why ``engine`` cannot answer any more; ``None`` while it can, and where it does not say."""
    # Each request asks this, and to look for a protocol takes fifty times as long.
    failure: str | None = getattr(engine, "failure", None)
    return failure
