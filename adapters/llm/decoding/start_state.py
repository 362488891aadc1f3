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
        self._known: dict[tuple[str, bool, bool], StartState] = {}

    def of(self, request: llm.Request) -> StartState:
        """The start state of the request's model; with reasoning it is another one than without.

        Where the answer is shown, it is its text until the model's first closing tag says otherwise.
        """
        reasons, shown = reasoning.is_enabled(request.reasoning), request.reasoning.shown
        state = StartState(inside=reasons and not shown and not self._hosted)
        return self._known.setdefault((request.model, reasons, shown), state)
