"""Builds the engines that the settings name, each once, behind bounded queues."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from adapters import registry
from adapters.contract import llm
from adapters.options import BadOption, pick
from adapters.upstream.breaker import CircuitBreaker
from gateway.engines.automatic import AutomaticEngine, Contestant, Trial
from gateway.engines.automatic_detector import AutomaticDetector
from gateway.engines.balanced import BalancedModel, Upstream
from gateway.engines.candidates import Candidate
from gateway.engines.fallback import Choice, FallbackModel
from gateway.engines.fallback_recogniser import FallbackRecogniser
from gateway.engines.fallback_voice import FallbackSynthesiser
from gateway.engines.guards import ActiveGuard, Guards, build_guard, guards_by_route
from gateway.engines.lifecycle import Gateway
from gateway.engines.queue import QueuedEngine, QueueLimits
from gateway.engines.route import Engines, ServedRoute
from gateway.engines.speech_cache import CachedSynthesiser, MemorySpeechStore, SpeechStore
from gateway.engines.trials import hearing_trial, speaking_trial
from gateway.settings.composition import automatic, choices, descriptions, embedded_engine
from gateway.settings.guard_table import GuardTable
from gateway.settings.model import AUTO, ENGINE_KEYS, NONE, OPTIONAL_STAGES, GatewaySettings, Loaded, Route

MEGABYTE = 1_000_000


def build(loaded: Loaded) -> Gateway:
    """Construct the gateway that the settings describe, without I/O. Raises ``BadOption``."""
    builder = RouteBuilder(loaded.settings)
    return Gateway(loaded.settings, builder.routes(loaded), builder.cache)


class RouteBuilder:
    """Builds routes, each engine and guard once for all that want it alike, also when others were built before."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.cache = _speech_store(settings)
        self._settings = settings
        self._built: list[tuple[Any, Any]] = []
        self._circuits: dict[Any, CircuitBreaker] = {}

    def routes(self, loaded: Loaded) -> list[ServedRoute]:
        """The routes that the settings describe, without I/O. Raises ``BadOption``."""
        models = {route.name: self._language_model(route) for route in loaded.routes}
        guards = guards_by_route(loaded.guards, list(models), self._guard)
        routes = []
        for route in loaded.routes:
            engines = Engines(
                stt=self._recogniser(route),
                llm=_with_fallbacks(route, loaded.routes, models),
                tts=self._synthesiser(route),
                vad=self._engine("vad", route.settings),
            )
            _check_hearing(route.settings, engines)
            _check_guards(route.name, engines, guards[route.name])
            routes.append(ServedRoute(route=route, engines=engines, guards=guards[route.name]))
        return routes

    def keep(self, used: Collection[Any]) -> None:
        """Build all but the engines and guards in ``used`` anew when they are wanted again."""
        self._built = [(wanted, built) for wanted, built in self._built if built in used]
        self._circuits = {engine: circuit for engine, circuit in self._circuits.items() if engine in used}

    def _engine(self, stage: registry.Stage, settings: GatewaySettings) -> Any:
        """The engine that ``settings`` name for a stage; ``None`` for a stage that they leave out."""
        name = getattr(settings, ENGINE_KEYS[stage])
        return None if stage in OPTIONAL_STAGES and name == NONE else self._named(stage, name, settings)

    def _language_model(self, route: Route) -> Any:
        """The language model of ``route``, at all its upstreams."""
        if not route.upstreams:
            return self._engine("llm", route.settings)
        return BalancedModel(
            [
                Upstream(
                    name=upstream.name,
                    engine=self._engine("llm", upstream.settings),
                    circuit=CircuitBreaker(),
                    route=route.name,
                    model=upstream.settings.model_name or "",
                    weight=upstream.weight,
                )
                for upstream in route.upstreams
            ]
        )

    def _recogniser(self, route: Route) -> Any:
        """The recogniser of ``route``, with its fallbacks."""
        names = route.settings.stt_fallbacks
        return (
            FallbackRecogniser(self._candidates("stt", route, names)) if names else self._engine("stt", route.settings)
        )

    def _synthesiser(self, route: Route) -> Any:
        """The synthesiser of ``route``, with its fallbacks."""
        names = route.settings.tts_fallbacks
        return (
            FallbackSynthesiser(self._candidates("tts", route, names)) if names else self._engine("tts", route.settings)
        )

    def _candidates(self, stage: registry.Stage, route: Route, fallbacks: tuple[str, ...]) -> list[Candidate[Any]]:
        names = (getattr(route.settings, ENGINE_KEYS[stage]), *fallbacks)
        _check_fallbacks(stage, names)
        engines = [self._named(stage, name, route.settings) for name in names]
        circuits = [self._circuits.setdefault(engine, CircuitBreaker()) for engine in engines]
        return [
            Candidate(name=name, engine=engine, circuit=circuit)
            for name, engine, circuit in zip(names, engines, circuits, strict=True)
        ]

    def _named(self, stage: registry.Stage, name: str, settings: GatewaySettings) -> Any:
        names = automatic(stage) if name == AUTO else (name,)
        wanted = (stage, name, [pick(settings, registry.options_class(stage, one)) for one in names])
        make = self._automatic if name == AUTO else self._new
        return self._once(wanted, lambda: make(stage, name, settings))

    def _guard(self, table: GuardTable) -> ActiveGuard:
        guard: ActiveGuard = self._once(table, lambda: build_guard(table))
        return guard

    def _once(self, wanted: Any, make: Callable[[], Any]) -> Any:
        for known, built in self._built:
            if known == wanted:
                return built
        built = make()
        self._built.append((wanted, built))
        return built

    def _automatic(self, stage: registry.Stage, _name: str, settings: GatewaySettings) -> Any:
        """One of several engines, which are its own: those that are not taken are closed."""
        contestants = [Contestant(name=name, engine=self._new(stage, name, settings)) for name in automatic(stage)]
        if stage == "vad":
            return AutomaticDetector(stage, contestants)
        return AutomaticEngine(stage, contestants, _trial(stage, settings))

    def _new(self, stage: registry.Stage, name: str, settings: GatewaySettings) -> Any:
        engine = registry.build(stage, name, settings)
        if stage != "vad" and engine.info.max_parallel is not None:
            limits = QueueLimits(length=self._settings.max_queue, seconds=self._settings.max_queue_seconds)
            engine = QueuedEngine(name, engine, limits)
        if stage == "tts" and self.cache is not None:
            options = pick(settings, registry.options_class(stage, name))
            engine = CachedSynthesiser(f"{name} {options!r}", engine, self.cache)  # no secret is in the repr
        return engine


