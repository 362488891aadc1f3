"""Pure: what a client asks for when it connects, and failures in the words of the protocol."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from adapters.contract.errors import InvalidRequest
from gateway.access.caller import Caller
from gateway.engines.lifecycle import Gateway
from gateway.engines.route import STAGES, Stage
from gateway.realtime.sessions import SessionRequest

SessionKind = Literal["realtime", "transcription"]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A session as a client asks for it: ``changes`` of its configuration, the ``model`` it names."""

    kind: SessionKind
    model: str | None
    changes: dict[str, Any]
    conversation: str | None = None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What has to work."""
        return ("stt",) if self.kind == "transcription" else STAGES

    @property
    def named_by(self) -> Stage:
        """The stage whose models' names mean a route."""
        return "stt" if self.kind == "transcription" else "llm"


def wanted_of(query: Mapping[str, str], bound: Mapping[str, Any] | None) -> Wanted:
    """What the query of a connection asks for, or the configuration ``bound`` to its client secret.

    Raises ``InvalidRequest`` for an intent that is not known.
    """
    intent = query.get("intent")
    if intent not in (None, "", "conversation", "transcription"):
        raise InvalidRequest(
            f"Invalid value: {intent[:100]!r}. Supported values are: 'conversation', and 'transcription'.",
            param="intent",
            code="invalid_value",
        )
    given = dict(bound or {})
    if intent == "transcription":
        given.setdefault("type", "transcription")
    wanted = configured(given)
    model = wanted.model or query.get("model") or None
    return msgspec.structs.replace(wanted, model=model, conversation=query.get("conversation") or None)


def configured(session: Mapping[str, Any]) -> Wanted:
    """What a session configuration asks for. Raises ``InvalidRequest`` for a type that is not known."""
    kind = session.get("type", "realtime")
    if kind not in ("realtime", "transcription"):
        raise InvalidRequest(
            f"Invalid value: {str(kind)[:100]!r}. Supported values are: 'realtime', and 'transcription'.",
            param="session.type",
            code="invalid_value",
        )
    model = session.get("model")
    changes = {name: value for name, value in session.items() if name not in ("type", "model")}
    return Wanted(kind=kind, model=model if isinstance(model, str) and model else None, changes=changes)


def asked_session(wanted: Wanted, caller: Caller, gateway: Gateway) -> SessionRequest:
    """The session at the route that it names. Raises what ``Gateway.admit`` raises."""
    served = gateway.admit(wanted.model, caller, wanted.stages, named_by=wanted.named_by)
    return SessionRequest(
        caller=caller,
        served=served,
        model=wanted.model or served.name,
        kind=wanted.kind,
        changes=wanted.changes,
        conversation=wanted.conversation,
    )
