"""All routes and their engines, from warm-up to close."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Literal

from adapters.contract import tts
from adapters.contract.engine import Preflight
from adapters.contract.errors import AdapterError, UnknownModel
from adapters.options import BadOption
from gateway.access.caller import Caller
from gateway.engines.automatic import AutomaticEngine
from gateway.engines.automatic_detector import AutomaticDetector
from gateway.engines.balanced import BalancedModel
from gateway.engines.fallback import FallbackModel
from gateway.engines.fallback_recogniser import FallbackRecogniser
from gateway.engines.fallback_voice import FallbackSynthesiser
from gateway.engines.guards import ActiveGuard
from gateway.engines.openai_models import is_openai_model
from gateway.engines.queue import QueuedEngine, QueueState, queues_of
from gateway.engines.route import STAGES, ServedRoute, Stage, State
from gateway.engines.speech_cache import SpeechStore
from gateway.engines.voices import known_voice, voices_by_language
from gateway.settings.model import ENGINE_KEYS, GatewaySettings
from gateway.text.normalization import pronunciations
from gateway.text.normalization.normalizer import Normalizer, ReadingOptions

NAMED_WORDS = 10
"""The most words of a dictionary that a line of the log names."""

logger = logging.getLogger(__name__)

LoadFailures = Mapping[Any, str | None]
"""Of every engine that was loaded: why that failed, or ``None``."""


class Gateway:
    """All routes; engines that several routes share are loaded and closed once, ``speech_store`` after them."""

    def __init__(
        self, settings: GatewaySettings, routes: Sequence[ServedRoute], speech_store: SpeechStore | None = None
    ) -> None:
        self.settings = settings
        self._speech_store = speech_store
        self.routes = tuple(routes)
        self.started = int(time.time())
        self.stopping = False

    @property
    def state(self) -> State | Literal["stopping"]:
        """Ready when every route has loaded or failed and at least one can take a whole turn, until it stops."""
        if self.stopping:
            return "stopping"
        states = {served.state() for served in self.routes}
        if "loading" in states:
            return "loading"
        return "ready" if "ready" in states else "failed"

    def routes_for(self, caller: Caller) -> tuple[ServedRoute, ...]:
        """The routes that ``caller`` may ask; others do not exist for it."""
        return tuple(served for served in self.routes if caller.may_ask(served.name))

    def stop(self) -> None:
        """Take no new requests from now on; what runs may finish."""
        self.stopping = True

    def admit(
        self, model: str | None, caller: Caller, stages: Iterable[Stage] = STAGES, *, named_by: Stage | None = None
    ) -> ServedRoute:
        """The route of ``caller`` that answers to ``model``, the first one when none is named.

        With ``named_by`` the model of that stage names a route too: one of OpenAI's for it means the first route, the
        name of an engine or of its model the first route that has it. Raises ``UnknownModel``, and what
        ``ServedRoute.require`` raises when one of ``stages`` cannot work, or ``ServedRoute.admit`` when it is too busy.
        """
        found = _find(self.routes_for(caller), model, named_by)
        stages = tuple(stages)
        found.require(stages)
        found.admit(stages)
        return found

    @property
    def queues(self) -> dict[Stage, list[QueueState]]:
        """The queues in front of the engines of each stage, as they are now."""
        found: dict[Stage, dict[QueuedEngine, None]] = {stage: {} for stage in STAGES}
        for served in self.routes:
            for stage in STAGES:
                queues = queues_of(getattr(served.engines, stage))
                found[stage] |= dict.fromkeys(queue for queue in queues if queue is not None)
        return {stage: [queue.state for queue in queues] for stage, queues in found.items()}

    def preflight(self) -> None:
        """Ask every engine whether it can be loaded, before anything binds. Raises ``BadOption``."""
        for engine in self._engines():
            if isinstance(engine, Preflight):
                engine.preflight()

    def prospects(self) -> list[str]:
        """After ``preflight``: which engines will be taken where nobody chose one, and why; sentences for people."""
        automatic = [one for one in self._engines() if isinstance(one, AutomaticEngine | AutomaticDetector)]
        return [line for engine in automatic for line in engine.prospects]

    def _engines(self) -> list[Any]:
        """Every engine that has a lifetime, once."""
        return list(dict.fromkeys(one for served in self.routes for stage in STAGES for one in _own(served, stage)))

    def _guards(self) -> list[ActiveGuard]:
        return list(dict.fromkeys(guard for served in self.routes for guard in served.guards.all))

    async def warm_up(self) -> None:
        """Load every engine, once; a stage of a route is settled as soon as its engine is loaded or has failed.

        A language model that could not be loaded and has fallbacks is settled last, when it is known whether they can
        answer.
        """
        for guard in self._guards():
            if failure := await _load(guard):
                logger.error("the guard %s could not be loaded: %s", guard.rules.name, failure)
        failures: dict[Any, str | None] = {}
        late = []
        for served in self.routes:
            for stage in STAGES:
                for engine in _own(served, stage):
                    if engine not in failures:
                        failures[engine] = await _load(engine)
                why = _load_failure(served, stage, failures)
                if stage == "llm":
                    failures[_own_model(served)] = why
                if stage == "llm" and why and isinstance(served.engines.llm, FallbackModel):
                    late.append(served)
                else:
                    served.settle(stage, why or _refusal(served, stage))
        for served in late:
            served.settle("llm", _without_own_model(served, failures))
        for served in self.routes:
            if failure := served.load_failure():
                logger.error("the model %s cannot be served: %s", served.name, failure)

    async def aclose(self) -> None:
        """Close every engine, also when one of them fails to."""
        async with AsyncExitStack() as stack:
            if self._speech_store is not None:
                stack.push_async_callback(self._speech_store.aclose)
            for engine in (*self._engines(), *self._guards()):
                stack.push_async_callback(engine.aclose)


def _find(routes: Sequence[ServedRoute], model: str | None, named_by: Stage | None) -> ServedRoute:
    if not routes:  # its key names routes that are not served, or none is asked for
        raise UnknownModel("You do not have access to any model of this gateway.")
    if model is None:
        return routes[0]
    rules: list[Callable[[ServedRoute], bool]] = [lambda served: model in (served.name, *served.route.aliases)]
    if named_by is not None:
        rules.append(lambda _: is_openai_model(named_by, model))
        rules.append(lambda served: model in served.engine_names(named_by))
    rules.append(lambda served: "*" in served.route.aliases)
    found = next((served for rule in rules for served in routes if rule(served)), None)
    if found is None:
        raise UnknownModel(f"The model `{model}` does not exist or you do not have access to it.")
    return found


def _own(served: ServedRoute, stage: Stage) -> tuple[Any, ...]:
    """The route's own engines of a stage, none for a stage without one; a model's fallbacks belong to other routes.

    The detector of voice activity belongs to the stage that hears.
    """
    detectors = (served.engines.vad,) if stage == "stt" and served.engines.vad is not None else ()
    return (*_engines_of(getattr(served.engines, stage)), *detectors)


def _own_model(served: ServedRoute) -> Any:
    """The route's own language model, without its fallbacks."""
    model = served.engines.llm
    return model.first if isinstance(model, FallbackModel) else model


