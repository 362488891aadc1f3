"""A route: a model that clients can name, the engines that serve it, and which of its stages can work now."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import msgspec

from adapters.contract import llm, stt, tts
from adapters.contract.engine import failure_of
from adapters.contract.errors import Unavailable, UpstreamError
from adapters.contract.vad import VoiceActivity
from gateway.engines.admission import current_admission
from gateway.engines.automatic import AutomaticEngine
from gateway.engines.fallback_recogniser import FallbackRecogniser
from gateway.engines.fallback_voice import FallbackSynthesiser
from gateway.engines.guards import NO_GUARDS, Guards
from gateway.engines.queue import RETRY_SECONDS, queues_of
from gateway.settings.composition import engine_description
from gateway.settings.model import AUTO, ENGINE_KEYS, NONE, Route

MODEL_HEARING_RATE = 16_000
"""Hz of a recording that goes to the model itself; speech needs no more."""

Stage = Literal["stt", "llm", "tts"]
"""A stage that is loaded; voice activity detection has nothing to load."""

STAGES: tuple[Stage, ...] = ("stt", "llm", "tts")

State = Literal["loading", "ready", "failed"]


class Engines(msgspec.Struct, frozen=True, kw_only=True):
    """The engines of one route; without ``stt`` the model listens itself, without ``vad`` to silence too."""

    stt: stt.Recogniser | None
    llm: llm.LanguageModel
    tts: tts.Synthesiser
    vad: VoiceActivity | None = None

    @property
    def hearing_rate(self) -> int:
        """The sample rate in Hz at which a question is heard."""
        if self.stt is not None:
            return self.stt.info.sample_rate
        return self.vad.sample_rate if self.vad is not None else MODEL_HEARING_RATE


class ServedRoute:
    """A route with its engines. Each stage is loading until ``settle`` says that it is loaded or why it is not."""

    def __init__(self, *, route: Route, engines: Engines, guards: Guards = NO_GUARDS) -> None:
        self.route = route
        self.engines = engines
        self.guards = guards
        self._load_failures: dict[Stage, str | None] = {}
        self._users = 0
        self._left = asyncio.Event()

    @property
    def name(self) -> str:
        """The name that clients use."""
        return self.route.name

    def engine_names(self, stage: Stage) -> tuple[str, ...]:
        """What the engine of ``stage`` is called: its name in the settings, and that of its model if it has one."""
        settings = self.route.settings
        chosen: str = getattr(settings, ENGINE_KEYS[stage])
        engine = self._taken(stage) if chosen == AUTO else chosen
        described = engine_description(stage, engine)
        named: str | None = None if described.model_option is None else getattr(settings, described.model_option)
        return tuple(name for name in (engine, named or described.default_model) if name not in {None, NONE})

    def _taken(self, stage: Stage) -> str:
        """The engine of ``stage`` that was taken, where the settings leave the choice to the gateway."""
        engine = getattr(self.engines, stage)
        if isinstance(engine, FallbackRecogniser | FallbackSynthesiser):
            engine = engine.candidates.first.engine
        return engine.name if isinstance(engine, AutomaticEngine) else AUTO

    def settle(self, stage: Stage, failure: str | None) -> None:
        """Loading of ``stage`` is over; ``failure`` says why it cannot work."""
        self._load_failures[stage] = failure

    def load_failure(self, stages: Iterable[Stage] = STAGES) -> str | None:
        """Why one of ``stages`` could not be loaded."""
        return next(filter(None, map(self._load_failures.get, stages)), None)

    def lost(self, stages: Iterable[Stage] = STAGES) -> str | None:
        """Why one of ``stages`` cannot work any more although it was loaded."""
        for stage in stages:
            if failure := failure_of(getattr(self.engines, stage)):
                return failure
        return None

    def state(self, stages: Iterable[Stage] = STAGES) -> State:
        """Whether all of ``stages`` can work now."""
        stages = tuple(stages)
        if self.load_failure(stages):
            return "failed"
        if not self._load_failures.keys() >= set(stages):
            return "loading"
        return "failed" if self.lost(stages) else "ready"

    def admit(self, stages: Sequence[Stage]) -> None:
        """Have the turn that is being served admitted by the queues of ``stages``, in the order in which it asks them.

        Outside of a request nothing is promised. Raises ``Unavailable`` when a stage is too busy.
        """
        if (current := current_admission()) is not None:
            for stage in stages:
                current.ask(tuple(queues_of(getattr(self.engines, stage))), first=stage == stages[0])
            current.hold(self.used())

    @contextmanager
    def used(self) -> Iterator[None]:
        """Around a turn or a session: its engines are not closed while it lasts."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self._left.set()

    @property
    def in_use(self) -> bool:
        """Whether a turn or a session runs."""
        return self._users > 0

    async def idle(self) -> None:
        """Wait until none runs."""
        while self.in_use:
            self._left.clear()
            await self._left.wait()

    def require(self, stages: Iterable[Stage]) -> None:
        """Raise unless all of ``stages`` can work now.

        ``UpstreamError`` when one could not be loaded, ``Unavailable`` while one loads or when one failed later.
        """
        stages = tuple(stages)
        match self.state(stages):
            case "ready":
                return
            case "loading":
                raise Unavailable(f"The model `{self.name}` is still loading.", retry_after=RETRY_SECONDS)
        if self.load_failure(stages):
            raise UpstreamError(f"The model `{self.name}` cannot be served; the gateway's log says why.")
        raise Unavailable(f"The model `{self.name}` cannot answer any more: {self.lost(stages)}")
