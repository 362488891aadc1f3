"""Reads ``[[guards]]`` from the configuration file."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from adapters import registry
from adapters.options import Secret, decode_option
from gateway.settings.guard_table import GuardRules, GuardTable
from gateway.settings.model import SettingsError
from gateway.settings.reasons import reason


def guard_tables(tables: Any, path: str) -> tuple[GuardTable, ...]:
    """The guards in the file ``path``. Raises ``SettingsError``, and ``BadOption`` for a kind that cannot be used."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{path}: 'guards' must be a list of tables, written [[guards]] in TOML.")
    guards = tuple(_guard(table, f"{path}: guard {number}") for number, table in enumerate(tables, start=1))
    names = [guard.rules.name for guard in guards]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{path}: two guards have the name {name!r}.")
    return guards


def _guard(table: dict[str, Any], place: str) -> GuardTable:
    given = {key: value for key, value in table.items() if value is not None}
    rules = _converted({key: given.pop(key) for key in GuardRules.__struct_fields__ if key in given}, GuardRules, place)
    options = registry.options_class("guards", rules.kind)
    for key in given:
        if key not in options.__struct_fields__:
            known = ", ".join((*GuardRules.__struct_fields__, *options.__struct_fields__))
            raise SettingsError(f"{place} ({rules.name!r}): unknown key {key!r}; {rules.kind} has {known}.")
    return GuardTable(rules=rules, options=_converted(given, options, f"{place} ({rules.name!r})"))


def _converted(given: dict[str, Any], kind: Any, place: str) -> Any:
    try:
        return msgspec.convert(given, kind, dec_hook=decode_option)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{place} cannot be used: {reason(error)}.") from None


def with_keys(guards: Iterable[GuardTable], environment: Mapping[str, str]) -> tuple[GuardTable, ...]:
    """``guards``, those that have no key of their own for a provider's server with the one of the environment."""
    return tuple(_with_key(guard, environment) for guard in guards)


def _with_key(guard: GuardTable, environment: Mapping[str, str]) -> GuardTable:
    variable = registry.description("guards", guard.rules.kind).api_key
    if variable is None or not (key := environment.get(variable.name)):
        return guard
    if getattr(guard.options, variable.key_option) is not None or getattr(guard.options, variable.url_option):
        return guard
    return msgspec.structs.replace(
        guard, options=msgspec.structs.replace(guard.options, **{variable.key_option: Secret(key)})
    )
