"""Makes the effective settings of the server and of every route: flags override the environment, that the file."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from adapters import registry
from adapters.contract.description import ApiKeyVariable, EngineDescription
from adapters.options import Secret, shown_url
from gateway.access.keys import listed_keys
from gateway.settings import composition, model
from gateway.settings.flags import CommandLine, parse
from gateway.settings.guards import with_keys
from gateway.settings.model import GatewaySettings, Loaded, Route, RouteUpstream, SettingsError
from gateway.settings.options import OPEN_TABLE, Setting, options
from gateway.settings.sources import FILE_ENDINGS, File, RouteTable, UpstreamTable, read_environment, read_file

Given = dict[str, Setting]
Effective = tuple[GatewaySettings, dict[str, str]]


def load(arguments: Sequence[str], environment: Mapping[str, str]) -> Loaded:
    """Read the command line of a command that serves; its one positional word is the configuration file.

    Raises ``SettingsError``, and ``BadOption`` for an engine that cannot be used.
    """
    return load_line(parse(arguments), environment)


def load_line(line: CommandLine, environment: Mapping[str, str]) -> Loaded:
    """The same of a command line that has been parsed, with its own options."""
    if not line.positional:
        return resolve(line.settings, environment)
    path, *more = line.positional
    if not path.endswith(FILE_ENDINGS):
        raise SettingsError(
            f"{path!r} is neither a command (ask, talk, local, check, config, key new) nor a configuration file "
            "(.toml, .json)."
        )
    if more or "config" in line.settings:
        raise SettingsError(f"Only one configuration file can be used: {path!r} is given, and another one.")
    return resolve(line.settings | {"config": Setting(value=path, origin="argument")}, environment)


def resolve(flags: Given, environment: Mapping[str, str]) -> Loaded:
    """Combine ``flags``, the environment and the file that they name, and make every route. Raises as ``load``."""
    variables, warnings = read_environment(environment)
    path = (variables | flags).get("config")
    file = read_file(path.value) if path else File()
    given = file.settings | variables | flags
    presets = _presets(given)
    settings, origins = _effective(presets | given, environment)
    routes = tuple(_route(table, presets | given, environment) for table in file.routes)
    routes = routes or (_only_route(settings, origins),)
    everything = [*given.items(), *(pair for table in file.routes for pair in table.settings.items())]
    everything += [pair for table in file.routes for one in table.upstreams for pair in one.settings.items()]
    keys = (*listed_keys(settings.api_keys), *file.keys)
    warnings += [*file.warnings, *_without_effect(everything, routes), *_keys_sent_elsewhere(routes)]
    if keys and settings.allow_anonymous:
        warnings.append("--allow_anonymous: no effect, because there are keys and every request needs one.")
    return Loaded(
        settings=settings,
        routes=routes,
        keys=keys,
        guards=with_keys(file.guards, environment),
        origins=origins,
        warnings=tuple(warnings),
    )


def _presets(given: Given) -> Given:
    if "local_mac_optimal_settings" not in given or not given["local_mac_optimal_settings"].value:
        return {}
    if sys.platform != "darwin":
        raise SettingsError(
            f"--local_mac_optimal_settings is for macOS and this is {sys.platform!r}; choose --llm_backend yourself."
        )
    presets: dict[str, Any] = {}
    for stage, key in model.ENGINE_KEYS.items():
        for engine, described in composition.descriptions(stage).items():
            if described.mac_default:
                presets.setdefault(key, engine)
            presets = {**described.mac_options, **presets}
    origin = "preset of --local_mac_optimal_settings"
    return {key: Setting(value=value, origin=origin) for key, value in presets.items()}


def _route(table: RouteTable, given: Given, environment: Mapping[str, str]) -> Route:
    given = given | table.settings
    settings, origins = _effective(given, environment)
    upstreams = tuple(_upstream(upstream, given, environment) for upstream in table.upstreams)
    return Route(name=table.name, aliases=table.aliases, settings=settings, origins=origins, upstreams=upstreams)


def _upstream(table: UpstreamTable, given: Given, environment: Mapping[str, str]) -> RouteUpstream:
    settings, origins = _effective(given | table.settings, environment, others="upstreams")
    return RouteUpstream(name=table.name, weight=table.weight, settings=settings, origins=origins)


def _only_route(settings: GatewaySettings, origins: dict[str, str]) -> Route:
    assert settings.model_name is not None
    aliases = tuple(alias for alias in ("s2s", "*") if alias != settings.model_name)
    return Route(name=settings.model_name, aliases=aliases, settings=settings, origins=origins)


def _effective(given: Given, environment: Mapping[str, str], others: str | None = None) -> Effective:
    """Fill in what is not given: the engines, the values that they propose for their options, and the model.

    ``others`` is what stands ready to answer in the place of the model, beside fallbacks that are given.
    """
    if "fallbacks" in given and given["fallbacks"].value:
        others = others or "fallbacks"
    filled: Given = {}
    for stage, key in model.ENGINE_KEYS.items():
        filled[key] = given.get(key) or _selected(stage, key, given)
        filled |= _proposed(composition.engine_description(stage, filled[key].value), environment, others)
    backend = filled[model.ENGINE_KEYS["llm"]].value
    default_model = composition.engine_description("llm", backend).default_model or backend
    filled["model_name"] = Setting(value=default_model, origin=f"default of {backend}")
    filled |= given
    entries = {name: setting for name, setting in filled.items() if name not in options()}
    values = {name: setting.value for name, setting in filled.items() if name not in entries}
    if entries:
        values[OPEN_TABLE] = {name.removeprefix(f"{OPEN_TABLE}_"): entry.value for name, entry in entries.items()}
    origins = {name: "default" for name in options() if name not in values}
    origins |= {name: setting.origin for name, setting in filled.items()}
    return composition.settings_type()(**values), origins


def _proposed(described: EngineDescription, environment: Mapping[str, str], others: str | None) -> Given:
    """The values that an engine proposes for its own options in this situation."""
    proposed: Given = {}
    if others is not None:
        for option, value in described.fallback_options.items():
            proposed[option] = Setting(value=value, origin=f"default with {others}")
    if (variable := described.api_key) is not None and environment.get(variable.name):
        key = Secret(environment[variable.name])
        proposed[variable.key_option] = Setting(value=key, origin=f"environment {variable.name}")
    return proposed


def _selected(stage: registry.Stage, key: str, given: Given) -> Setting:
    """The engine of a stage for which none is named. Raises ``SettingsError`` when there is no default."""
    if (selected := composition.selected_engine(stage, given)) is not None:
        engine, by = selected
        return Setting(value=engine, origin=f"chosen by {by}")
    default = composition.default_engine(stage)
    if default is None:
        raise SettingsError(
            f"No engine is the default for --{key} here; name one of {', '.join(composition.choices(stage)) or 'none'}."
        )
    return Setting(value=default, origin="default")


def _without_effect(given: Iterable[tuple[str, Setting]], routes: Iterable[Route]) -> list[str]:
    """Warnings about settings that are given and have no effect; each is named once."""
    used = set(GatewaySettings.__struct_fields__)
    engines: set[str] = set()
    for route in routes:
        for stage, engine in composition.route_engines(route):
            engines.add(engine)
            used |= set(composition.engine_options(stage, engine).__struct_fields__)
    unused: dict[str, None] = {}
    for key, setting in given:
        if (key if key in options() else OPEN_TABLE) not in used:
            unused[_spelled(key, setting)] = None
    if not unused:
        return []
    return [f"{', '.join(unused)}: no effect with the selected engines ({', '.join(sorted(engines))})."]


def _spelled(key: str, setting: Setting) -> str:
    kind, _, name = setting.origin.partition(" ")
    return key if kind == "file" else name


def _keys_sent_elsewhere(routes: Iterable[Route]) -> list[str]:
    """Warnings about keys from well-known variables that go to another host than the one they are meant for."""
    hosts: dict[ApiKeyVariable, dict[str, None]] = {}
    for route in routes:
        for described in composition.route_descriptions(route):
            variable = described.api_key
            if variable is None:
                continue
            for asked in route.upstreams or (route,):
                if asked.origins.get(variable.key_option) != f"environment {variable.name}":
                    continue
                host = _host(getattr(asked.settings, variable.url_option) or "") or variable.host
                if host != variable.host:
                    hosts.setdefault(variable, {})[host] = None
    return [
        f"{variable.name} is sent to {', '.join(sent_to)}; give --{variable.key_option} to send another key there."
        for variable, sent_to in hosts.items()
    ]


def _host(url: str) -> str:
    """The host of a URL, or the whole text if it is not a URL, which the engine refuses later."""
    try:
        return urlsplit(url).hostname or shown_url(url)
    except ValueError:
        return shown_url(url)
