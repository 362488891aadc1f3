"""A language model behind several servers: new conversations are shared out by weight and load, each then stays."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar, cast

import msgspec

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError
from adapters.contract.passthrough import PassEvent, PassRequest, Passthrough, WireProtocol, protocol_of
from gateway.engines.affinity import Affinity, Opening, opening_of, rank
from gateway.engines.candidates import Candidate, Candidates, note_failure
from gateway.engines.fallback import Answering, first_answer

EventT = TypeVar("EventT")


class Upstream(Candidate[llm.LanguageModel], frozen=True, kw_only=True):
    """One server of a ``route``: its share of new conversations is its ``weight``, its requests are for ``model``."""

    route: str
    model: str
    weight: float

    def answering(self, started: Started) -> Answering:
        """``started``, as this server's."""
        return Answering(ignored=started.ignored, route=self.route, upstream=self.name)


class BalancedModel:
    """Asks one of its upstreams, the others when that one cannot answer.

    A conversation that has begun stays with its upstream as long as that works. A new one goes where its share by
    weight is, but not to an upstream that has its share of the running requests already: with equal weights, to the
    one with the fewest.
    """

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        self.candidates = Candidates(upstreams)
        self.pending: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self._affinity = Affinity()

    @property
    def upstreams(self) -> tuple[Upstream, ...]:
        """All of them."""
        return cast(tuple[Upstream, ...], tuple(self.candidates))

    @property
    def info(self) -> llm.Info:
        """What the first can take."""
        return self.candidates.first.engine.info

    @property
    def alternatives(self) -> tuple[llm.LanguageModel, ...]:
        """The engines of all of them."""
        return self.candidates.engines

    @property
    def failure(self) -> str | None:
        """Why none can answer any more."""
        return self.candidates.failure

    @property
    def protocol(self) -> WireProtocol | None:
        """The protocol of their servers, if they have one in common."""
        protocols = {protocol_of(engine) for engine in self.alternatives}
        return protocols.pop() if len(protocols) == 1 else None

    async def stream(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        """One answer, of the first upstream that gives any; its ``Started`` is an ``Answering``.

        When none answers, raises the first one's error.
        """
        opening = opening_of(request)

        def ask(upstream: Upstream) -> AsyncGenerator[llm.Event, None]:
            asked = upstream.engine.stream(msgspec.structs.replace(request, model=upstream.model))
            return self._counted(upstream, opening, asked)

        async with aclosing(first_answer(self._order(opening), ask, self._failed)) as events:
            async for event in events:
                yield event

    async def forward(self, request: PassRequest) -> AsyncGenerator[PassEvent, None]:
        """The same for a request that is passed on."""
        opening = opening_of(request)

        def ask(upstream: Upstream) -> AsyncGenerator[PassEvent, None]:
            asked = cast(Passthrough, upstream.engine).forward(msgspec.structs.replace(request, model=upstream.model))
            return self._counted(upstream, opening, asked)

        async with aclosing(first_answer(self._order(opening), ask, self._failed)) as events:
            async for event in events:
                yield event

    def _order(self, opening: Opening) -> list[Upstream]:
        """Whom to ask, one after the other.

        An upstream that failed often is passed over, unless all did; from time to time a request tries it again, one
        of a conversation that has no other upstream yet.
        """
        closed = [upstream for upstream in self.upstreams if not upstream.circuit.is_open]
        order = self._preferred(closed or list(self.upstreams), opening)
        known = self._affinity.server(opening)
        stays = next((upstream for upstream in order if upstream.name == known), None)
        if stays is None and closed:
            now = asyncio.get_running_loop().time()
            failed = [upstream for upstream in self.upstreams if upstream.circuit.is_open]
            stays = next((upstream for upstream in failed if not upstream.circuit.wait(now)), None)
        return order if stays is None else [stays, *(upstream for upstream in order if upstream is not stays)]

    def _preferred(self, upstreams: list[Upstream], opening: Opening) -> list[Upstream]:
        """Those below their share of the running requests first; of several, the one that the opening is for."""
        requests = 1 + sum(self.pending[upstream.name] for upstream in upstreams)
        weights = sum(upstream.weight for upstream in upstreams)

        def order(upstream: Upstream) -> tuple[bool, float]:
            share = math.ceil(requests * upstream.weight / weights)
            return self.pending[upstream.name] >= share, -rank(opening.key, upstream.name, upstream.weight)

        return sorted(upstreams, key=order)

    async def _counted(
        self, upstream: Upstream, opening: Opening, asked: AsyncGenerator[EventT, None]
    ) -> AsyncGenerator[EventT, None]:
        """The events of ``upstream``, which is remembered for the conversation once it has begun to answer."""
        begun = False
        self.requests[upstream.name] += 1
        self.pending[upstream.name] += 1
        try:
            async with aclosing(asked) as events:
                async for event in events:
                    if not begun and not isinstance(event, Started):
                        begun = True
                        upstream.circuit.succeeded()
                        self._affinity.remember(opening, upstream.name)
                    yield event
        finally:
            self.pending[upstream.name] -= 1

    def _failed(self, upstream: Upstream, error: AdapterError) -> None:
        self.failures[upstream.name] += 1
        note_failure(upstream, error)

    async def warm_up(self) -> None:
        """The engines are warmed up one by one: other routes may share them."""

    async def aclose(self) -> None:
        """The engines are closed one by one: other routes may share them."""
