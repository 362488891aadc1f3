"""Finds engines and guards by name through entry points; a broken plug-in costs itself and one line in the log.

They are considered in one order: first those of this distribution, then the others by stage and name. Where two
claim the same thing (to be the default of a stage, to be selected by an option), the earlier one has it.
"""

import logging
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any, Literal

import msgspec

from adapters.contract.description import EngineDescription
from adapters.options import BadOption, pick, require_declared

Stage = Literal["llm", "stt", "tts", "vad"]
STAGES: tuple[Stage, ...] = ("llm", "stt", "tts", "vad")

Kind = Stage | Literal["guards"]
"""What entry points can be: engines of a stage, and guards. The group of each is ``speech_gateway.`` and its name."""

_KINDS: tuple[Kind, ...] = (*STAGES, "guards")

DISTRIBUTION = "speech-gateway"
"""The distribution that this module belongs to: its engines go before those of plug-ins."""

EngineId = tuple[Stage, str]
"""The stage of an engine and the name under which it is registered."""

_NO_DESCRIPTION = EngineDescription()

_log = logging.getLogger(__name__)


_Id = tuple[Kind, str]


class _Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The adapter classes that can be used, in the order in which they are considered, and why others cannot."""

    classes: dict[_Id, Any]
    rejected: dict[_Id, str]


class _Broken(Exception):
    """An engine cannot be used; the message completes the sentence "it cannot be used: …"."""


def engines() -> tuple[EngineId, ...]:
    """The engines of all stages that can be used, in the order in which they are considered."""
    return tuple((kind, name) for kind, name in _catalogue().classes if kind != "guards")


def names(kind: Kind) -> tuple[str, ...]:
    """The engines of a stage, or the guards, that can be used, sorted."""
    return tuple(sorted(name for its_kind, name in _catalogue().classes if its_kind == kind))


def adapter_class(kind: Kind, name: str) -> Any:
    """The class registered as ``name``; it has an ``Options`` struct and is constructed with one.

    Raises ``BadOption`` when none has that name, or when the one that has it is broken.
    """
    try:
        return _catalogue().classes[kind, name]
    except KeyError:
        installed = f"There is no {_noun(kind)} {name!r}; installed are {', '.join(names(kind)) or 'none'}."
        raise BadOption(rejection(kind, name) or installed) from None


def rejection(kind: Kind, name: str) -> str | None:
    """Why one that is installed cannot be used, in one sentence; ``None`` for all others."""
    return _catalogue().rejected.get((kind, name))


def options_class(kind: Kind, name: str) -> type[msgspec.Struct]:
    """The options of an engine, which it adds to the settings, or of a guard. Raises ``BadOption``."""
    options: type[msgspec.Struct] = adapter_class(kind, name).Options
    return options


def description(kind: Kind, name: str) -> EngineDescription:
    """What an engine or a guard says about itself. Raises ``BadOption``."""
    return _description(adapter_class(kind, name))


def build(stage: Stage, name: str, settings: msgspec.Struct) -> Any:
    """Construct the engine from the flat ``settings``; no I/O. Raises ``BadOption``."""
    return adapter_class(stage, name)(pick(settings, options_class(stage, name)))


def _noun(kind: Kind) -> str:
    return "guard" if kind == "guards" else f"{kind} engine"


def _description(adapter: Any) -> EngineDescription:
    described: EngineDescription = getattr(adapter, "description", _NO_DESCRIPTION)
    return described


@cache
def _catalogue() -> _Catalogue:
    """Import every module that is registered, which is cheap by contract, and log what cannot be used."""
    classes: dict[_Id, Any] = {}
    rejected: dict[_Id, str] = {}
    for claimed, claims in sorted(_claims().items(), key=_precedence):
        kind, name = claimed
        try:
            classes[claimed] = _load(claims)
        except _Broken as error:
            rejected[claimed] = f"The {_noun(kind)} {name!r} of {_origin(claims[0])} cannot be used: {error}."
            _log.warning("%s", rejected[claimed])
            continue
        for other in claims[1:]:
            _log.warning(
                "The %s %r of %s is not used: %s has one of that name.",
                *(_noun(kind), name, _origin(other), DISTRIBUTION),
            )
    return _Catalogue(classes=classes, rejected=rejected)


def _claims() -> dict[_Id, list[EntryPoint]]:
    """Every distribution's entry point for an engine or a guard, that of this distribution first."""
    claims: dict[_Id, dict[str, EntryPoint]] = {}
    for distribution in distributions():
        for entry in _entry_points(distribution):
            for kind in _KINDS:
                if entry.group == f"speech_gateway.{kind}":
                    # Of a distribution that is installed twice Python imports the first.
                    claims.setdefault((kind, entry.name), {}).setdefault(_origin(entry), entry)
    return {
        claimed: sorted(entries.values(), key=lambda entry: (not _is_own(entry), _origin(entry)))
        for claimed, entries in claims.items()
    }


def _entry_points(distribution: Distribution) -> Iterator[EntryPoint]:
    try:
        yield from distribution.entry_points
    except Exception as error:  # noqa: BLE001 - malformed metadata fails in many ways
        _log.warning("The entry points of %s cannot be read (%s).", _name(distribution), type(error).__name__)


def _precedence(claimed: tuple[_Id, list[EntryPoint]]) -> tuple[bool, int, str]:
    (kind, name), claims = claimed
    return not _is_own(claims[0]), _KINDS.index(kind), name


def _is_own(entry: EntryPoint) -> bool:
    return _origin(entry) == DISTRIBUTION


def _origin(entry: EntryPoint) -> str:
    return _name(entry.dist)


def _name(distribution: Distribution | None) -> str:
    try:
        name: str | None = distribution.name if distribution else None
    except Exception:  # noqa: BLE001 - as above
        name = None
    return name or "an unnamed distribution"


def _load(claims: list[EntryPoint]) -> Any:
    """The adapter class of the first of ``claims``. Raises ``_Broken``."""
    entry = claims[0]
    if len(claims) > 1 and not _is_own(entry):
        others = ", ".join(_origin(other) for other in claims[1:])
        raise _Broken(f"{others} has one of the same name; uninstall all but one of them")
    try:
        adapter = entry.load()
    except (Exception, SystemExit) as error:  # a plug-in's module may raise anything
        missing = f", {error.name}" if isinstance(error, ModuleNotFoundError) and error.name else ""
        raise _Broken(f"importing it failed ({type(error).__name__}{missing})") from error
    try:
        require_declared(getattr(adapter, "Options", None))
        _require_described(_description(adapter), set(adapter.Options.__struct_fields__))
    except TypeError as error:
        raise _Broken(" ".join(str(error).split())) from error
    except Exception as error:
        raise _Broken(f"reading its options failed ({type(error).__name__})") from error
    return adapter


def _require_described(described: Any, options: set[str]) -> None:
    """Raise ``TypeError`` unless ``described`` is a description of an engine with these options."""
    if not isinstance(described, EngineDescription):
        raise TypeError("its description is not an EngineDescription")
    named = {*described.fallback_options, *described.mac_options}
    if described.api_key is not None:
        named |= {described.api_key.key_option, described.api_key.url_option}
    if named - options:
        raise TypeError(f"its description names options that it does not have ({', '.join(sorted(named - options))})")