def _trial(stage: registry.Stage, settings: GatewaySettings) -> Trial:
    if stage == "tts":
        return speaking_trial(settings)
    embedded = embedded_engine("tts")
    return hearing_trial(settings, None if embedded is None else registry.build("tts", embedded, settings))


def _speech_store(settings: GatewaySettings) -> SpeechStore | None:
    """Where synthesised speech is kept, if it is. Raises ``BadOption``."""
    if settings.speech_cache_store is not None:
        from gateway.engines.redis_speech_store import RedisSpeechStore  # noqa: PLC0415 - imported when it is used

        return RedisSpeechStore(settings.speech_cache_store, ttl_seconds=settings.speech_cache_ttl_seconds)
    return MemorySpeechStore(round(settings.speech_cache_mb * MEGABYTE)) if settings.speech_cache_mb else None


def _check_fallbacks(stage: registry.Stage, names: tuple[str, ...]) -> None:
    """Raise ``BadOption`` unless ``names``, the first engine and its fallbacks, are different engines of the stage."""
    usable = [name for name in choices(stage) if name != NONE]
    for index, name in enumerate(names):
        if name not in usable or name in names[:index]:
            others = ", ".join(other for other in usable if other not in names)
            raise BadOption(
                f"--{stage}_fallbacks {name!r} is no other engine of --{stage}; there are: {others or NONE}."
            )


def _check_hearing(settings: GatewaySettings, engines: Engines) -> None:
    if engines.stt is None and not engines.llm.info.audio:
        listening = [name for name, described in descriptions("llm").items() if described.takes_audio]
        raise BadOption(
            f"--stt none needs a model that takes audio, and --llm_backend {settings.llm_backend} takes none; "
            f"choose {' or '.join(listening) or 'another one'}, or a recogniser with --stt."
        )
    if engines.vad is not None and engines.vad.sample_rate != engines.hearing_rate:
        raise BadOption(
            f"--vad {settings.vad} listens at {engines.vad.sample_rate} Hz, --stt {settings.stt} at "
            f"{engines.hearing_rate} Hz; choose two that agree."
        )


def _check_guards(name: str, engines: Engines, guards: Guards) -> None:
    if engines.stt is None and guards.transcript:
        raise BadOption(
            f"The guard {guards.transcript[0].rules.name!r} judges transcripts, and the model of {name!r} listens "
            "itself (--stt none): choose a recogniser, or leave that route out of its 'routes'."
        )


def _with_fallbacks(
    route: Route, routes: Iterable[Route], models: Mapping[str, llm.LanguageModel]
) -> llm.LanguageModel:
    """The route's own language model, with those of its ``fallbacks`` behind it. Raises ``BadOption``."""
    others = {other.name: other for other in routes if other.name != route.name}
    for name in route.settings.fallbacks:
        if name not in others:
            raise BadOption(
                f"The fallback {name!r} of {route.name!r} is no other route; there are: {', '.join(others) or 'none'}."
            )
    if not route.settings.fallbacks:
        return models[route.name]
    chosen = (route, *(others[name] for name in route.settings.fallbacks))
    return FallbackModel(
        [Choice(route=each.name, model=each.settings.model_name or "", engine=models[each.name]) for each in chosen]
    )
