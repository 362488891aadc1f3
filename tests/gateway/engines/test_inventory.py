"""The engines of all routes are told of once, each with what its wrappers and its server's client know."""

from adapters import scripted
from adapters.contract import llm
from adapters.contract.checks import read
from adapters.contract.engine import UpstreamState
from adapters.upstream.breaker import CircuitBreaker
from gateway.engines.balanced import BalancedModel, Upstream
from gateway.engines.candidates import Candidate
from gateway.engines.fallback_voice import FallbackSynthesiser
from gateway.engines.inventory import engine_statuses
from gateway.engines.queue import QueuedEngine, QueueLimits
from gateway.engines.speech_cache import CachedSynthesiser, MemorySpeechStore
from gateway.telemetry.engine_metrics import EngineStatus
from tests.support.server import gateway_with_routes, scripted_engines


class Remote(scripted.Scripted[llm.Request, llm.Event, llm.Info]):
    """A model behind a server."""

    @property
    def upstream_state(self) -> UpstreamState:
        return UpstreamState(retries=7, circuits_open=2)


def opened() -> CircuitBreaker:
    """The circuit of an engine that failed repeatedly."""
    circuit = CircuitBreaker()
    while not circuit.failed(0.0):
        pass
    return circuit


def test_what_wrappers_know_is_found_in_all_of_them() -> None:
    voice = scripted.synthesiser()
    voice.info = voice.info.__class__(sample_rate=24_000, voices=("hum",), default_voice="hum", max_parallel=3)
    queue = QueuedEngine("one", voice, QueueLimits(length=0, seconds=1.0))
    queue.coming = 2
    cached = CachedSynthesiser("one", queue, MemorySpeechStore(1000))
    cached.hits, cached.misses = 4, 3
    spoken = FallbackSynthesiser(
        [
            Candidate(name="one", engine=cached, circuit=opened()),
            Candidate(name="two", engine=scripted.synthesiser(), circuit=CircuitBreaker()),
        ]
    )
    model = Remote(llm.Info(), scripted.answering("Hello."))
    engines = scripted_engines(stt=None, llm=model, tts=spoken)
    gateway = gateway_with_routes(engines, [("first", ()), ("second", ())])
    assert list(engine_statuses(gateway.routes)) == [
        EngineStatus(stage="llm", engine="echo", route="first", retries=7, circuits_open=2),
        EngineStatus(
            stage="tts",
            engine="one",
            route="first",
            places=3,
            running=0,
            waiting=0,
            coming=2,
            refused=0,
            cache_hits=4,
            cache_misses=3,
            circuits_open=1,
        ),
        EngineStatus(stage="tts", engine="two", route="first", circuits_open=0),
    ]


async def test_upstreams_of_a_route_are_told_of_one_by_one() -> None:
    engine = Remote(llm.Info(), scripted.answering("Hello."))
    model = BalancedModel(
        [
            Upstream(name=name, engine=engine, circuit=circuit, route="voice", model=name, weight=1.0)
            for name, circuit in (("a", CircuitBreaker()), ("b", opened()))
        ]
    )
    await read(model.stream(llm.Request(model="", messages=())))
    gateway = gateway_with_routes(scripted_engines(stt=None, llm=model), [("voice", ()), ("second", ())])
    found = [status for status in engine_statuses(gateway.routes[:1]) if status.stage == "llm"]
    assert [(status.upstream, status.requests, status.pending, status.failures) for status in found] == [
        ("a", 0, 0, 0),
        ("b", 1, 0, 0),  # its circuit was to be tried again
    ]
    assert [status.circuits_open for status in found] == [2, 2]
