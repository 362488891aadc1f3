"""All routes and their engines, from warm-up to close."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Literal

from adapters.contract.engine import Preflight
from adapters.contract.errors import UnknownModel
from adapters.options import BadOption
from gateway.access.caller import Caller
from gateway.engines.automatic import AutomaticEngine
from gateway.engines.automatic_detector import AutomaticDetector
from gateway.engines.loading import LoadFailures, engines_of, guards_of, load_routes
from gateway.engines.openai_models import is_openai_model
from gateway.engines.queue import QueuedEngine, QueueState, queues_of
from gateway.engines.route import STAGES, ServedRoute, Stage, State
from gateway.engines.speech_cache import SpeechStore
from gateway.settings.model import GatewaySettings


class Gateway:
    """All routes; engines that several routes share are loaded and closed once, ``speech_store`` after them."""

    def __init__(
        self, settings: GatewaySettings, routes: Sequence[ServedRoute], speech_store: SpeechStore | None = None
    ) -> None:
        self.settings = settings
        self._speech_store = speech_store
        self.routes = tuple(routes)
        self._loading = asyncio.Lock()
        self._loaded: LoadFailures = {}
        self._replaced: list[ServedRoute] = []
        self._unused: list[Any] = []
        self.started = int(time.time())
        self.stopping = False
        self._when_stopping: list[Callable[[], None]] = []

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
        return tuple([served for served in self.routes if caller.may_ask(served.name)])

    @property
    def serving(self) -> tuple[ServedRoute, ...]:
        """The routes, and those that were replaced but are still in use."""
        return (*self.routes, *(served for served in self._replaced if served.in_use))

    def stop(self) -> None:
        """Take no new requests from now on; what runs may finish."""
        self.stopping = True
        for tell in self._when_stopping:
            tell()

    def when_stopping(self, tell: Callable[[], None]) -> None:
        """``tell`` is called when the gateway stops."""
        self._when_stopping.append(tell)

    def admit(
        self, model: str | None, caller: Caller, stages: Iterable[Stage] = STAGES, *, named_by: Stage | None = None
    ) -> ServedRoute:
        """The route of ``caller`` that answers to ``model``, the first one when none is named.

        With ``named_by`` the model of that stage names a route too: one of OpenAI's for it means the first route, the
        name of an engine or of its model the first route that has it. Raises ``UnknownModel``, and what
        ``ServedRoute.require`` raises when one of ``stages`` cannot work, or ``ServedRoute.admit`` when it is too busy.
        """
        found = self.find(model, caller, named_by=named_by)
        stages = tuple(stages)
        found.require(stages)
        found.admit(stages)
        return found

    def find(self, model: str | None, caller: Caller, *, named_by: Stage | None = None) -> ServedRoute:
        """The same route, whether or not it can work now. Raises ``UnknownModel``."""
        return _find(self.routes_for(caller), model, named_by)

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
        preflight(self.routes)

    def prospects(self) -> list[str]:
        """After ``preflight``: which engines will be taken where nobody chose one, and why; sentences for people."""
        automatic = [one for one in engines_of(self.routes) if isinstance(one, AutomaticEngine | AutomaticDetector)]
        return [line for engine in automatic for line in engine.prospects]

    async def warm_up(self) -> None:
        """Load every engine, once; a route can be used as soon as its own are loaded."""
        async with self._loading:
            await load_routes(self.routes, self._loaded)

    async def take_over(self, routes: Sequence[ServedRoute]) -> None:
        """Serve ``routes`` from the next turn on, once what is new in them is loaded; what runs goes on as it began.

        Raises ``BadOption`` when a route cannot be loaded, unless the one of its name could not be before: then nothing
        is changed. What is not used any more is closed by ``retire``.
        """
        async with self._loading:
            loaded: LoadFailures = dict.fromkeys(self._working())
            try:
                await load_routes(routes, loaded)
            finally:
                self._unused += [each for each in loaded if each not in self._loaded]
            broken = {served.name for served in self.routes if served.load_failure()}
            lost = [served for served in routes if served.load_failure() and served.name not in broken]
            if lost:
                raise BadOption(f"the model {lost[0].name} cannot be served: {lost[0].load_failure()}")
            used = {*engines_of(routes), *guards_of(routes)}
            self._unused = [each for each in (*self._unused, *self._parts()) if each not in used]
            self._replaced = [served for served in (*self._replaced, *self.routes) if served.in_use]
            self.routes = tuple(routes)
            self._loaded = {each: failure for each, failure in loaded.items() if each in used}

    async def loaded(self) -> set[Any]:
        """The engines and guards that could be loaded, once all have been tried."""
        async with self._loading:
            return self._working()

    def _working(self) -> set[Any]:
        return {each for each, failure in self._loaded.items() if failure is None}

    async def retire(self) -> bool:
        """Close what is not used any more as soon as the turns that were running have ended; whether there was any."""
        unused, replaced = list(self._unused), list(self._replaced)
        for served in replaced:
            await served.idle()
        async with AsyncExitStack() as stack:
            for each in unused:
                if each in self._unused:
                    self._unused.remove(each)
                    stack.push_async_callback(each.aclose)
        return bool(unused)

    def _parts(self) -> list[Any]:
        return [*engines_of(self.routes), *guards_of(self.routes)]

    async def aclose(self) -> None:
        """Close every engine, also when one of them fails to."""
        async with AsyncExitStack() as stack:
            if self._speech_store is not None:
                stack.push_async_callback(self._speech_store.aclose)
            for part in (*self._parts(), *self._unused):
                stack.push_async_callback(part.aclose)


def preflight(routes: Iterable[ServedRoute]) -> None:
    """Ask every engine of ``routes`` whether it can be loaded, quickly. Raises ``BadOption``."""
    for engine in engines_of(routes):
        if isinstance(engine, Preflight):
            engine.preflight()


def _find(routes: Sequence[ServedRoute], model: str | None, named_by: Stage | None) -> ServedRoute:
    if not routes:  # its key names routes that are not served, or none is asked for
        raise UnknownModel("You do not have access to any model of this gateway.")
    if model is None:
        return routes[0]
    for served in routes:
        if model == served.name or model in served.route.aliases:
            return served
    if named_by is not None:
        if is_openai_model(named_by, model):
            return routes[0]
        for served in routes:
            if model in served.engine_names(named_by):
                return served
    for served in routes:
        if "*" in served.route.aliases:
            return served
    raise UnknownModel(f"The model `{model}` does not exist or you do not have access to it.")
