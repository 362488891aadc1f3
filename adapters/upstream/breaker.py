"""Circuit breaker: stops requests to a server after repeated failures; a state machine without a clock of its own."""

_MAX_FAILURES = 5  # in a row
_OPEN_SECONDS = 10.0


class CircuitBreaker:
    """While closed, every request may go out; while open, one request every ten seconds tests the server.

    Callers report each result with ``failed`` or ``succeeded``. ``now`` is in seconds of a monotonic clock.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._probe_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether requests are held back."""
        return self._failures >= _MAX_FAILURES

    def wait(self, now: float) -> float:
        """Seconds until a request may go out; 0.0 means this request may go out now."""
        if self._failures < _MAX_FAILURES:
            return 0.0
        if now < self._probe_at:
            return self._probe_at - now
        self._probe_at = now + _OPEN_SECONDS
        return 0.0

    def failed(self, now: float) -> bool:
        """Count a request that found no server, a broken one (5xx) or a timeout; whether this opened the circuit."""
        self._failures += 1
        # Requests that were already running when the circuit opened do not extend the time that it stays open.
        if self._failures >= _MAX_FAILURES and now >= self._probe_at:
            self._probe_at = now + _OPEN_SECONDS
        return self._failures == _MAX_FAILURES

    def succeeded(self) -> None:
        """Count a request that the server answered; a refusal is an answer too."""
        self._failures = 0
