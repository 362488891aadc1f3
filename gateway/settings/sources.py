"""Reads settings from the configuration file and from the environment."""

import codecs
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.access.keys import Key
from gateway.settings.declaration import LANGUAGE_MODEL, SERVER_GROUPS
from gateway.settings.guard_table import GuardTable
from gateway.settings.guards import guard_tables
from gateway.settings.key_tables import read_keys
from gateway.settings.model import SettingsError
from gateway.settings.options import Option, Setting, decode, decode_text, find, flatten, nearest
from gateway.settings.reasons import NAME, reason

PREFIX = "S2S_"
FILE_ENDINGS = (".toml", ".json")

SERVICE_LINK = re.compile(r"S2S_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
"""Variables that are set in a pod for every Service, here one whose name is ``s2s`` or begins with ``s2s-``."""

SERVICE_ADDRESS = re.compile("(tcp|udp|sctp)://")
"""How the value of ``<SERVICE>_PORT`` begins."""


class UpstreamTable(msgspec.Struct, frozen=True, kw_only=True):
    """One of the ``upstreams`` of a route: its name, its weight, and the settings that differ for it."""

    name: str
    weight: float
    settings: dict[str, Setting]


class RouteTable(msgspec.Struct, frozen=True, kw_only=True):
    """One ``[[routes]]`` of a file: its names, the settings that differ for it, and its upstreams."""

    name: str
    aliases: tuple[str, ...]
    settings: dict[str, Setting]
    upstreams: tuple[UpstreamTable, ...] = ()


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration file: settings for the server and all routes, and the routes, keys and guards if it has any.

    ``warnings`` are about its keys.
    """

    settings: dict[str, Setting] = {}
    routes: tuple[RouteTable, ...] = ()
    keys: tuple[Key, ...] = ()
    guards: tuple[GuardTable, ...] = ()
    warnings: tuple[str, ...] = ()


class _RouteNames(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    aliases: tuple[str, ...] = ()
    upstreams: tuple[dict[str, Any], ...] = ()


class UpstreamNames(msgspec.Struct, frozen=True, kw_only=True):
    """What an upstream has beside settings."""

    name: Annotated[
        str,
        Meta(pattern=NAME, description="What the server is called in metrics and in the log."),
    ]
    weight: Annotated[
        float, Meta(gt=0, le=1000, description="Its share of new conversations, beside the weights of the others.")
    ] = 1.0


def read_environment(environment: Mapping[str, str]) -> tuple[dict[str, Setting], list[str]]:
    """The settings in ``S2S_*`` variables, and warnings about those that are not settings. Raises ``SettingsError``.

    An empty variable is one that is not set: Compose writes ``S2S_X=`` for ``${X:-}``.
    """
    settings: dict[str, Setting] = {}
    warnings: list[str] = []
    named = {name: text for name, text in sorted(environment.items()) if name.startswith(PREFIX) and text}
    links = [name for name, text in named.items() if _is_service_link(name, text)]
    if links:
        warnings.append(
            f"{', '.join(links)}: ignored, because Kubernetes sets such variables for a Service named like the prefix "
            f"{PREFIX}; enableServiceLinks: false in the pod's spec leaves them out."
        )
    for name, text in named.items():
        if name in links:
            continue
        key = name.removeprefix(PREFIX).lower()
        option = find(key)
        if option is None or name.upper() != name:
            warnings.append(f"{name} in the environment is not a setting: {nearest(key, prefix=PREFIX, upper=True)}")
            continue
        settings.update(flatten(option, decode_text(option, text, name), f"environment {name}"))
    return settings, warnings


def _is_service_link(name: str, text: str) -> bool:
    """Whether Kubernetes or Docker sets this variable for a service whose name begins with ``s2s``."""
    if SERVICE_LINK.fullmatch(name):
        return True
    return name.endswith("_PORT") and SERVICE_ADDRESS.match(text) is not None


def read_file(path: str) -> File:
    """Read a ``.toml`` or ``.json`` file. Raises ``SettingsError`` when it cannot be read or does not make sense."""
    if not path.endswith(FILE_ENDINGS):
        raise SettingsError(f"The configuration file {path!r} must end in {' or '.join(FILE_ENDINGS)}.")
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(f"The configuration file {path!r} cannot be read: {error.strerror}.") from None
    decode_content = msgspec.toml.decode if path.endswith(".toml") else msgspec.json.decode
    try:
        table = decode_content(_utf8(content))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The configuration file {path!r} is malformed: {error}.") from None
    if not isinstance(table, dict):
        raise SettingsError(f"The configuration file {path!r} must hold a table of settings.")
    routes = table.pop("routes", [])
    if not isinstance(routes, list) or not all(isinstance(route, dict) for route in routes):
        raise SettingsError(f"{path}: 'routes' must be a list of tables, written [[routes]] in TOML.")
    keys, warnings = read_keys(table.pop("keys", []), path)
    guards = guard_tables(table.pop("guards", []), path)
    settings = _settings(table, path, path)
    return File(settings=settings, routes=_routes(routes, path), keys=keys, guards=guards, warnings=tuple(warnings))


def _utf8(content: bytes) -> str:
    """The text of a file; editors and shells of Windows write a byte order mark, which tells UTF-8 from UTF-16."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")


