"""Remembers which fields about reasoning a server refuses: requests for those models go without them."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from adapters.contract.errors import InvalidRequest
from adapters.upstream.attempt import CompletionCall, Event
from adapters.upstream.retries import REASONING_SENT_BACK, dispensable, without
from adapters.upstream.untrusted_text import printable

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class RefusedFields:
    """What the server of the adapter ``adapter_name`` refused, by model."""

    def __init__(self, adapter_name: str) -> None:
        self._adapter = adapter_name
        self._refused: dict[str, tuple[str, ...]] = {}

    async def attempt(
        self, call: CompletionCall[Event], send: Callable[[CompletionCall[Event]], Awaitable[Answer]]
    ) -> Answer:
        """What ``send`` makes of ``call``; it is sent again without what the server may have refused."""
        model = str(call.body.get("model"))
        known = self._refused.get(model, ())
        call = _without(call, known)
        try:
            return await send(call)
        except InvalidRequest as error:
            failure = error
        for names in dispensable(failure, call.body):
            try:
                answer = await send(_without(call, names))
            except InvalidRequest as error:
                if REASONING_SENT_BACK not in names:  # without that, a server that needs it complains of nothing else
                    failure = error
                continue
            if REASONING_SENT_BACK not in names or REASONING_SENT_BACK in failure.message:
                self._refused[model] = (*known, *names)
                shown = printable(model)
                _log.warning(
                    "%s: the server of %r refuses %s: not sent to it any more",
                    self._adapter,
                    shown,
                    " and ".join(names),
                )
            return answer
        raise failure


def _without(call: CompletionCall[Event], names: tuple[str, ...]) -> CompletionCall[Event]:
    return msgspec.structs.replace(call, body=without(call.body, names)) if names else call
