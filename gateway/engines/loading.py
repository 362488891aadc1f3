"""Loads the engines of routes, each once, and says of every stage of a route whether it can work."""

import logging
from collections.abc import Iterable
from typing import Any

from adapters.contract import tts
from adapters.contract.errors import AdapterError
from adapters.options import BadOption
from gateway.engines.balanced import BalancedModel
from gateway.engines.fallback import FallbackModel
from gateway.engines.fallback_recogniser import FallbackRecogniser
from gateway.engines.fallback_voice import FallbackSynthesiser
from gateway.engines.guards import ActiveGuard
from gateway.engines.route import STAGES, ServedRoute, Stage
from gateway.engines.voices import known_voice, voices_by_language
from gateway.settings.model import ENGINE_KEYS
from gateway.text.normalization import pronunciations
from gateway.text.normalization.normalizer import Normalizer, ReadingOptions

NAMED_WORDS = 10
"""The most words of a dictionary that a line of the log names."""

logger = logging.getLogger(__name__)

LoadFailures = dict[Any, str | None]
"""Of everything that was loaded: why that failed, or ``None``."""


def engines_of(routes: Iterable[ServedRoute]) -> list[Any]:
    """Every engine of ``routes`` that has a lifetime, once."""
    return list(dict.fromkeys(one for served in routes for stage in STAGES for one in _own(served, stage)))


def guards_of(routes: Iterable[ServedRoute]) -> list[ActiveGuard]:
    """Every guard of ``routes``, once."""
    return list(dict.fromkeys(guard for served in routes for guard in served.guards.all))


async def load_routes(routes: Iterable[ServedRoute], failures: LoadFailures) -> None:
    """Load what ``failures`` does not know yet, and add it there.

    A stage of a route is settled as soon as its engine is loaded or has failed; a language model that could not be
    loaded and has fallbacks last, when it is known whether they can answer.
    """
    routes = tuple(routes)
    for guard in guards_of(routes):
        if guard not in failures and (failure := await _load(guard)):
            logger.error("the guard %s could not be loaded: %s", guard.rules.name, failure)
        failures.setdefault(guard, None)
    late = []
    for served in routes:
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
    for served in routes:
        if failure := served.load_failure():
            logger.error("the model %s cannot be served: %s", served.name, failure)


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
