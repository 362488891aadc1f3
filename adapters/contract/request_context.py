"""The request that the running task works for: what ties log lines and requests to other servers to it."""

from contextvars import ContextVar

import msgspec


class RequestContext(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a client.

    ``surface`` is the part of the API that it came to. ``traceparent`` and ``tracestate`` are W3C Trace Context: the
    span that requests to other servers belong to; ``None`` when nobody traces.
    """

    request_id: str
    surface: str
    traceparent: str | None = None
    tracestate: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers with which other servers are told of it."""
        traced = {"traceparent": self.traceparent, "tracestate": self.tracestate}
        return {"x-request-id": self.request_id, **{name: value for name, value in traced.items() if value}}


current_request: ContextVar[RequestContext | None] = ContextVar("speech_gateway_request", default=None)
"""``None`` outside of requests. Tasks that a request starts work for it too."""
