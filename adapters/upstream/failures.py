"""Says what went wrong with one upstream server: makes the contract's errors for its adapter."""

import socket
import ssl
from collections.abc import Mapping
from typing import Any

import httpx

from adapters.contract.errors import AdapterError, TimedOut, Unavailable, UpstreamError
from adapters.upstream.errors import contract_error, refusal
from adapters.upstream.options import UpstreamOptions


class Failures:
    """Makes errors on behalf of ``adapter``; ``key`` is hidden in whatever a server says."""

    def __init__(self, adapter: str, key: str, options: UpstreamOptions) -> None:
        self._adapter = adapter
        self._key = key
        self._options = options

    def reported(self, error: Any) -> AdapterError:
        """For the decoded error object that a server sent in the middle of an answer."""
        return contract_error(refusal(error), adapter=self._adapter, key=self._key)

    def refused(self, body: Any, status: int, headers: Mapping[str, str]) -> AdapterError:
        """For an HTTP status that is no success, and the decoded body that came with it."""
        return contract_error(refusal(body, status=status, headers=headers), adapter=self._adapter, key=self._key)

    def nonsense(self, what: str) -> UpstreamError:
        """For an answer that cannot be understood: ``what`` completes "The upstream server …"."""
        return UpstreamError(f"The upstream server {what}.", adapter=self._adapter)

    def unavailable(self, what: str, retry_after: float | None = None) -> Unavailable:
        """For a server that cannot be used now: ``what`` completes "The upstream server …"."""
        return Unavailable(f"The upstream server {what}.", adapter=self._adapter, retry_after=retry_after)

    def late(self, setting: str) -> TimedOut:
        """For an answer that the ``setting`` (``first_token_timeout``, ``deadline``, …) did not wait for."""
        what = {
            "connect_timeout": "accepted no connection within",
            "first_token_timeout": "began no answer within",
            "gap_timeout": "fell silent in the middle of its answer for",
            "deadline": "did not complete its answer within",
        }[setting]
        seconds = getattr(self._options, f"responses_api_{setting}")
        message = f"The upstream server {what} {seconds:g} seconds (--responses_api_{setting})."
        return TimedOut(message, adapter=self._adapter)

    def unasked(self, error: httpx.HTTPError) -> AdapterError:
        """For what went wrong before the server answered at all."""
        causes = list(_causes(error))
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return self.unavailable("has a host name that cannot be resolved: check --responses_api_base_url")
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
            return self.nonsense("has a TLS certificate that cannot be trusted")
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return self.nonsense("does not speak TLS as it should: check --responses_api_base_url")
        match error:
            case httpx.ConnectTimeout():
                return self.late("connect_timeout")
            case httpx.NetworkError() | httpx.ProxyError():
                return self.unavailable("cannot be reached")
            case httpx.RemoteProtocolError():
                return self.unavailable("closed the connection without an answer")
            case _:
                return self.nonsense("could not be asked")


def _causes(error: BaseException | None) -> list[BaseException]:
    """The error and what it came from."""
    return [error, *_causes(error.__cause__ or error.__context__)] if error else []
