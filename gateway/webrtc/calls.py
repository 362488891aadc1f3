"""The calls of this process: begun, found by their ids, and ended. Without the extra there are none."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.contract.errors import AdapterError
from adapters.options import BadOption
from gateway.conversation.conversation import NotFound
from gateway.realtime.driver import SessionParts, new_id
from gateway.realtime.sessions import RealtimeSessions
from gateway.settings.server import ServerSettings
from gateway.tasks import background

if TYPE_CHECKING:
    from gateway.webrtc.call import Call

logger = logging.getLogger(__name__)

LEAD_SECONDS = 1.0
"""How much audio may wait to be played: the gateway plays it itself, so more would only be thrown away."""

NEEDED = "pip install 'speech-gateway[webrtc]'"


class NotInstalled(AdapterError):
    """The gateway lacks the packages for what was asked."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A call that has begun: its id, and the answer (SDP) to the client's offer."""

    call_id: str
    sdp: str


class Calls:
    """All calls, of ``sessions``. Raises ``BadOption`` for a network that cannot be, or that nothing here can use."""

    def __init__(self, sessions: RealtimeSessions, settings: ServerSettings) -> None:
        self._sessions = sessions
        self._running: dict[str, tuple[str, Call]] = {}
        self._start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]] | None = None
        self._make = _maker(settings)

    async def attend(self) -> None:
        """Run the calls, until cancelled."""
        async with background() as self._start:
            await asyncio.Event().wait()

    def require(self) -> None:
        """Raise ``NotInstalled`` where there can be no calls."""
        if self._make is None:
            raise NotInstalled(f"This gateway is installed without WebRTC: {NEEDED}, or use the WebSocket.")

    async def begin(self, owner: str, offer: str, parts: SessionParts, held: ExitStack) -> Answered:
        """Answer ``offer`` with a call of ``owner`` and begin its session; ``held`` is closed when it is over.

        Raises ``InvalidRequest`` for an offer that cannot be answered; ``held`` stays with the caller then.
        """
        assert self._make is not None, "required"
        assert self._start is not None, "the application runs"
        call = self._make(new_id("rtc"))
        try:
            answer = await call.answer(offer)
        except BaseException:
            await call.release()
            raise
        self._running[call.call_id] = owner, call
        self._start(self._run(call, msgspec.structs.replace(parts, lead_seconds=LEAD_SECONDS), held.pop_all()))
        return Answered(call_id=call.call_id, sdp=answer)

    def find(self, call_id: str, owner: str) -> "Call":
        """A call of ``owner``. Raises ``NotFound``."""
        whose, call = self._running.get(call_id, (None, None))
        if call is None or whose != owner:
            raise NotFound(f"No call with the id {call_id[:100]!r}.", param="call_id", code="call_not_found")
        return call

    def hang_up(self, call_id: str, owner: str) -> None:
        """End a call of ``owner``. Raises ``NotFound``."""
        self.find(call_id, owner).hang_up()
        del self._running[call_id]

    async def _run(self, call: "Call", parts: SessionParts, held: ExitStack) -> None:
        name = parts.opening.config.id
        logger.info("the call %s is the session %s of %s", call.call_id, name, parts.answers.caller.name)
        with held:
            try:
                how = await call.run(self._sessions, parts)
                logger.info("the call %s is over: %s", call.call_id, how)
            finally:
                self._running.pop(call.call_id, None)
                await call.release()


def _maker(settings: ServerSettings) -> "Callable[[str], Call] | None":
    """What makes a call with an id; ``None`` without the extra. Raises ``BadOption``."""
    try:
        from gateway.webrtc.call import Call  # noqa: PLC0415 - of an extra
        from gateway.webrtc.ice import network_of  # noqa: PLC0415 - of an extra
    except ImportError as error:
        named = [name for name in settings.__struct_fields__ if name.startswith("webrtc_") and getattr(settings, name)]
        if named:
            raise BadOption(f"--{named[0]} needs packages that are not installed ({error.name}): {NEEDED}") from None
        return None
    network = network_of(settings)
    return lambda call_id: Call(call_id, network)
