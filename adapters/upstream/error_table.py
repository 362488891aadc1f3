"""The one table from what goes wrong with an OpenAI-compatible server to the contract's errors; pure."""

import re
import socket
import ssl
from collections.abc import Iterator, Mapping

import httpx
import msgspec

from adapters.contract.errors import (
    AdapterError,
    InvalidRequest,
    Overloaded,
    TimedOut,
    TooLong,
    Unavailable,
    UnknownModel,
    UpstreamError,
)
from adapters.upstream.certificates import TrustStoreError
from adapters.upstream.refusal import Refusal


class ServerFailure(UpstreamError):
    """The server failed with 409 or 5xx: the same request may succeed when it is sent again.

    Outside of this package it is an ``UpstreamError`` as any other: the retries were made already.
    """


# Of the statuses that are not listed, 409 and 5xx are a ``ServerFailure``, others an ``UpstreamError``.
STATUSES: Mapping[int, type[AdapterError]] = {
    400: InvalidRequest,
    404: UpstreamError,
    408: TimedOut,
    413: TooLong,
    422: InvalidRequest,
    429: Overloaded,
    503: Unavailable,
    504: TimedOut,
    529: Unavailable,
}

# The ``code`` or ``type`` of an error is more specific than its status.
NAMES: Mapping[str, type[AdapterError]] = {
    "context_length_exceeded": TooLong,
    "exceed_context_size_error": TooLong,
    "string_above_max_length": TooLong,
    "tokens_limit_reached": TooLong,
    "model_not_found": UnknownModel,
    # The account has no credit left: a retry cannot help.
    "insufficient_quota": UpstreamError,
}

# How servers say in words that there is more input than the model takes.
TOO_LONG: tuple[str, ...] = (
    r"maximum (context|prompt) length",  # OpenAI, vLLM, DeepSeek, OpenRouter, Mistral, xAI, Ollama
    r"longer than the model.{0,2} context",  # SGLang
    r"trying to keep the first \d+ tokens",  # LM Studio
    r"exceeds? the maximum (number of )?(input )?(tokens|length)",  # Gemini, TensorRT-LLM
    r"(prompt|input) (is |was )?too long",  # Anthropic, Bedrock, Fireworks
    r"exceeds? (the )?(model'?s? |available |max(imum)? )*context (length|limit|size|window)",  # llama.cpp, Ollama
    r"context (length|limit|size|window) (is |was |has been )?exceed",  # llama.cpp, MiniMax
    r"context window exceeds",  # MiniMax
    r"reduce the length of (the|your) (messages|prompt|input)",  # Groq, Cerebras
    r"too large for model with \d+",  # Mistral
    r"exceeded model token limit",  # Moonshot
    r"`inputs` (tokens|must have less than \d+ tokens)",  # text-generation-inference, Together
    r"too many tokens",  # Cohere
    r"range of input length",  # Qwen
    r"prompt exceeds max length",  # Zhipu
)
_TOO_LONG = re.compile("|".join(TOO_LONG), re.IGNORECASE)

# The status that stands for an error in the middle of a stream: there it has no status of its own.
_IMPLIED_STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "BadRequestError": 400,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "overloaded_error": 503,
    "engine_overloaded_error": 503,
    "service_unavailable": 503,
    "UNAVAILABLE": 503,
    "insufficient_system_resource": 503,  # a ``finish_reason`` of DeepSeek
    "server_error": 500,
    "internal_error": 500,
    "internal_server_error": 500,
    "InternalServerError": 500,
    "api_error": 500,
}

_SENTENCES: Mapping[type[AdapterError], str] = {
    UnknownModel: "The upstream server does not have the requested model.",
    Overloaded: "The upstream server accepts no more requests for now.",
    TimedOut: "The upstream server did not answer in time.",
    Unavailable: "The upstream server is not available for now.",
}


class TransportFault(msgspec.Struct, frozen=True, kw_only=True):
    """Why there was no response: ``what`` completes "The upstream server …", ``short`` is the same in a few words."""

    error: type[AdapterError]
    what: str
    short: str = "cannot be reached"


# The first row whose exception is among the causes decides.
TRANSPORT_FAULTS: tuple[tuple[type[BaseException], TransportFault], ...] = (
    (
        socket.gaierror,
        TransportFault(
            error=Unavailable,
            what="has a host name that cannot be resolved: check --responses_api_base_url",
            short="no such host",
        ),
    ),
    (
        TrustStoreError,
        TransportFault(
            error=UpstreamError,
            what="cannot be reached: the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be loaded",
            short="no certificates",
        ),
    ),
    (
        ssl.SSLCertVerificationError,
        TransportFault(error=UpstreamError, what="has a TLS certificate that is not trusted", short="TLS failed"),
    ),
    (
        ssl.SSLError,
        TransportFault(
            error=UpstreamError, what="does not speak TLS correctly: check --responses_api_base_url", short="TLS failed"
        ),
    ),
    (httpx.NetworkError, TransportFault(error=Unavailable, what="cannot be reached")),
    (httpx.ProxyError, TransportFault(error=Unavailable, what="cannot be reached")),
    (
        httpx.RemoteProtocolError,
        TransportFault(error=Unavailable, what="closed the connection without an answer"),
    ),
    (BaseException, TransportFault(error=UpstreamError, what="could not be sent the request")),
)


def error_class(refused: Refusal) -> type[AdapterError]:
    """The contract's class for a refusal."""
    implied = (_IMPLIED_STATUSES[name] for name in refused.names if name in _IMPLIED_STATUSES)
    status = refused.status or next(implied, None)
    if status in (None, 400, 404, 413, 422, 429, 500):
        for name in refused.names:
            if name in NAMES:
                return NAMES[name]
        # With 429 such words speak of tokens a minute.
        if status != 429 and _TOO_LONG.search(refused.message):
            return TooLong
        # mlx_lm names what it did not find: "… snapshot folder …", "Repository Not Found …".
        if status == 404 and re.search("model|snapshot|repository", refused.message, re.IGNORECASE):
            return UnknownModel
    if status is None:
        return UpstreamError
    failed = ServerFailure if (status == 409 or status >= 500) and not refused.is_final else UpstreamError
    return STATUSES.get(status, failed)


def sentence(refused: Refusal) -> str:
    """A refusal in one sentence; for a request that is wrong itself it is the server's own words, and only then."""
    kind = error_class(refused)
    if issubclass(kind, InvalidRequest):
        return refused.message or "The upstream server refused the request."
    return _sentence(kind, refused)


def _sentence(kind: type[AdapterError], refused: Refusal) -> str:
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    if "insufficient_quota" in refused.names:
        return "The gateway's account with the upstream server has no quota left."
    match refused.status:
        case None:
            return "The upstream server reported an error in the middle of its answer."
        case 401 | 403:
            return "The upstream server refused the gateway's credentials."
        case 407:
            return "The proxy before the upstream server needs valid credentials."
        case status if refused.location:
            return (
                f"The upstream server redirects to {refused.location} (status {status}): "
                "set --responses_api_base_url to the address that answers."
            )
        case 404:
            return "The upstream server has no such endpoint: check --responses_api_base_url and --llm_backend."
        case status:
            return f"The upstream server failed with status {status}."


def transport_fault(error: httpx.HTTPError) -> TransportFault:
    """What ``error``, raised before the response headers arrived, means."""
    causes = list(_causes(error))
    return next(fault for kind, fault in TRANSPORT_FAULTS if any(isinstance(cause, kind) for cause in causes))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