def _engines_of(chosen: Any) -> tuple[Any, ...]:
    match chosen:
        case None:
            return ()
        case FallbackModel() as model:
            return _engines_of(model.first)
        case BalancedModel() | FallbackRecogniser() | FallbackSynthesiser() as engine:
            return engine.candidates.engines
        case engine:
            return (engine,)


def _load_failure(served: ServedRoute, stage: Stage, failures: LoadFailures) -> str | None:
    """Why a stage could not be loaded; an engine with fallbacks is left out if one of those could."""
    engine = _own_model(served) if stage == "llm" else getattr(served.engines, stage)
    why = next(filter(None, map(failures.get, _own(served, stage))), None)
    if stage == "stt" and failures.get(served.engines.vad) is not None:
        return failures[served.engines.vad]
    if why is None or not isinstance(engine, BalancedModel | FallbackRecogniser | FallbackSynthesiser):
        return why
    if not engine.candidates.leave_out(lambda one: bool(failures.get(one))):
        return why
    named = ENGINE_KEYS[stage]
    logger.error("not every engine of --%s could be loaded, the others of %s work: %s", named, served.name, why)
    return None


async def _load(engine: Any) -> str | None:
    """Warm one engine up; why that failed, if it did."""
    try:
        await engine.warm_up()
    except (AdapterError, BadOption) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  whatever it is, the other routes are served
        return f"an engine failed to load unexpectedly ({type(error).__name__})"
    return None


def _without_own_model(served: ServedRoute, failures: LoadFailures) -> str | None:
    """Leave out what could not be loaded; why the route cannot answer, when no fallback can either."""
    model = served.engines.llm
    assert isinstance(model, FallbackModel)
    why = failures[model.first]
    if not model.leave_out(lambda engine: bool(failures.get(engine))):
        return why
    logger.error("the model of %s could not be loaded, its fallbacks answer: %s", served.name, why)
    return None


def _refusal(served: ServedRoute, stage: Stage) -> str | None:
    """Why a loaded engine cannot serve this route with its settings: no request could change that."""
    match stage:
        case "stt":
            return _unknown_language(served)
        case "tts":
            return _unspeakable(served)
        case _:
            return None


def _unknown_language(served: ServedRoute) -> str | None:
    settings, recogniser = served.route.settings, served.engines.stt
    known = recogniser.info.languages if recogniser is not None else None
    if settings.language is None or known is None or settings.language in known:
        return None
    engine = served.engine_names("stt")[0]
    return f"--stt {engine} does not understand --language {settings.language!r}, only {', '.join(known)}."


def _unspeakable(served: ServedRoute) -> str | None:
    """Why the route's voice cannot speak; if it can, load how the route's answers are read aloud."""
    settings, engine = served.route.settings, served.engines.tts
    try:
        voice = known_voice(engine.info, settings.voice)
        voices_by_language(engine.info, voice, settings.voices_by_language)
        engine.check(tts.Request(text="", voice=voice, speed=settings.speed, language=settings.language))
    except AdapterError as error:
        return error.message
    Normalizer(ReadingOptions(pronunciations=settings.pronunciations), settings.language or "en", engine.info)
    if words := pronunciations.unusable_entries(settings.pronunciations, engine.info):
        named = ", ".join(words[:NAMED_WORDS]) + (" and more" if len(words) > NAMED_WORDS else "")
        logger.warning("--tts %s takes no phonemes; these pronunciations have no effect: %s.", settings.tts, named)
    return None
