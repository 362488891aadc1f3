"""The guard ``moderations``: asks a server with OpenAI's ``/v1/moderations``."""

from contextlib import aclosing
from typing import Annotated

import msgspec
from msgspec import Meta

from adapters.contract import guard
from adapters.contract.description import ApiKeyVariable, EngineDescription
from adapters.contract.errors import UpstreamError
from adapters.guards.moderations.wire import Rules, VerdictReader
from adapters.options import Secret
from adapters.upstream import CompletionCall, UpstreamClient, UpstreamOptions

ADAPTER = "moderations"

_Score = Annotated[float, Meta(ge=0, le=1)]


class Moderations:
    """Judges texts by ``POST /moderations``: OpenAI, or any server with that API; raises as ``UpstreamClient``."""

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Which server, and what of its answer counts."""

        base_url: Annotated[
            str | None, Meta(description="Base URL of the server, with its /v1; OpenAI when not given.")
        ] = None
        api_key: Annotated[
            Secret | None,
            Meta(description="API key of the server; for OpenAI the variable OPENAI_API_KEY when not given."),
        ] = None
        model: Annotated[str, Meta(description="Model of the server, empty to send none.")] = "omni-moderation-latest"
        categories: Annotated[tuple[str, ...], Meta(description="Categories that count, all when none is named.")] = ()
        thresholds: Annotated[
            dict[str, _Score],
            Meta(description="Scores from which on a category counts, in place of the server's own judgement."),
        ] = {}

    description = EngineDescription(
        api_key=ApiKeyVariable(
            name="OPENAI_API_KEY", key_option="api_key", url_option="base_url", host="api.openai.com"
        )
    )

    def __init__(self, options: Options) -> None:
        self._model = {"model": options.model} if options.model else {}
        self._rules = Rules(categories=options.categories, thresholds=options.thresholds)
        self._upstream = UpstreamClient(
            ADAPTER,
            UpstreamOptions(
                responses_api_base_url=options.base_url,
                responses_api_api_key=options.api_key,
                responses_api_max_retries=1,
            ),
            stage="guard",
        )

    async def warm_up(self) -> None:
        """Open a connection; a server that cannot be reached yet is only logged."""
        await self._upstream.warm_up()

    async def aclose(self) -> None:
        """Close the connections that nobody else uses."""
        await self._upstream.aclose()

    async def check(self, request: guard.Request) -> guard.Verdict:
        """Ask the server about the text together with what came before it. Raises ``AdapterError``."""
        call = CompletionCall[guard.Verdict](
            path="/moderations",
            body={**self._model, "input": request.before + request.text},
            make_reader=lambda: VerdictReader(self._upstream.errors, self._rules),
        )
        answer = self._upstream.stream(call)
        async with aclosing(answer) as events:
            async for event in events:
                if isinstance(event, guard.Verdict):
                    return event
        raise UpstreamError("The server sent no moderation.", adapter=ADAPTER)
