"""Makes the effective settings: file, environment and flags laid over the defaults, once for all and once a route."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from adapters.options import Secret
from gateway.settings import model
from gateway.settings.flags import parse
from gateway.settings.model import GatewaySettings, Loaded, Route, SettingsError
from gateway.settings.options import OPEN_TABLE, Setting, options
from gateway.settings.sources import FILE_ENDINGS, File, RouteTable, read_environment, read_file

DEFAULT_MODELS = {
    "transformers": "Qwen/Qwen3-4B-Instruct-2507",
    "mlx-lm": "Qwen/Qwen3-4B-Instruct-2507",
    "responses-api": "gpt-4o-mini",
    "chat-completions": "gpt-4o-mini",
}
"""The model when none is named; a backend that is not here has one only, named like itself."""

MAC_PRESETS = {"llm_backend": "mlx-lm", "llm_device": "mps"}
OPENAI_ORIGIN = "environment OPENAI_API_KEY"
OPENAI_HOST = "api.openai.com"

Given = dict[str, Setting]
Effective = tuple[GatewaySettings, dict[str, str]]


def load(arguments: Sequence[str], environment: Mapping[str, str]) -> Loaded:
    """Read the words of a command line that serves, its one positional word being the configuration file.

    Raises ``SettingsError``.
    """
    line = parse(arguments)
    if not line.positional:
        return resolve(line.settings, environment)
    path, *more = line.positional
    if not path.endswith(FILE_ENDINGS):
        raise SettingsError(
            f"{path!r} is neither a command (ask, check, config) nor a configuration file (.toml, .json)."
        )
    if more or "config" in line.settings:
        raise SettingsError(f"One configuration file can be used: {path!r} is given, and another one beside it.")
    return resolve(line.settings | {"config": Setting(value=path, origin="argument")}, environment)


def resolve(flags: Given, environment: Mapping[str, str]) -> Loaded:
    """Lay ``flags`` over the environment, that over the file, and make every route. Raises ``SettingsError``."""
    variables, warnings = read_environment(environment)
    path = (variables | flags).get("config")
    file = read_file(path.value) if path else File()
    given = file.settings | variables | flags
    presets = _presets(given)
    key = Secret(environment["OPENAI_API_KEY"]) if environment.get("OPENAI_API_KEY") else None
    settings, origins = _effective(presets | given, key)
    routes = tuple(_route(table, presets | given, key) for table in file.routes) or (_only_route(settings, origins),)
    everything = [*given.items(), *(pair for table in file.routes for pair in table.settings.items())]
    warnings += [*_without_effect(everything, routes), *_key_sent_elsewhere(routes)]
    return Loaded(settings=settings, routes=routes, origins=origins, warnings=tuple(warnings))


def _presets(given: Given) -> Given:
    if "local_mac_optimal_settings" not in given or not given["local_mac_optimal_settings"].value:
        return {}
    if sys.platform != "darwin":
        raise SettingsError(
            f"--local_mac_optimal_settings is for macOS and this is {sys.platform!r}; choose --llm_backend yourself."
        )
    origin = "preset of --local_mac_optimal_settings"
    return {key: Setting(value=value, origin=origin) for key, value in MAC_PRESETS.items() if key in options()}


def _route(table: RouteTable, given: Given, key: Secret | None) -> Route:
    settings, origins = _effective(given | table.settings, key)
    return Route(name=table.name, aliases=table.aliases, settings=settings, origins=origins)


def _only_route(settings: GatewaySettings, origins: dict[str, str]) -> Route:
    assert settings.model_name is not None
    aliases = tuple(alias for alias in ("s2s", "*") if alias != settings.model_name)
    return Route(name=settings.model_name, aliases=aliases, settings=settings, origins=origins)


def _effective(given: Given, key: Secret | None) -> Effective:
    """Fill in what nobody gave; ``key`` is OpenAI's, for backends that take one."""
    backend = given.get("llm_backend") or _chosen_backend(given)
    name = DEFAULT_MODELS.get(backend.value, backend.value)
    filled = {"model_name": Setting(value=name, origin=f"default of {backend.value}"), "llm_backend": backend}
    if key is not None and "responses_api_api_key" in model.engine_options("llm", backend.value).__struct_fields__:
        filled["responses_api_api_key"] = Setting(value=key, origin=OPENAI_ORIGIN)
    filled |= given
    entries = {name: setting for name, setting in filled.items() if name not in options()}
    values = {name: setting.value for name, setting in filled.items() if name not in entries}
    if entries:
        values[OPEN_TABLE] = {name.removeprefix(f"{OPEN_TABLE}_"): entry.value for name, entry in entries.items()}
    origins = {name: "default" for name in options() if name not in values}
    origins |= {name: setting.origin for name, setting in filled.items()}
    return model.settings_type()(**values), origins


def _chosen_backend(given: Given) -> Setting:
    for key in given:
        if key.startswith("responses_api_"):
            return Setting(value="responses-api", origin=f"chosen by {key}")
    for key in given:
        if key == "model_name" or key.startswith("llm_"):
            return Setting(value="transformers", origin=f"chosen by {key}")
    return Setting(value="echo", origin="default")


def _without_effect(given: Iterable[tuple[str, Setting]], routes: Iterable[Route]) -> list[str]:
    """Warnings about settings that somebody gave and that change nothing; each is named once."""
    used = set(GatewaySettings.__struct_fields__)
    engines: set[str] = set()
    for route in routes:
        for stage, key in model.ENGINE_KEYS.items():
            engine = getattr(route.settings, key)
            engines.add(engine)
            used |= set(model.engine_options(stage, engine).__struct_fields__)
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


def _key_sent_elsewhere(routes: Iterable[Route]) -> list[str]:
    hosts: dict[str, None] = {}
    for route in routes:
        url = getattr(route.settings, "responses_api_base_url", None)
        if route.origins.get("responses_api_api_key") == OPENAI_ORIGIN and url:
            hosts[_host(url)] = None
    hosts.pop(OPENAI_HOST, None)
    if not hosts:
        return []
    return [f"OPENAI_API_KEY is sent to {', '.join(hosts)}; give --responses_api_api_key to send another key there."]


def _host(url: str) -> str:
    """The host of a URL, or the whole of what is none: the backend refuses that by itself."""
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url
