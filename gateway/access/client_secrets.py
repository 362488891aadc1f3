"""Short-lived keys for browsers and phones: each opens sessions of one configuration, for the key that made it."""

import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec

from adapters.contract.errors import Overloaded
from gateway.access.keys import digest_of
from gateway.siblings import ALONE, Siblings

PREFIX = "ek_"
"""How OpenAI's begin."""

MOST_PER_CALLER = 1_000
"""Secrets of one caller that are good at once."""

MOST_BYTES = 32_000_000
"""Of all configurations together, as JSON."""

RANDOM_BYTES = 32


class ClientSecret(msgspec.Struct, frozen=True, kw_only=True):
    """What a secret opens: a session that begins as ``session`` says, for the caller named ``caller``."""

    caller: str
    session: dict[str, Any]
    expires: datetime


class ClientSecrets:
    """The secrets of this process and of its ``siblings``, the other workers; only their hashes are kept."""

    def __init__(self, siblings: Siblings = ALONE) -> None:
        self._siblings = siblings
        self._kept: dict[bytes, tuple[ClientSecret, int]] = {}

    def make(self, caller: str, session: dict[str, Any], seconds: int, now: datetime) -> tuple[str, ClientSecret]:
        """A new secret, good for ``seconds`` from ``now`` on.

        Raises ``Overloaded`` when there are as many as there may be.
        """
        self._kept = {digest: kept for digest, kept in self._kept.items() if kept[0].expires > now}
        size = len(msgspec.json.encode(session))
        if sum(kept.caller == caller for kept, _ in self._kept.values()) >= MOST_PER_CALLER:
            raise Overloaded(
                f"There are {MOST_PER_CALLER} client secrets of this API key already; give them a shorter time.",
                retry_after=60.0,
            )
        if sum(kept for _, kept in self._kept.values()) + size > MOST_BYTES:
            raise Overloaded("There are too many client secrets already; try again later.", retry_after=60.0)
        value = f"{PREFIX}{secrets.token_urlsafe(RANDOM_BYTES)}"
        secret = ClientSecret(caller=caller, session=session, expires=now + timedelta(seconds=seconds))
        self._kept[digest_of(value)] = secret, size
        return value, secret

    async def find(self, shown: str | None, now: datetime) -> ClientSecret | None:
        """What the secret ``shown`` opens; ``None`` for what is none, or none any more.

        Raises ``Unavailable`` when another worker, which may know it, does not answer.
        """
        if shown is None or not shown.startswith(PREFIX):
            return None
        digest = digest_of(shown).hex()
        secret = self._own(digest)
        if secret is None:
            told = next(filter(None, await self._siblings.ask("client_secret", digest)), None)
            secret = None if told is None else msgspec.json.decode(told, type=ClientSecret)
        return secret if secret is not None and secret.expires > now else None

    def told(self, digest: str) -> bytes:
        """The secret of this process with this hash, in hexadecimal, for another worker; empty if there is none."""
        secret = self._own(digest)
        return b"" if secret is None else msgspec.json.encode(secret)

    def _own(self, digest: str) -> ClientSecret | None:
        secret, _ = self._kept.get(bytes.fromhex(digest), (None, 0))
        return secret
