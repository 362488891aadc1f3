"""Describes every setting as its struct declares it: the text of ``--help``, an example file, a JSON Schema."""

import textwrap
from typing import Any, assert_never

import msgspec

from adapters.options import Secret
from gateway.settings import composition
from gateway.settings.declaration import GROUPS, SERVER_GROUPS
from gateway.settings.key_tables import KeyTable
from gateway.settings.options import OPEN_TABLE, Option, entries, options
from gateway.settings.show import line
from gateway.settings.sources import UpstreamNames, is_upstream_option

INDENT = 30
"""The column in which descriptions begin."""


def help_text(introduction: str, width: int) -> str:
    """What ``--help`` prints, wrapped to ``width`` columns: ``introduction``, then every flag grouped by stage."""
    parts = [introduction]
    for group in GROUPS:
        lines = [_entry(option, width) for option in listed() if option.group == group]
        parts.append("\n".join([group, *lines]))
    return "\n\n".join(parts) + "\n"


def listed() -> list[Option]:
    """Every option in the order of the struct, the documented entries of the open table before the table itself."""
    return [
        each
        for option in options().values()
        for each in ((*entries().values(), option) if option.key == OPEN_TABLE else (option,))
    ]


def example_file() -> str:
    """A TOML file of all settings, each commented out at its default."""
    parts = []
    for group in GROUPS:
        lines: list[str] = [f"# {group}", "#"]
        for option in options().values():
            if option.group == group and option.key != "config":
                default = line(option.key, option.default).removeprefix("# ")
                lines += [_wrapped(_description(option), 116, "# "), f"# {default}", ""]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def schema() -> bytes:
    """The JSON Schema of a configuration file, indented."""
    described = msgspec.json.schema(composition.settings_type(), schema_hook=_schema_of)
    settings = described["$defs"]["Settings"]["properties"]
    properties = {key: value for key, value in settings.items() if key != "config"}
    for key, value in properties.items():
        if options()[key].choices and "enum" not in value:
            value.get("anyOf", [value])[0]["enum"] = list(options()[key].choices)
            value["default"] = options()[key].default
        if options()[key].shape in {"list", "secrets"} and "anyOf" in value:
            value["anyOf"].append({"type": "string"})
    server = {option.key for option in options().values() if option.group in SERVER_GROUPS}
    names: dict[str, Any] = {"name": {"type": "string"}, "aliases": {"type": "array", "items": {"type": "string"}}}
    route = {key: value for key, value in properties.items() if key not in server}
    upstream = {key: value for key, value in route.items() if is_upstream_option(options()[key])}
    upstream |= msgspec.json.schema(UpstreamNames)["$defs"]["UpstreamNames"]["properties"]
    names["upstreams"] = {"type": "array", "items": _table(upstream, {}) | {"required": ["name"]}}
    others: dict[str, Any] = {f"^{OPEN_TABLE}_": {}} if OPEN_TABLE in properties else {}
    routes = _table(names | route, others) | {"required": ["name"]}
    keys = msgspec.json.schema(KeyTable, schema_hook=_schema_of)["$defs"]
    limits = keys["Limits"]
    key = keys["KeyTable"] | {"properties": keys["KeyTable"]["properties"] | {"limits": limits}}
    tables = {"routes": {"type": "array", "items": routes}, "keys": {"type": "array", "items": key}}
    whole = _table(properties | tables, others)
    return msgspec.json.format(msgspec.json.encode(whole), indent=2)


def _table(properties: dict[str, Any], entries: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "patternProperties": entries,
        "additionalProperties": False,
    }


def _schema_of(kind: type) -> dict[str, Any]:
    if kind is Secret:
        return {"type": "string"}
    raise NotImplementedError(f"settings of type {kind!r} are not supported")


def _entry(option: Option, width: int) -> str:
    head = f"  --{option.key}{_placeholder(option)}"
    margin = " " * INDENT
    text = _wrapped(_description(option), width, margin)
    return f"{head}{text[len(head) :]}" if len(head) < INDENT - 1 else f"{head}\n{text}"


def _wrapped(text: str, width: int, margin: str) -> str:
    return textwrap.fill(text, width, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False)


def _description(option: Option) -> str:
    notes = [", ".join(option.engines)] if option.engines else []
    if option.choices:
        notes.append(f"one of {', '.join(option.choices)}")
    if option.default not in (None, {}, ()):
        notes.append(f"default: {str(option.default).lower() if option.shape == 'switch' else option.default}")
    return option.description + (f" [{'; '.join(notes)}]" if notes else "")


def _placeholder(option: Option) -> str:
    if option.key == OPEN_TABLE:
        return "_NAME VALUE"
    match option.shape:
        case "switch":
            return ""
        case "number":
            return " NUMBER"
        case "text":
            return " TEXT"
        case "secret":
            return " SECRET"
        case "list" | "secrets":
            return " LIST"
        case "table":
            return " JSON"
        case "open":
            return " VALUE"
        case _:
            assert_never(option.shape)
