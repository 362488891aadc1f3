"""The ways an engine can fail, one class only where a caller does something different.

AdapterError
├── InvalidRequest          the request itself is wrong: repeating it does not help
│   ├── Unsupported         this engine cannot do what was asked
│   └── TooLong             more input than the engine takes
├── UnknownModel            no such model
├── Overloaded              too many requests, according to the upstream or a limit: repeat later
├── Unavailable             unreachable, failed, or its queue is full: repeat later
│   └── TimedOut            no answer in time
└── UpstreamError           the upstream's answer is invalid, or it refused our key: repeating does not help
"""


class AdapterError(Exception):
    """Any failure of an engine; the message is one sentence that a client may read: no secrets, no provider's text.

    ``adapter`` is the engine's registered name, ``retry_after`` the seconds after which a repeat may succeed, if known.
    """

    def __init__(self, message: str, *, adapter: str = "gateway", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.adapter = adapter
        self.retry_after = retry_after


class InvalidRequest(AdapterError):
    """The request is wrong; ``param`` names a field of the contract's request (``audio``, ``text``, ``messages``).

    ``code`` is the kind of mistake, one of the words of OpenAI's error body. Each HTTP surface gives the field the name
    that its clients know.
    """

    def __init__(
        self, message: str, *, adapter: str = "gateway", param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, adapter=adapter)
        self.param = param
        self.code = code


class Unsupported(InvalidRequest):
    """The engine cannot do what was asked; another engine may."""


class TooLong(InvalidRequest):
    """The input is longer than the engine takes."""


class UnknownModel(AdapterError):
    """The engine, or the server that it asks, has no model of that name."""


class Overloaded(AdapterError):
    """Too many requests at this time, according to the upstream or a limit of the engine."""


class Unavailable(AdapterError):
    """The engine cannot be reached, has failed, or the queue in front of it is full."""


class TimedOut(Unavailable):
    """No answer came in time."""


class UpstreamError(AdapterError):
    """The upstream's answer is invalid, it failed, or it refused our credentials: repeating does not help."""
