"""Builds the engines that the settings name, each once, behind bounded queues; warms them up and closes them."""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Literal

import msgspec

from adapters import registry
from adapters.contract import tts
from adapters.contract.engine import HealthReporting, Preflight
from adapters.contract.errors import AdapterError, Unavailable, UnknownModel, UpstreamError
from adapters.options import BadOption, pick
from gateway.fallback import Choice, FallingBack
from gateway.pipeline.stages import Engines
from gateway.pipeline.voices import known_voice
from gateway.queued import RETRY_SECONDS, Queued
from gateway.settings.composition import descriptions
from gateway.settings.model import ENGINE_KEYS, NONE, OPTIONAL_STAGES, GatewaySettings, Loaded, Route
from gateway.text import pronunciations
from gateway.text.speakable import Reading, Speakable

NAMED_WORDS = 10
"""The most words of a dictionary that a line of the log names."""

log = logging.getLogger(__name__)

State = Literal["loading", "ready", "failed"]


class ServedRoute(msgspec.Struct, kw_only=True):
    """A model that clients can name, the engines that serve it, and whether it can answer."""

    route: Route
    engines: Engines
    state: State = "loading"
    failure: str | None = None
    """Why it could not be loaded."""

    @property
    def down(self) -> str | None:
        """Why it cannot answer any more although it was loaded; a model with others behind it always can."""
        engines: tuple[object, ...] = (self.engines.stt, self.engines.llm, self.engines.tts)
        return next((each.failure for each in engines if isinstance(each, HealthReporting) and each.failure), None)

    @property
    def current(self) -> State:
        """The state as it is now: a route whose engine broke down has failed."""
        return "failed" if self.state == "ready" and self.down else self.state


def build(loaded: Loaded) -> "Gateway":
    """Construct the gateway that the settings describe, without I/O. Raises ``BadOption``.

    Routes that use an engine with the same options share it.
    """
    built: list[tuple[registry.Stage, str, msgspec.Struct, Any]] = []

    def engine_of(stage: registry.Stage, route: Route) -> Any:
        name = getattr(route.settings, ENGINE_KEYS[stage])
        if stage in OPTIONAL_STAGES and name == NONE:
            return None
        options = pick(route.settings, registry.options_class(stage, name))
        for *known, engine in built:
            if known == [stage, name, options]:
                return engine
        engine = registry.build(stage, name, route.settings)
        if stage != "vad" and engine.info.max_parallel is not None:
            engine = Queued(name, engine, loaded.settings.max_queue)
        built.append((stage, name, options, engine))
        return engine

    routes = {
        route.name: ServedRoute(
            route=route, engines=Engines(**{stage: engine_of(stage, route) for stage in registry.STAGES})
        )
        for route in loaded.routes
    }
    for served in routes.values():
        _check_hearing(served)
    return Gateway(loaded.settings, [_with_fallbacks(served, routes) for served in routes.values()])


def _check_hearing(served: ServedRoute) -> None:
    settings, engines = served.route.settings, served.engines
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


def _with_fallbacks(served: ServedRoute, routes: Mapping[str, ServedRoute]) -> ServedRoute:
    """The route with its ``fallbacks`` behind its own language model."""
    names = served.route.settings.fallbacks
    for name in names:
        if name not in routes or name == served.route.name:
            others = ", ".join(other for other in routes if other != served.route.name) or "none"
            raise BadOption(f"The fallback {name!r} of {served.route.name!r} is no other route; there are: {others}.")
    if not names:
        return served
    choices = [
        Choice(route=chosen.route.name, model=chosen.route.settings.model_name or "", engine=chosen.engines.llm)
        for chosen in (served, *(routes[name] for name in names))
    ]
    engines = msgspec.structs.replace(served.engines, llm=FallingBack(choices))
    return ServedRoute(route=served.route, engines=engines)


