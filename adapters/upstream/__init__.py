"""The HTTP client for OpenAI-compatible servers: connections, retries, time limits, errors, JSON of servers."""

from adapters.upstream.attempt import CompletionCall
from adapters.upstream.audio_answer import AudioCall, AudioDeclared
from adapters.upstream.client import UpstreamClient
from adapters.upstream.engine import ServerEngine
from adapters.upstream.error_factory import ErrorFactory
from adapters.upstream.forwarding import ForwardCall
from adapters.upstream.lenient_json import LenientDecoder, UnreadableJson, decode_any, is_shallow, token_count
from adapters.upstream.multipart import Upload
from adapters.upstream.options import OPENAI, UpstreamOptions

__all__ = [
    "OPENAI",
    "AudioCall",
    "AudioDeclared",
    "CompletionCall",
    "ErrorFactory",
    "ForwardCall",
    "LenientDecoder",
    "ServerEngine",
    "UnreadableJson",
    "Upload",
    "UpstreamClient",
    "UpstreamOptions",
    "decode_any",
    "is_shallow",
    "token_count",
]
