"""Counts what callers use in Valkey or Redis, for several gateways together."""

import asyncio
import logging
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from adapters.options import Secret
from gateway.access.caller import Caller
from gateway.access.limits import Limits
from gateway.access.meter import Kind, LocalMeter, Taken, amounts_of, at_once_limit
from gateway.access.settling import SCRIPT, Batch, Reply, booked
from gateway.access.standing import EVERYBODY, Standing, at_once_refusal
from gateway.access.usage import Place, Use
from gateway.access.windows import PERIODS, REQUESTS, Window, limited
from gateway.redis_client import failure_reason, redis_client, server_place

logger = logging.getLogger(__name__)

PREFIX = "speech-gateway:limits:"
"""Every key begins so: the server may be shared."""

USAGE = f"{PREFIX}usage:"

ANSWER_SECONDS = 0.5
"""How long a request waits for the server; after that it is counted here."""

SILENT_SECONDS = 5.0
"""How long no request waits for a server that did not answer; ``attend`` asks it meanwhile."""

LEASE_SECONDS = 30.0
"""How long the places of a gateway that was killed stay taken."""

MOST_BYTES = 32_000_000
"""The use of a month by a thousand keys at ten routes is less."""


class RedisMeter:
    """One script of the server counts, checks and takes, so that a request costs one round trip and is atomic.

    What this gateway counted goes there with the next request, or soon after it. ``local`` counts everything too and
    decides while the server is away; what was used meanwhile is booked when it is back. Raises ``BadOption`` for an
    address that no server can have.
    """

    def __init__(self, url: Secret, local: LocalMeter) -> None:
        self._client = redis_client(url, "usage_store", answer_seconds=ANSWER_SECONDS, most_bytes=MOST_BYTES)
        self._script = self._client.register_script(SCRIPT)
        self._local = local
        self._gateway = uuid.uuid4().hex
        self._places = 0
        self._held: dict[str, tuple[str, str]] = {}  # a place, and the keys of those who hold it
        self._next = Batch()
        self._sent: Batch | None = None  # not confirmed: the server may have settled it
        self._number = 0
        self._wake = asyncio.Event()
        self._silent_until = 0.0
        self._answers: bool | None = None

    async def take(self, caller: Caller, kind: Kind | None, requests: int = 1) -> Taken:
        """Count ``requests`` and one of ``kind`` under way, or refuse."""
        unlimited = all(limits == Limits() for _, _, limits in self._local.owners(caller))
        if unlimited or time.monotonic() < self._silent_until:
            return await self._take_here(caller, kind, requests)
        self._places += 1
        place = f"{self._gateway}:{self._places}"
        owners = [owner for _, owner, _ in self._local.owners(caller)]
        under_way = (f"{PREFIX}{kind}:{owners[0]}", f"{PREFIX}{kind}:{owners[1]}")
        if kind is not None:
            self._held[place] = under_way
        asked = {
            "counts": [f"{PREFIX}counts:{owner}" for owner in owners],
            "under_way": under_way,
            "place": place,
            "most": [at_once_limit(limits, kind) for _, _, limits in self._local.owners(caller)],
            "amount": requests,
            "requests": [
                {period: limit for quantity, period, limit in limited(limits) if quantity == "requests"}
                for _, _, limits in self._local.owners(caller)
            ],
        }
        try:
            reply = await self._settle(asked)
        except BaseException as error:
            if self._held.pop(place, None) is not None:
                self._next.leave(under_way, place)  # the server may have given it
            if not isinstance(error, Exception):
                raise
            return await self._take_here(caller, kind, requests)
        if reply.refused is None:
            self._local.count_taken(caller, kind, requests)
        return self._taken(caller, kind, place, reply)

    async def _take_here(self, caller: Caller, kind: Kind | None, requests: int) -> Taken:
        taken = await self._local.take(caller, kind, requests)
        if taken.refusal is None:
            for _, owner, _ in self._local.owners(caller):
                self._next.count(f"{PREFIX}counts:{owner}", {"requests": requests})
        return taken

    def _taken(self, caller: Caller, kind: Kind | None, place: str, reply: Reply) -> Taken:
        own, everybody = (
            _windows(limits, counts, reply.now)
            for (_, _, limits), counts in zip(self._local.owners(caller), reply.counts, strict=True)
        )
        standing = Standing(own=own, everybody=everybody)
        if reply.refused is None:
            return Taken(standing=standing, place="" if kind is None else place)
        self._held.pop(place, None)
        whose, _, limits = self._local.owners(caller)[reply.refused - 1]
        most = at_once_limit(limits, kind)
        if reply.why == "requests" or kind is None or most is None:
            return Taken(standing=standing, refusal=standing.refusal(REQUESTS))
        return Taken(standing=standing, refusal=at_once_refusal(most, kind, whose))

    def leave(self, caller: str, kind: Kind, taken: Taken) -> None:
        """What was taken has ended."""
        self._local.leave(caller, kind, taken)
        if (under_way := self._held.pop(taken.place, None)) is not None:
            self._next.leave(under_way, taken.place)
            self._wake.set()

    def charge(self, place: Place, use: Use) -> None:
        """Count what a turn used."""
        self._local.charge(place, use)
        for owner in (place.key, EVERYBODY):
            self._next.count(f"{PREFIX}counts:{owner}", amounts_of(use))
        self._next.book(place, use)
        self._wake.set()

    async def used(self) -> Mapping[Place, Use]:
        """All use that is still kept; while the server is away, what this process counted."""
        days = self._local.ledger.days(time.time())
        try:
            await self._settle(None)
            async with asyncio.timeout(ANSWER_SECONDS), self._client.pipeline() as pipeline:
                for day in days:
                    pipeline.hgetall(USAGE + day)
                answers = await pipeline.execute(raise_on_error=False)
        except Exception as error:  # noqa: BLE001  a broken server can bring the client to raise anything
            self._note(failure_reason(error))
            return await self._local.used()
        return booked((day, kept) for day, kept in zip(days, answers, strict=True) if isinstance(kept, dict))

    async def standings(self, callers: Iterable[Caller]) -> Mapping[str, tuple[Window, ...]]:
        """The limited windows of each of ``callers`` and of everybody; while the server is away, as counted here."""
        limits = {EVERYBODY: self._local.limits, **{caller.name: caller.limits for caller in callers}}
        limits = {owner: each for owner, each in limits.items() if each != Limits()}
        try:
            reply = await self._settle(None, look=[f"{PREFIX}counts:{owner}" for owner in limits])
        except Exception:  # noqa: BLE001  it is in the log
            return await self._local.standings(callers)
        found = zip(limits.items(), reply.counts, strict=True)
        return {owner: _windows(each, counts, reply.now) for (owner, each), counts in found}

    def under_way(self) -> Mapping[tuple[Kind, str], int]:
        """How many of each kind of each caller and of everybody are under way in this process."""
        return self._local.under_way()

    async def attend(self) -> None:
        """Settle what was counted, renew places, and find out whether the server can be reached."""
        while True:
            try:
                async with asyncio.timeout(LEASE_SECONDS / 3 if self._answers else SILENT_SECONDS / 2):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self._settle(None, renew=True)
            except Exception:  # noqa: BLE001  whatever it is, it is in the log and tried again
                await asyncio.sleep(SILENT_SECONDS / 5)

    async def aclose(self) -> None:
        """Settle what is left, and close the connections."""
        try:
            await self._settle(None)
        except Exception:  # noqa: BLE001  it is in the log
            logger.warning("what was used last is not booked at %s", server_place(self._client))
        await self._client.aclose()

    async def _settle(self, asked: dict[str, Any] | None, *, renew: bool = False, look: Sequence[str] = ()) -> Reply:
        """Send what was counted, and what is ``asked`` with it. Raises whatever the client raises."""
        if self._sent is None and not self._next.empty:
            self._number += 1
            self._sent, self._next = self._next, Batch()
        sent, number = self._sent, self._number
        message = {
            "gateway": f"{PREFIX}settled:{self._gateway}",
            "number": number if sent is not None else 0,
            "batch": None if sent is None else sent.message(USAGE),
            "renew": list(self._held.items()) if renew else [],
            "lease": LEASE_SECONDS,
            "keep": self._local.ledger.keep_seconds,
            "take": asked,
            "look": look,
        }
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._script(keys=[], args=[msgspec.json.encode(message)])
            reply = msgspec.json.decode(answer, type=Reply)
        except Exception as error:
            self._silent_until = time.monotonic() + SILENT_SECONDS
            self._note(failure_reason(error))
            raise
        self._silent_until = 0.0
        self._note(None)
        if self._sent is sent:
            self._sent = None
        return reply

    def _note(self, failure: str | None) -> None:
        """Log when the server stops answering as it should, and when it does again."""
        if self._answers is (failure is None):
            return
        self._answers = failure is None
        where = server_place(self._client)
        if failure is None:
            logger.info("limits and usage are counted at %s", where)
        else:
            logger.error("%s does not answer as it should (%s): limits are counted in this process", where, failure)


def _windows(limits: Limits, counts: Mapping[str, float], now: float) -> tuple[Window, ...]:
    return tuple(
        Window(
            quantity=quantity,
            period=period,
            limit=limit,
            previous=counts.get(f"{period}:{quantity}:previous", 0.0),
            current=counts.get(f"{period}:{quantity}", 0.0),
            elapsed=now % PERIODS[period],
        )
        for quantity, period, limit in limited(limits)
    )