class Gateway:
    """All routes and their engines, from warm-up to close."""

    def __init__(self, settings: GatewaySettings, routes: Sequence[ServedRoute]) -> None:
        self.settings = settings
        self.routes = tuple(routes)
        self.started = int(time.time())

    @property
    def state(self) -> State:
        """Ready when every route has loaded or failed and at least one can answer."""
        states = {served.current for served in self.routes}
        if "loading" in states:
            return "loading"
        return "ready" if "ready" in states else "failed"

    def admit(self, model: str | None) -> ServedRoute:
        """The route that answers to ``model``, the first one when none is named.

        Raises ``UnknownModel``, ``Unavailable`` while its engines load or when one broke down later, and
        ``UpstreamError`` when they could not be loaded.
        """
        found = self._find(model)
        if found.state == "failed":
            raise UpstreamError(f"The model `{found.route.name}` cannot be served; the gateway's log says why.")
        if found.state == "loading":
            raise Unavailable(f"The model `{found.route.name}` is still loading.", retry_after=RETRY_SECONDS)
        if found.down:
            raise Unavailable(f"The model `{found.route.name}` cannot answer any more: {found.down}")
        return found

    def _find(self, model: str | None) -> ServedRoute:
        for served in self.routes:
            if model is None or model == served.route.name or model in served.route.aliases:
                return served
        for served in self.routes:
            if "*" in served.route.aliases:
                return served
        raise UnknownModel(f"The model `{model}` does not exist or you do not have access to it.")

    def preflight(self) -> None:
        """Ask every engine whether it can be loaded, before anything binds. Raises ``BadOption``."""
        for engine in (*self._engines(), *(served.engines.vad for served in self.routes)):
            if isinstance(engine, Preflight):
                engine.preflight()

    def _engines(self) -> list[Any]:
        """Every engine that has a lifetime, once."""
        engines = [engine for served in self.routes for engine in _living(served)]
        return list({id(engine): engine for engine in engines}.values())

    async def warm_up(self) -> None:
        """Load every engine, once; each route is ready, or has a ``failure``, as soon as its own have.

        One whose own model could not be loaded and that has fallbacks comes last, when it is known of all engines
        whether they can answer.
        """
        failures: dict[int, str | None] = {}
        late = []
        for served in self.routes:
            for engine in _living(served):
                if id(engine) not in failures:
                    failures[id(engine)] = await _load(engine)
            model = served.engines.llm
            if isinstance(model, FallingBack) and failures[id(model.first)]:
                late.append(served)
            else:
                _settle(served, failures)
        for served in late:
            _settle(served, failures)

    async def aclose(self) -> None:
        """Close every engine, also when one of them fails to."""
        async with AsyncExitStack() as stack:
            for engine in self._engines():
                stack.push_async_callback(engine.aclose)


def _living(served: ServedRoute) -> list[Any]:
    """The engines of a route that have a lifetime; a fallback is none, it stands before one."""
    engines = served.engines
    model = engines.llm.first if isinstance(engines.llm, FallingBack) else engines.llm
    return [engine for engine in (engines.stt, model, engines.tts) if engine is not None]


def _settle(served: ServedRoute, failures: Mapping[int, str | None]) -> None:
    """Say whether the route can answer; ``failures`` has every engine that was loaded, by its ``id``."""
    why = next((failures[id(engine)] for engine in _needed(served, failures) if failures[id(engine)]), None)
    why = why or _refusal(served)
    if why is None:
        _prepare_speech(served)
    served.failure = why
    served.state = "failed" if why else "ready"


def _needed(served: ServedRoute, failures: Mapping[int, str | None]) -> list[Any]:
    """The engines without which the route cannot answer: its own model is not one when others can stand in for it."""
    model = served.engines.llm
    if not isinstance(model, FallingBack) or not (why := failures[id(model.first)]):
        return _living(served)
    if not model.leave_out(lambda engine: bool(failures.get(id(engine)))):
        return _living(served)
    log.error("the model of %s could not be loaded, its fallbacks answer: %s", served.route.name, why)
    return [engine for engine in _living(served) if engine is not model.first]


async def _load(engine: Any) -> str | None:
    """Warm the engine up; why it could not, if so."""
    try:
        await engine.warm_up()
    except AdapterError as error:
        return error.message
    except Exception as error:  # noqa: BLE001  whatever it is, the other routes are served
        return f"an engine failed to load unexpectedly ({type(error).__name__})"
    return None


def _prepare_speech(served: ServedRoute) -> None:
    """Load how the route's answers are read, and say which words of its dictionary the engine cannot take."""
    settings, info = served.route.settings, served.engines.tts.info
    Speakable(Reading(pronunciations=settings.pronunciations), settings.language or "en", info)
    if words := pronunciations.left_out(settings.pronunciations, info):
        named = ", ".join(words[:NAMED_WORDS]) + (" and more" if len(words) > NAMED_WORDS else "")
        log.warning("--tts %s takes no phonemes; without their pronunciations: %s.", settings.tts, named)


def _refusal(served: ServedRoute) -> str | None:
    """Why the route's own voice, speed or language cannot be spoken or heard: no request could mend that."""
    settings, engine, recogniser = served.route.settings, served.engines.tts, served.engines.stt
    known = recogniser.info.languages if recogniser is not None else None
    if settings.language is not None and known is not None and settings.language not in known:
        return f"--stt {settings.stt} does not understand --language {settings.language!r}, only {', '.join(known)}."
    try:
        voice = known_voice(engine.info, settings.voice)
        engine.check(tts.Request(text="", voice=voice, speed=settings.speed, language=settings.language))
    except AdapterError as error:
        return error.message
    return None
