"""Makes client secrets: the configuration that they open is checked first, by the key that makes them."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.access.caller import Caller
from gateway.access.client_secrets import ClientSecrets
from gateway.api.realtime.schema import ClientSecretAnswer
from gateway.api.realtime.translate import asked_session, configured
from gateway.engines.lifecycle import Gateway
from gateway.realtime.sessions import RealtimeSessions


class SecretMaker:
    """Makes secrets that open ``sessions`` at the routes of ``gateway``."""

    def __init__(self, gateway: Gateway, sessions: RealtimeSessions, secrets: ClientSecrets) -> None:
        self._gateway = gateway
        self._sessions = sessions
        self._secrets = secrets

    def make(self, caller: Caller, session: dict[str, Any], seconds: int) -> ClientSecretAnswer:
        """A secret of ``caller``, good for ``seconds``, and the whole configuration of what it opens.

        Raises ``InvalidRequest`` for a configuration that cannot be, ``UnknownModel``, and ``Overloaded``.
        """
        config = self._sessions.configuration(asked_session(configured(session), caller, self._gateway))
        value, secret = self._secrets.make(caller.name, session, seconds, datetime.now(UTC))
        expires_at = int(secret.expires.timestamp())
        return ClientSecretAnswer(value=value, expires_at=expires_at, session=msgspec.to_builtins(config))
