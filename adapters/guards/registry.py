"""Finds guards by name through entry points of the group ``speech_gateway.guards``."""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from adapters.contract.description import EngineDescription
from adapters.options import BadOption, require_declared
from adapters.registry import DISTRIBUTION

GROUP = "speech_gateway.guards"


def kinds() -> tuple[str, ...]:
    """The names of the guards that are installed, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def guard_class(kind: str) -> Any:
    """The class registered as ``kind``: constructed with an instance of its ``Options``, it is a ``Guard``.

    This distribution's own goes before another one of that name. Raises ``BadOption`` when there is none that works.
    """
    claims = sorted(entry_points(group=GROUP, name=kind), key=lambda entry: _origin(entry) != DISTRIBUTION)
    if not claims:
        raise BadOption(f"There is no guard {kind!r}; installed are {', '.join(kinds()) or 'none'}.")
    if _origin(claims[0]) != DISTRIBUTION and len({_origin(entry) for entry in claims}) > 1:
        raise BadOption(
            f"The guard {kind!r} is in {' and '.join(map(_origin, claims))}; uninstall all but one of them."
        )
    try:
        guard = claims[0].load()
        require_declared(getattr(guard, "Options", None))
    except (Exception, SystemExit) as error:
        why = " ".join(str(error).split()) if isinstance(error, TypeError) else type(error).__name__
        raise BadOption(f"The guard {kind!r} of {_origin(claims[0])} cannot be used: {why}.") from error
    return guard


def description(guard: Any) -> EngineDescription:
    """What the class of a guard says about itself."""
    described: EngineDescription = getattr(guard, "description", EngineDescription())
    return described


def _origin(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an unnamed distribution"
