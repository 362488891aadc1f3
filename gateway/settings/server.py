"""The settings of the server as a whole, which cannot be set per route."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from adapters.options import Secret
from gateway.access.limits import Limits
from gateway.settings.declaration import REALTIME, SERVER, Text, option

ConnectionCount = Annotated[int, Meta(ge=1)]


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is set once for all routes."""

    host: Annotated[Text, option(SERVER, "Address to listen on; another than loopback needs keys.")] = "127.0.0.1"
    port: Annotated[int, option(SERVER, "TCP port to listen on; 0 takes a free one.", ge=0, le=65535)] = 8765
    api_keys: Annotated[
        tuple[Secret, ...],
        option(SERVER, "Keys, one of which every request must show; [[keys]] in a file say more about each."),
    ] = ()
    allow_anonymous: Annotated[
        tuple[Text, ...],
        option(
            SERVER,
            "Serve without keys on any address: the names that clients may call this gateway by in Host "
            "(speech.lan), beside loopback's.",
        ),
    ] = ()
    forwarded_allow_ips: Annotated[
        tuple[Text, ...],
        option(
            SERVER,
            "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses, networks (10.0.0.0/8), * for "
            "all.",
        ),
    ] = ()
    workers: Annotated[
        int,
        option(
            SERVER,
            "Processes that serve on the one port (Linux). More than one need engines that load no weights, "
            "conversation_store and usage_store; each has its own max_requests, max_connections and request_memory_mb.",
            ge=1,
            le=256,
        ),
    ] = 1
    mode: Annotated[
        Literal["realtime"] | None, option(SERVER, "Accepted, without effect: /v1/realtime is always served.")
    ] = None
    page: Annotated[
        bool | None,
        option(SERVER, "Serve a web page at / to talk to the gateway; unset: where host is a loopback address."),
    ] = None
    tls_certificate: Annotated[
        Text | None, option(SERVER, "PEM file with the certificate and its chain: the gateway speaks HTTPS.")
    ] = None
    tls_key: Annotated[Text | None, option(SERVER, "PEM file with the key of tls_certificate, unencrypted.")] = None
    max_requests: Annotated[
        int, option(SERVER, "Turns served at once; further ones are refused with 503 before their body is read.", ge=1)
    ] = 256
    max_connections: Annotated[
        int, option(SERVER, "Connections open at once; past it an idle one gives way, or a new one is refused.", ge=1)
    ] = 1024
    max_connections_per_client: Annotated[
        ConnectionCount | None,
        option(SERVER, "Connections of one address at once; behind forwarded_allow_ips, requests of a client."),
    ] = None
    max_websockets: Annotated[
        int, option(SERVER, "WebSockets open at once, of max_connections; further ones are refused with 503.", ge=1)
    ] = 768
    cors_origins: Annotated[
        tuple[str, ...],
        option(
            SERVER,
            "Web pages that may call the gateway from a browser, by origin (http://localhost:3000); * for all. Unset: "
            "none on other sites.",
        ),
    ] = ()
    log_format: Annotated[
        Literal["text", "json"], option(SERVER, "Lines of the log: text for people, json for programs.")
    ] = "text"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        option(SERVER, "The least that is logged; no level logs prompts, transcripts, audio or keys."),
    ] = "info"
    otel_endpoint: Annotated[
        Text | None,
        option(
            SERVER,
            "OpenTelemetry collector that gets traces and metrics by OTLP over HTTP, http://localhost:4318; its other "
            "settings are the variables OTEL_*.",
        ),
    ] = None
    limits: Annotated[
        Limits,
        option(
            SERVER,
            "The most that all clients together may use: requests_per_minute, tokens_per_day and the like; those of "
            "one key stand in its [[keys]].",
        ),
    ] = Limits()
    usage_store: Annotated[
        Secret | None,
        option(
            SERVER,
            "Valkey or Redis that counts limits and usage for several gateways, redis://host:port/db; unset: the "
            "memory of this process.",
        ),
    ] = None
    usage_days: Annotated[
        int, option(SERVER, "Days for which GET /v1/usage knows what was used, today included.", ge=1, le=400)
    ] = 31
    request_memory_mb: Annotated[
        int,
        option(
            SERVER,
            "Megabytes of all request bodies, and messages of WebSockets that arrive, in memory; further ones are "
            "refused with 503.",
            ge=64,
        ),
    ] = 256
    max_queue: Annotated[
        int, option(SERVER, "Requests that may wait for an engine; further ones are refused with 503.", ge=0)
    ] = 64
    max_queue_seconds: Annotated[
        float,
        option(
            SERVER,
            "Longest wait for an engine, in seconds; a turn that would wait longer is refused with 503 when it begins.",
            gt=0,
        ),
    ] = 10.0
    max_audio_seconds: Annotated[float, option(SERVER, "Longest recording, in seconds after decoding.", gt=0)] = 600.0
    max_turn_seconds: Annotated[
        float,
        option(SERVER, "Longest turn, in seconds from the request to the last sound sent, fallbacks included.", gt=0),
    ] = 900.0
    shutdown_seconds: Annotated[
        float, option(SERVER, "Seconds that running requests get to finish at shutdown.", ge=0)
    ] = 10.0
    conversation_store: Annotated[
        Secret | None,
        option(
            SERVER,
            "Valkey or Redis that keeps conversations, redis://host:port/db; unset: the memory of this process.",
        ),
    ] = None
    conversation_ttl_seconds: Annotated[
        float, option(SERVER, "Seconds for which an answered turn can be continued.", ge=1)
    ] = 3600.0
    conversation_max_mb: Annotated[
        float,
        option(
            SERVER,
            "Megabytes of one conversation, in memory at most a quarter of conversation_memory_mb; its oldest turns "
            "are dropped first.",
            gt=0,
        ),
    ] = 8.0
    conversation_memory_mb: Annotated[
        float, option(SERVER, "Megabytes of all conversations in memory; the least recently used go first.", gt=0)
    ] = 256.0
    config: Annotated[
        str | None, option(SERVER, "Configuration file, .toml or .json; flags and environment take precedence.")
    ] = None
    local_mac_optimal_settings: Annotated[
        bool, option(SERVER, "On macOS: preset the engines and options that suit it; explicit flags win.")
    ] = False
    speech_cache_mb: Annotated[
        float,
        option(
            SERVER,
            "Megabytes of synthesised speech kept in memory, so that the same words are not synthesised again; 0 keeps "
            "none. Turns with store false are never kept.",
            ge=0,
        ),
    ] = 0.0
    speech_cache_store: Annotated[
        Secret | None,
        option(SERVER, "Valkey or Redis that keeps synthesised speech instead, for several gateways."),
    ] = None
    speech_cache_ttl_seconds: Annotated[
        float, option(SERVER, "Seconds for which speech_cache_store keeps speech.", ge=1)
    ] = 86_400.0
    realtime_sessions: Annotated[
        int, option(REALTIME, "Sessions open at once; further ones are refused with 503.", ge=1)
    ] = 600
    realtime_audio_mb: Annotated[
        int,
        option(
            REALTIME, "Megabytes of audio that all sessions keep together, but for what is being recognised.", ge=64
        ),
    ] = 1024
    realtime_session_minutes: Annotated[
        float, option(REALTIME, "Longest session, in minutes; then it ends with session_expired.", gt=0)
    ] = 60.0
    realtime_idle_seconds: Annotated[
        float, option(REALTIME, "Seconds after which a session ends whose client sends nothing; 0: never.", ge=0)
    ] = 900.0
    realtime_lead_seconds: Annotated[
        float,
        option(REALTIME, "Seconds of speech that are sent at most ahead of real time; 0 sends all at once.", ge=0),
    ] = 5.0
    realtime_ahead: Annotated[
        Literal["auto", "off", "stt", "llm", "tts"],
        option(
            REALTIME,
            "How far an answer is prepared in a pause that may be the end of what the user says: recognition, model, "
            "speech. auto: as far as each stage runs in this process, or on a loopback or private address. For "
            "semantic_vad the words of a pause are recognised in any case: they say whether it is the end.",
        ),
    ] = "auto"
    realtime_ahead_ms: Annotated[
        float, option(REALTIME, "Milliseconds of quiet after which that begins.", ge=0, le=5000)
    ] = 120.0
    realtime_turn_model: Annotated[
        Text | None,
        option(
            REALTIME,
            "Smart Turn's model (smart-turn-v3.2-cpu.onnx), which hears for semantic_vad whether a speaker has "
            "finished; unset: the words and the time decide.",
        ),
    ] = None
    realtime_interrupt_ms: Annotated[
        int, option(REALTIME, "Milliseconds of speech that it takes to interrupt an answer; 0: any.", ge=0, le=5000)
    ] = 0
    realtime_interrupt_words: Annotated[
        int, option(REALTIME, "Words that it takes to interrupt an answer; 0: speech is enough.", ge=0, le=20)
    ] = 0
    realtime_resume: Annotated[
        bool, option(REALTIME, "Go on with an answer that was interrupted by something without words.")
    ] = False
    webrtc_ports: Annotated[
        Text | None, option(REALTIME, "UDP ports of WebRTC calls, like 50000-50199: one a call; unset: any free one.")
    ] = None
    webrtc_stun_server: Annotated[
        Text | None,
        option(REALTIME, "STUN server, stun:host:port, that tells the public address of a gateway behind NAT."),
    ] = None
    webrtc_turn_server: Annotated[
        Text | None,
        option(REALTIME, "TURN server, turn:host:port, that relays calls where UDP does not reach the gateway."),
    ] = None
    webrtc_turn_username: Annotated[Text | None, option(REALTIME, "User name at webrtc_turn_server.")] = None
    webrtc_turn_password: Annotated[Secret | None, option(REALTIME, "Password at webrtc_turn_server.")] = None
