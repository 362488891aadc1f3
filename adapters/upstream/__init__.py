"""The one HTTP client for OpenAI-compatible servers."""

from adapters.upstream.client import OPENAI, Upstream
from adapters.upstream.options import UpstreamOptions
from adapters.upstream.reply import Call

__all__ = ["OPENAI", "Call", "Upstream", "UpstreamOptions"]
