"""Makes the contract's errors for one upstream server, with the name of its adapter and its key masked."""

from collections.abc import Mapping
from typing import Any

import httpx

from adapters.contract.errors import AdapterError, TimedOut, Unavailable, UpstreamError
from adapters.upstream.error_table import contract_error, parse_refusal, transport_fault
from adapters.upstream.options import UpstreamOptions


class ErrorFactory:
    """Makes errors in the name of ``adapter``; ``key`` is masked in every text that comes from the server."""

    def __init__(self, adapter: str, key: str, options: UpstreamOptions) -> None:
        self._adapter = adapter
        self._key = key
        self._options = options

    def reported(self, error: Any) -> AdapterError:
        """For the decoded error object that a server sent in the middle of an answer."""
        return contract_error(parse_refusal(error), adapter=self._adapter, key=self._key)

    def refused(self, body: Any, status: int, headers: Mapping[str, str]) -> AdapterError:
        """For an HTTP status that is not a success, with the decoded body of the response."""
        return contract_error(parse_refusal(body, status=status, headers=headers), adapter=self._adapter, key=self._key)

    def upstream_error(self, what: str) -> UpstreamError:
        """For an answer that cannot be understood: ``what`` completes "The upstream server …"."""
        return UpstreamError(f"The upstream server {what}.", adapter=self._adapter)

    def unavailable(self, what: str, retry_after: float | None = None) -> Unavailable:
        """For a server that cannot be used now: ``what`` completes "The upstream server …"."""
        return Unavailable(f"The upstream server {what}.", adapter=self._adapter, retry_after=retry_after)

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
        return TimedOut(message, adapter=self._adapter)

    def no_response(self, error: httpx.HTTPError) -> AdapterError:
        """For an httpx error that was raised before the response headers arrived."""
        if isinstance(error, httpx.ConnectTimeout):
            return self.timed_out("connect_timeout")
        fault = transport_fault(error)
        return fault.error(f"The upstream server {fault.what}.", adapter=self._adapter)
