"""The ways an engine can fail, one class only where a caller does something different.

AdapterError
├── InvalidRequest          the request itself is wrong: do not repeat it
│   ├── Unsupported         this engine cannot do what was asked
│   └── TooLong             more input than the engine takes
├── UnknownModel            no such model
├── Overloaded              too many requests, as the upstream or a limit says: repeat later
├── Unavailable             unreachable, down, or its queue is full: repeat later
│   └── TimedOut            no answer in time
└── UpstreamError           it answered nonsense, or refused our key: repeating does not help
"""


class AdapterError(Exception):
    """Any failure of an engine; the message is one sentence fit for the client (no secrets, no provider's body).

    ``adapter`` is the engine's registered name, ``retry_after`` the seconds after which a repeat may succeed, if known.
    """

    def __init__(self, message: str, *, adapter: str = "gateway", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.adapter = adapter
        self.retry_after = retry_after


class InvalidRequest(AdapterError):
    """The request is wrong; ``param`` names the field and ``code`` the kind of mistake, as in OpenAI's error body."""

    def __init__(
        self, message: str, *, adapter: str = "gateway", param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, adapter=adapter)
        self.param = param
        self.code = code


class Unsupported(InvalidRequest):
    """The engine cannot do what was asked: another one may."""


class TooLong(InvalidRequest):
    """There is more input than the engine takes."""


class UnknownModel(AdapterError):
    """The engine, or the server behind it, has no model of that name."""


class Overloaded(AdapterError):
    """Too many requests for now, as the upstream or a limit of its own says."""


class Unavailable(AdapterError):
    """The engine cannot be reached, is down, or the queue in front of it is full."""


class TimedOut(Unavailable):
    """No answer came in time."""


class UpstreamError(AdapterError):
    """The upstream answered nonsense, failed, or refused our credentials: nothing the client can mend by repeating."""