def _settings(table: dict[str, Any], path: str, place: str) -> dict[str, Setting]:
    """The settings of a table; a JSON ``null`` is as not given."""
    settings: dict[str, Setting] = {}
    for key, value in table.items():
        option = find(key)
        if option is None:
            raise SettingsError(f"{place}: unknown key {key!r}: {nearest(key, more=('routes', 'keys', 'guards'))}")
        if key == "config":
            raise SettingsError(f"{place}: 'config' names the file itself and cannot be set in it.")
        if value is not None:
            settings.update(flatten(option, decode(option, value, f"{place}: {key}"), f"file {path}"))
    return settings


def _routes(tables: list[dict[str, Any]], path: str) -> tuple[RouteTable, ...]:
    routes = tuple(_route(table, path, number) for number, table in enumerate(tables, start=1))
    taken: dict[str, str] = {}
    for route in routes:
        for name in dict.fromkeys((route.name, *route.aliases)):
            if name in taken:
                raise SettingsError(
                    f"{path}: the routes {taken[name]!r} and {route.name!r} both have the name {name!r}."
                )
            taken[name] = route.name
    return routes


def _route(table: dict[str, Any], path: str, number: int) -> RouteTable:
    own = {key: value for key, value in table.items() if key in _RouteNames.__struct_fields__}
    try:
        names = msgspec.convert(own, _RouteNames)
    except msgspec.ValidationError as error:
        needed = "a 'name' and may have lists of 'aliases' and of 'upstreams'"
        raise SettingsError(f"{path}: route {number} needs {needed}: {reason(error)}.") from None
    if not names.name or not all(names.aliases):
        raise SettingsError(f"{path}: route {number} has an empty name.")
    rest = {key: value for key, value in table.items() if key not in own}
    for key in rest:
        option = find(key)
        if option is not None and option.group in SERVER_GROUPS:
            raise SettingsError(f"{path}: {key!r} is set for the whole server, not in route {names.name!r}.")
    place = f"{path}: route {names.name!r}"
    upstreams = tuple(_upstream(each, path, place) for each in names.upstreams)
    called = [upstream.name for upstream in upstreams]
    for name in called:
        if called.count(name) > 1:
            raise SettingsError(f"{place}: two upstreams have the name {name!r}.")
    return RouteTable(
        name=names.name, aliases=names.aliases, settings=_settings(rest, path, place), upstreams=upstreams
    )


def _upstream(table: dict[str, Any], path: str, place: str) -> UpstreamTable:
    own = {key: value for key, value in table.items() if key in UpstreamNames.__struct_fields__}
    try:
        names = msgspec.convert(own, UpstreamNames)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{place}: an upstream needs a 'name' and may have a 'weight': {reason(error)}.") from None
    place = f"{place}: upstream {names.name!r}"
    rest = {key: value for key, value in table.items() if key not in own}
    for key in rest:
        if (option := find(key)) is not None and not is_upstream_option(option):
            raise SettingsError(
                f"{place}: {key!r} cannot be set for one upstream, only 'model_name' and the options of the model's "
                "server (responses_api_base_url, responses_api_api_key)."
            )
    return UpstreamTable(name=names.name, weight=names.weight, settings=_settings(rest, path, place))


def is_upstream_option(option: Option) -> bool:
    """Whether an upstream can have a value of its own: what is asked for, and how the model's server is asked."""
    return option.key == "model_name" or (option.group == LANGUAGE_MODEL and bool(option.engines))
