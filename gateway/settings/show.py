"""Shows effective settings as a TOML file that can be loaded again, with secrets hidden and the origin of each."""

import json
import re
from typing import Any

import msgspec

from adapters.options import Secret, shown_url
from gateway.settings.guard_table import GuardTable
from gateway.settings.model import GatewaySettings, Loaded, Route, RouteUpstream
from gateway.settings.options import OPEN_TABLE, options

URL = re.compile(r"\w+://\S+")
"""A value that is a URL as a whole; an ``@`` or ``?`` in another text has no meaning."""


def effective(loaded: Loaded) -> str:
    """All settings of ``loaded`` and its routes, one line ``key = value  # origin`` for each.

    What a file cannot say is commented out: what is not set, secrets, URLs with secrets, the path of the file itself.
    """
    base = _values(loaded.settings)
    parts = [_aligned([(line(key, value), loaded.origins[key]) for key, value in base.items()])]
    parts += [_route(route, base) for route in loaded.routes]
    parts += [_guard(guard) for guard in loaded.guards]
    return "\n\n".join(parts) + "\n"


def line(key: str, value: Any) -> str:
    """``key = value`` in TOML, commented out when a file cannot say it or the value holds secrets."""
    if value is None:
        return f"# {key} ="
    if isinstance(value, Secret) or key == "config":
        return f"# {key} = {_toml(str(value))}"
    value = msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else value
    shown = _without_secrets(value)
    try:
        return f"{'' if shown == value else '# '}{key} = {_toml(shown)}"
    except TypeError:
        return f"# {key} = {json.dumps(shown, ensure_ascii=False)}"


def _without_secrets(value: Any) -> Any:
    """The value, with secrets, and those of every URL in it, hidden."""
    match value:
        case Secret():
            return str(value)
        case str():
            return shown_url(value) if URL.fullmatch(value) else value
        case list() | tuple():
            return type(value)(_without_secrets(each) for each in value)
        case dict():
            return {key: _without_secrets(each) for key, each in value.items()}
        case _:
            return value


def _route(route: Route, base: dict[str, Any]) -> str:
    """The route's names, and the settings that differ from those of the server."""
    values = _values(route.settings)
    rows = [(line("name", route.name), ""), (line("aliases", list(route.aliases)), "")]
    rows += [(line(key, value), route.origins[key]) for key, value in values.items() if base.get(key, ...) != value]
    upstreams = [_upstream(upstream, values) for upstream in route.upstreams]
    return "\n\n".join(["[[routes]]\n" + _aligned(rows), *upstreams])


def _upstream(upstream: RouteUpstream, base: dict[str, Any]) -> str:
    rows = [(line("name", upstream.name), ""), (line("weight", upstream.weight), "")]
    values = _values(upstream.settings)
    rows += [(line(key, value), upstream.origins[key]) for key, value in values.items() if base.get(key, ...) != value]
    return "[[routes.upstreams]]\n" + _aligned(rows)


def _guard(guard: GuardTable) -> str:
    values = msgspec.structs.asdict(guard.rules) | msgspec.structs.asdict(guard.options)
    return "\n".join(["[[guards]]", *(line(key, value) for key, value in values.items())])


def _values(settings: GatewaySettings) -> dict[str, Any]:
    """The settings by key; the entries of the open table have keys of their own."""
    values: dict[str, Any] = {}
    for key in options():
        value = getattr(settings, key)
        values |= {f"{key}_{name}": each for name, each in value.items()} if key == OPEN_TABLE else {key: value}
    return values


def _aligned(rows: list[tuple[str, str]]) -> str:
    """The origins in one column, except after very long lines."""
    column = max(len(text) for text, _ in rows if len(text) <= 60)
    return "\n".join(f"{text:{column}}  # {origin}" if origin else text for text, origin in rows)


def _toml(value: Any) -> str:
    """A value in TOML. Raises ``TypeError`` for a value that TOML cannot express."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(_toml(each) for each in value)}]"
        case dict():
            entries = ", ".join(f"{_toml(key)} = {_toml(each)}" for key, each in value.items())
            return f"{{{entries}}}"
        case _:
            raise TypeError(f"TOML cannot express {value!r}")
