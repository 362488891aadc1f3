"""The HTTP client for OpenAI-compatible servers: connections, retries, time limits, errors."""

from adapters.upstream.attempt import CompletionCall
from adapters.upstream.client import UpstreamClient
from adapters.upstream.error_factory import ErrorFactory
from adapters.upstream.options import OPENAI, UpstreamOptions

__all__ = ["OPENAI", "CompletionCall", "ErrorFactory", "UpstreamClient", "UpstreamOptions"]
