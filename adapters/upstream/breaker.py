"""Stops asking a server that fails again and again; a pure state machine with the clock handed in."""

_MOST_FAILURES = 5  # in a row
_OPEN_SECONDS = 10.0


class Breaker:
    """Closed it lets everything through; open it lets one request through every ten seconds, to probe.

    ``failed`` and ``succeeded`` say how a request went; ``now`` is in seconds of any clock that only goes on.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._probe_at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until a request may be made; 0.0 lets this one through."""
        if self._failures < _MOST_FAILURES:
            return 0.0
        if now < self._probe_at:
            return self._probe_at - now
        self._probe_at = now + _OPEN_SECONDS
        return 0.0

    def failed(self, now: float) -> bool:
        """A request met no server, a broken one (5xx), or none that answered in time: whether that opened it."""
        self._failures += 1
        # What was under way when it opened and fails later does not keep it open.
        if self._failures >= _MOST_FAILURES and now >= self._probe_at:
            self._probe_at = now + _OPEN_SECONDS
        return self._failures == _MOST_FAILURES

    def succeeded(self) -> None:
        """The server answered, and be it with a refusal."""
        self._failures = 0
