"""Makes the contract's errors for one upstream server; whatever text of the server they hold is made printable here."""

from typing import Any

import httpx

from adapters.contract.errors import (
    AdapterError,
    InvalidRequest,
    Overloaded,
    TimedOut,
    TooLong,
    Unavailable,
    UpstreamError,
)
from adapters.upstream.error_table import error_class, sentence, transport_fault
from adapters.upstream.lenient_json import UnreadableJson, decode_any
from adapters.upstream.options import UpstreamOptions, named_for
from adapters.upstream.refusal import Refusal, parse_refusal
from adapters.upstream.untrusted_text import printable
from adapters.upstream.urls import display_url


class ErrorFactory:
    """Makes errors in the name of ``adapter``; ``key`` is masked in every text, ``proxy`` is named if it may matter.

    ``stage`` is that of the adapter, for the names of the options.
    """

    def __init__(
        self, adapter: str, key: str, options: UpstreamOptions, proxy: httpx.Proxy | None = None, stage: str = "llm"
    ) -> None:
        self._adapter = adapter
        self._key = key
        self._options = options
        self._stage = stage
        self._via = f" (through the proxy {display_url(proxy.url)})" if proxy else ""

    def reported(self, error: Any) -> AdapterError:
        """For the decoded error object that a server sent in the middle of an answer."""
        return self._refusal(parse_refusal(error))

    def reported_in(self, data: bytes) -> AdapterError:
        """For an event that is, or holds, an error object."""
        try:
            return self.reported(decode_any(data))
        except UnreadableJson:
            return self.reported(None)

    def refused(self, body: Any, response: httpx.Response) -> AdapterError:
        """For a response whose status is not a success, with its decoded body."""
        return self._refusal(parse_refusal(body, response))

    def upstream_error(self, what: str) -> UpstreamError:
        """For an answer that cannot be understood: ``what`` completes "The upstream server …"."""
        return UpstreamError(self._message(f"The upstream server {what}."), adapter=self._adapter)

    def unavailable(self, what: str, retry_after: float | None = None) -> Unavailable:
        """For a server that cannot be used now: ``what`` completes "The upstream server …"."""
        message = self._message(f"The upstream server {what}.")
        return Unavailable(message, adapter=self._adapter, retry_after=retry_after)

    def timed_out(self, setting: str) -> TimedOut:
        """For an answer that took longer than the ``setting`` allows (``first_token_timeout``, ``deadline``, …)."""
        what = {
            "connect_timeout": "accepted no connection within",
            "first_token_timeout": "sent no output within",
            "gap_timeout": "stopped sending in the middle of its answer for",
            "deadline": "did not complete its answer within",
        }[setting]
        seconds = getattr(self._options, f"responses_api_{setting}")
        message = f"The upstream server {what} {seconds:g} seconds (--responses_api_{setting})."
        return TimedOut(self._message(message), adapter=self._adapter)

    def no_response(self, error: httpx.HTTPError) -> AdapterError:
        """For an httpx error that was raised before the response headers arrived."""
        if isinstance(error, httpx.ConnectTimeout):
            return self.timed_out("connect_timeout")
        fault = transport_fault(error)
        return fault.error(self._message(f"The upstream server {fault.what}."), adapter=self._adapter)

    def _refusal(self, refused: Refusal) -> AdapterError:
        kind = error_class(refused)
        if not issubclass(kind, InvalidRequest):
            waits = kind in (Overloaded, Unavailable)
            message = self._message(sentence(refused))
            return kind(message, adapter=self._adapter, retry_after=refused.retry_after if waits else None)
        code = "context_length_exceeded" if kind is TooLong else next(iter(refused.names), "")
        return kind(
            printable(sentence(refused), self._key),
            adapter=self._adapter,
            param=printable(refused.param or "", self._key) or None,
            code=printable(code, self._key) or None,
        )

    def _message(self, text: str) -> str:
        """A message that names the proxy, which may be the cause instead of the server."""
        return printable(named_for(self._stage, text), self._key).removesuffix(".") + f"{self._via}."
