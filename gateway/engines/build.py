"""Builds the engines that the settings name, each once, behind bounded queues."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from adapters import registry
from adapters.contract import llm
from adapters.options import BadOption, pick
from adapters.upstream.breaker import CircuitBreaker
from gateway.engines.candidates import Candidate
from gateway.engines.fallback import Choice, FallbackModel
from gateway.engines.fallback_recogniser import FallbackRecogniser
from gateway.engines.fallback_voice import FallbackSynthesiser
from gateway.engines.lifecycle import Gateway
from gateway.engines.queue import QueuedEngine
from gateway.engines.route import Engines, ServedRoute
from gateway.engines.speech_cache import CachedSynthesiser, MemorySpeechStore, SpeechStore
from gateway.settings.composition import choices, descriptions
from gateway.settings.model import ENGINE_KEYS, NONE, OPTIONAL_STAGES, GatewaySettings, Loaded, Route

MEGABYTE = 1_000_000


def build(loaded: Loaded) -> Gateway:
    """Construct the gateway that the settings describe, without I/O. Raises ``BadOption``.

    Routes that use an engine with the same options share it.
    """
    built: list[tuple[registry.Stage, str, msgspec.Struct, Any]] = []
    circuits: dict[Any, CircuitBreaker] = {}
    cache = _speech_store(loaded.settings)

    def engine_of(stage: registry.Stage, route: Route) -> Any:
        name = getattr(route.settings, ENGINE_KEYS[stage])
        return None if stage in OPTIONAL_STAGES and name == NONE else engine_named(stage, name, route)

    def engine_named(stage: registry.Stage, name: str, route: Route) -> Any:
        options = pick(route.settings, registry.options_class(stage, name))
        for *known, engine in built:
            if known == [stage, name, options]:
                return engine
        engine = registry.build(stage, name, route.settings)
        if stage != "vad" and engine.info.max_parallel is not None:
            engine = QueuedEngine(name, engine, loaded.settings.max_queue)
        if stage == "tts" and cache is not None:
            engine = CachedSynthesiser(f"{name} {options!r}", engine, cache)  # no secret is in the repr
        built.append((stage, name, options, engine))
        return engine

    def candidates_of(stage: registry.Stage, route: Route, fallbacks: tuple[str, ...]) -> list[Candidate[Any]]:
        names = (getattr(route.settings, ENGINE_KEYS[stage]), *fallbacks)
        _check_fallbacks(stage, names)
        candidates = [(name, engine_named(stage, name, route)) for name in names]
        return [
            Candidate(name=name, engine=engine, circuit=circuits.setdefault(engine, CircuitBreaker()))
            for name, engine in candidates
        ]

    def recogniser_of(route: Route) -> Any:
        fallbacks = route.settings.stt_fallbacks
        return FallbackRecogniser(candidates_of("stt", route, fallbacks)) if fallbacks else engine_of("stt", route)

    def synthesiser_of(route: Route) -> Any:
        fallbacks = route.settings.tts_fallbacks
        return FallbackSynthesiser(candidates_of("tts", route, fallbacks)) if fallbacks else engine_of("tts", route)

    models = {route.name: engine_of("llm", route) for route in loaded.routes}
    routes = []
    for route in loaded.routes:
        engines = Engines(
            stt=recogniser_of(route),
            llm=_with_fallbacks(route, loaded.routes, models),
            tts=synthesiser_of(route),
            vad=engine_of("vad", route),
        )
        _check_hearing(route.settings, engines)
        routes.append(ServedRoute(route=route, engines=engines))
    return Gateway(loaded.settings, routes, cache)


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
