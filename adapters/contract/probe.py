"""How a language model that answers over a network is asked, before it serves, what its server can do."""

from typing import Any, Protocol, runtime_checkable

import msgspec

from adapters.contract import llm


class ProbeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe saw: a few words for each observation, ``None`` for what was not asked or could not be seen.

    ``works`` says whether the engine, with these options, can get answers. Nothing in it is the server's own text.
    """

    observations: dict[str, str | None]
    works: bool


class Probe(Protocol):
    """What to ask one server; probes that are equal ask the same, and one of them is enough."""

    @property
    def target(self) -> str:
        """The engine, the model and the server, without credentials."""

    async def run(self) -> ProbeReport:
        """Ask; every question is bounded in time, and failures are observations."""


@runtime_checkable
class Probed(Protocol):
    """An adapter class that can say how its server is asked, or what is known without asking."""

    @classmethod
    def probe(cls, options: Any, request: llm.Request) -> Probe | str:
        """How to ask for ``options``; ``request`` is a short question with the roles and the model of the route.

        ``request.reasoning`` is what the route sends. An engine without a server answers with one sentence, without
        its name and full stop. Raises ``adapters.options.BadOption``.
        """
