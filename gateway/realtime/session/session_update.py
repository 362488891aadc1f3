"""Lays a client's changes over the configuration of a session."""

from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.contract.errors import InvalidRequest
from gateway.realtime.protocol.session_config import (
    Audio,
    AudioOutput,
    FunctionTool,
    RealtimeSession,
    SessionConfig,
    TranscriptionSession,
)
from gateway.realtime.session.policy import Policy
from gateway.wire.invalid_fields import fields_below, invalid
from gateway.wire.tools import check_schema, check_tool_types

FIXED = ("id", "object", "expires_at", "client_secret")
"""Fields that the server sets; a client that sends back what it was shown changes nothing by them."""

SWITCHED_OFF = ("turn_detection",)
"""Fields for which ``null`` is a choice, though not the default."""


def updated(config: SessionConfig, changes: dict[str, Any], policy: Policy, *, has_spoken: bool) -> SessionConfig:
    """``config`` with ``changes``: objects are merged, what is ``null`` is cleared, unknown fields have no effect.

    ``has_spoken``: the client has heard the session's voice, which stays then. Raises ``InvalidRequest``, whose
    ``param`` is the field with ``session`` before it.
    """
    changes = {name: value for name, value in changes.items() if name not in FIXED}
    _check_fixed(config, changes, policy)
    with fields_below("session"):
        check_tool_types(changes.get("tools"))
    if isinstance(tools := changes.get("tools"), list):
        changes["tools"] = [{"type": "function", **tool} if isinstance(tool, dict) else tool for tool in tools]
    kind = type(config)
    usual: SessionConfig = TranscriptionSession()
    if isinstance(config, RealtimeSession):
        usual = RealtimeSession(audio=Audio(output=AudioOutput(voice=policy.voice)))
    merged = _merged(msgspec.to_builtins(config), changes, msgspec.to_builtins(usual))
    with fields_below("session"):
        new = _converted(merged, kind)
    if isinstance(new, RealtimeSession) and isinstance(config, RealtimeSession):
        check_parameters(new.tools, "session.tools")
        if has_spoken and new.audio.output.voice != config.audio.output.voice:
            raise InvalidRequest(
                "Cannot update a conversation's voice if assistant audio is present.",
                param="session.audio.output.voice",
                code="cannot_update_voice",
            )
    return new


def check_parameters(tools: Iterable[FunctionTool], param: str) -> None:
    """Refuse tools whose parameters are too deep or too large to be sent. Raises ``InvalidRequest`` about ``param``."""
    for tool in tools:
        check_schema(tool.parameters, f"parameters of the tool {tool.name!r}", param)


def _check_fixed(config: SessionConfig, changes: dict[str, Any], policy: Policy) -> None:
    """Refuse another type or model; take both out of ``changes``."""
    if isinstance(config, RealtimeSession):
        fixed = {"type": "realtime", "model": config.model}
    else:
        fixed = {"type": "transcription"}
    for name, value in fixed.items():
        given = changes.pop(name, None)
        if given in (None, value) or (name == "model" and isinstance(given, str) and policy.is_same_model(given)):
            continue
        raise InvalidRequest(
            f"The {name} of a session cannot be changed: this one has {value!r}, not {str(given)[:100]!r}.",
            param=f"session.{name}",
            code="invalid_value",
        )


def _merged(old: Any, new: Any, default: Any, name: str = "") -> Any:
    """``new`` over ``old``; an object of another ``type`` stands in place of the old one."""
    if new is None and name not in SWITCHED_OFF:
        return default
    if not isinstance(old, dict) or not isinstance(new, dict) or new.get("type", old.get("type")) != old.get("type"):
        return new
    defaults = default if isinstance(default, dict) else {}
    return old | {key: _merged(old.get(key), value, defaults.get(key), key) for key, value in new.items()}


def _converted(values: dict[str, Any], kind: type[SessionConfig]) -> SessionConfig:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise invalid(str(error), values, kind) from None
