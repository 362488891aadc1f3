"""Remembers for each model whether its answers start inside the reasoning."""

from adapters.contract import llm
from adapters.llm import reasoning


class StartState:
    """How the answers of one model start: ``inside`` the reasoning, as far as is known."""

    def __init__(self, *, inside: bool = False) -> None:
        self.inside = inside


class StartStates:
    """The start states of the models behind one upstream; no model ``hosted`` by OpenAI starts inside its reasoning."""

    def __init__(self, *, hosted: bool = False) -> None:
        self._hosted = hosted
        self._known: dict[tuple[str, bool], StartState] = {}

    def of(self, request: llm.Request) -> StartState:
        """The start state of the request's model; with reasoning it is another one than without."""
        reasons = reasoning.is_enabled(request.reasoning)
        return self._known.setdefault((request.model, reasons), StartState(inside=reasons and not self._hosted))
