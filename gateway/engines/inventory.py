"""What every engine does now: its queue, its circuits, its cache, for those who watch the gateway."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from adapters.contract.engine import UpstreamReporting
from adapters.upstream.breaker import CircuitBreaker
from gateway.engines.balanced import BalancedModel
from gateway.engines.fallback import FallbackModel
from gateway.engines.fallback_recogniser import FallbackRecogniser
from gateway.engines.fallback_voice import FallbackSynthesiser
from gateway.engines.queue import QueuedEngine, alternatives_of
from gateway.engines.route import STAGES, ServedRoute, Stage
from gateway.engines.speech_cache import CachedSynthesiser
from gateway.telemetry.engine_metrics import EngineStatus


def engine_statuses(routes: Iterable[ServedRoute]) -> Iterator[EngineStatus]:
    """The status of every engine of ``routes``, once; the fallbacks of a model are those of their own routes."""
    seen = set()
    for served in routes:
        for stage in STAGES:
            chosen = getattr(served.engines, stage)
            own = chosen.first if isinstance(chosen, FallbackModel) else chosen
            if isinstance(own, BalancedModel):
                yield from _upstream_statuses(served, own)
                continue
            for name, engine, circuit in _engines(served, stage, own):
                if id(engine) not in seen:
                    seen.add(id(engine))
                    yield _status(EngineStatus(stage=stage, engine=name, route=served.name), engine, circuit)


def _upstream_statuses(served: ServedRoute, model: BalancedModel) -> Iterator[EngineStatus]:
    for upstream in model.upstreams:
        status = EngineStatus(
            stage="llm",
            engine=served.engine_names("llm")[0],
            route=served.name,
            upstream=upstream.name,
            pending=model.pending[upstream.name],
            requests=model.requests[upstream.name],
            failures=model.failures[upstream.name],
        )
        yield _status(status, upstream.engine, upstream.circuit)


def _engines(served: ServedRoute, stage: Stage, engine: Any) -> Iterator[tuple[str, Any, CircuitBreaker | None]]:
    """The route's own engines of a stage by name, with the circuit of those that have a fallback."""
    if isinstance(engine, FallbackRecogniser | FallbackSynthesiser):
        for candidate in engine.candidates:
            yield candidate.name, candidate.engine, candidate.circuit
    elif engine is not None:
        yield served.engine_names(stage)[0], engine, None


def _status(status: EngineStatus, engine: Any, circuit: CircuitBreaker | None) -> EngineStatus:
    """``status`` with what ``engine``, and what is in it, say."""
    found: dict[str, int] = {} if circuit is None else {"circuits_open": int(circuit.is_open)}
    while engine is not None:
        if isinstance(engine, CachedSynthesiser):
            found |= {"cache_hits": engine.hits, "cache_misses": engine.misses}
        elif isinstance(engine, QueuedEngine):
            queue = engine.state
            found |= {"places": queue.capacity, "running": queue.running, "refused": queue.refused}
            found |= {"waiting": queue.waiting, "coming": queue.coming}
        elif isinstance(engine, UpstreamReporting):
            state = engine.upstream_state
            found |= {"retries": state.retries, "circuits_open": found.get("circuits_open", 0) + state.circuits_open}
        engine = next(iter(alternatives_of(engine)), None)
    return msgspec.structs.replace(status, **found)
