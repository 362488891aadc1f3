"""What can be set: the gateway's own settings, and what loading makes of them and of the engines' options."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from adapters import registry
from adapters.options import Secret
from gateway.settings.guard_table import GuardTable

SERVER, LANGUAGE_MODEL, RECOGNITION, SYNTHESIS, VOICE_ACTIVITY = GROUPS = (
    "Server",
    "Language model",
    "Recognition",
    "Synthesis",
    "Voice activity",
)
"""Headings of ``--help``; the settings under ``SERVER`` cannot be set per route."""

ENGINE_KEYS: dict[registry.Stage, str] = {"llm": "llm_backend", "stt": "stt", "tts": "tts", "vad": "vad"}
"""The setting that selects the engine of each stage."""

FALLBACK_KEYS: dict[registry.Stage, str] = {"stt": "stt_fallbacks", "tts": "tts_fallbacks"}
"""The setting that names the engines which take over from the one of a stage."""

STAGE_GROUPS: dict[registry.Stage, str] = {
    "llm": LANGUAGE_MODEL,
    "stt": RECOGNITION,
    "tts": SYNTHESIS,
    "vad": VOICE_ACTIVITY,
}
"""The heading for the options of the engines of each stage."""

NONE = "none"
"""The engine of a stage that is left out."""

AUTO = "auto"
"""The best engine of a stage that can be loaded and keeps up."""

OPTIONAL_STAGES: tuple[registry.Stage, ...] = ("stt", "vad")
"""Stages that can be left out: the model hears the recording itself; the recogniser gets silence too."""

Text = Annotated[str, Meta(min_length=1)]
ConnectionCount = Annotated[int, Meta(ge=1)]
ContextTokens = Annotated[int, Meta(ge=256)]
Language = Annotated[str, Meta(pattern="^[a-z]{2}$")]


class SettingsError(ValueError):
    """A setting cannot be used; the message is one line that quotes it and names the choices."""


def option(group: str, description: str, **limits: Any) -> Meta:
    """Describe a setting: its heading, what it does, and the limits of ``msgspec.Meta``."""
    return Meta(description=description, extra={"group": group}, **limits)


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway's own settings; ``composition.settings_type()`` adds the options of the engines."""

    host: Annotated[Text, option(SERVER, "Address to listen on; there is no authentication.")] = "127.0.0.1"
    port: Annotated[int, option(SERVER, "TCP port to listen on; 0 takes a free one.", ge=0, le=65535)] = 8765
    mode: Annotated[
        Literal["realtime"] | None, option(SERVER, "Accepted, without effect: /v1/realtime is not there yet.")
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
        option(SERVER, "Connections of one address at once; leave it unset behind a proxy, where all come from one."),
    ] = None
    cors_origins: Annotated[
        tuple[str, ...],
        option(SERVER, "Pages on other sites that may call the gateway, by origin (http://localhost:3000); * for all."),
    ] = ()
    request_memory_mb: Annotated[
        int, option(SERVER, "Megabytes of all request bodies in memory; further ones are refused with 503.", ge=64)
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

    llm_backend: Annotated[str | None, option(LANGUAGE_MODEL, "What writes the answers.")] = None
    model_name: Annotated[
        Text | None,
        option(LANGUAGE_MODEL, "Model string of the request (APIs), hub id or path (local backends)."),
    ] = None
    user_role: Annotated[Text, option(LANGUAGE_MODEL, "Role of the user's turns.")] = "user"
    init_chat_role: Annotated[Text, option(LANGUAGE_MODEL, "Role of the first message.")] = "system"
    init_chat_prompt: Annotated[str, option(LANGUAGE_MODEL, "First message of every new conversation.")] = (
        "You are a friendly voice assistant. Your answers are spoken aloud: keep them short, "
        "in plain sentences, without lists, tables, code or emoji."
    )
    fallbacks: Annotated[
        tuple[str, ...],
        option(LANGUAGE_MODEL, "Names of other [[routes]] whose models answer, in this order, when this one cannot."),
    ] = ()
    chat_size: Annotated[
        int,
        option(
            LANGUAGE_MODEL,
            "User-assistant pairs of a conversation that the model is given; tool calls go with their pair.",
            ge=1,
        ),
    ] = 30
    enable_lang_prompt: Annotated[
        bool, option(LANGUAGE_MODEL, "After each user turn ask for the reply in the detected or given language.")
    ] = False
    compact_history: Annotated[
        bool, option(LANGUAGE_MODEL, "Past chat_size, summarise old turns in the background instead of dropping them.")
    ] = True
    context_tokens: Annotated[
        ContextTokens | None,
        option(LANGUAGE_MODEL, "Tokens that prompt and answer may have together; unset: as the model reports."),
    ] = None
    max_answer_characters: Annotated[
        int, option(LANGUAGE_MODEL, "Longest answer in characters of text and calls; a longer one is cut there.", ge=1)
    ] = 50_000
    check_tool_calls: Annotated[
        bool,
        option(
            LANGUAGE_MODEL,
            "Check the calls in answers to text requests against their tools' schemas, which are else passed on unread "
            "where the server speaks the client's protocol.",
        ),
    ] = False
    responses_api_disable_thinking: Annotated[
        bool,
        option(
            LANGUAGE_MODEL,
            "Switch the model's reasoning off: the chat template gets enable_thinking false, in this process or at a "
            "server other than OpenAI.",
        ),
    ] = True
    responses_api_reasoning_effort: Annotated[
        Text | None,
        option(
            LANGUAGE_MODEL,
            "How much the model reasons: none, low, medium, high; sent in place of enable_thinking. In this process "
            "every value but none lets the model reason.",
        ),
    ] = None

    stt: Annotated[
        str | None, option(RECOGNITION, "Speech recogniser; none sends the audio to a model that takes audio.")
    ] = None
    stt_fallbacks: Annotated[
        tuple[str, ...],
        option(RECOGNITION, "Other speech recognisers that take over, in this order, when the first one fails."),
    ] = ()
    language: Annotated[
        Language | None,
        option(RECOGNITION, "What is spoken when the request does not say, ISO 639-1 (en)."),
    ] = None

    tts: Annotated[str | None, option(SYNTHESIS, "Speech synthesiser.")] = None
    tts_fallbacks: Annotated[
        tuple[str, ...],
        option(SYNTHESIS, "Other speech synthesisers that take over, in this order, when the first one fails."),
    ] = ()
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
    voice: Annotated[Text, option(SYNTHESIS, "Voice of the answers, of the engine or one of OpenAI's.")] = "alloy"
    voices_by_language: Annotated[
        dict[Language, Text],
        option(
            SYNTHESIS,
            "Voices for languages (ISO 639-1) where a request names none; the engine's own choice goes for others.",
        ),
    ] = {}
    speed: Annotated[float, option(SYNTHESIS, "Speed of speech, 1.0 is normal.", ge=0.25, le=4.0)] = 1.0
    stream_batch_sentences: Annotated[
        int,
        option(
            SYNTHESIS,
            "Sentences gathered before a batch goes to synthesis; the first clause, and what is there when the "
            "listener would run dry, go at once.",
            ge=1,
        ),
    ] = 3
    first_utterance_ms: Annotated[
        int,
        option(SYNTHESIS, "Milliseconds after the model's first token at which the words so far are spoken.", ge=0),
    ] = 300
    max_speech_characters: Annotated[
        int, option(SYNTHESIS, "Longest text of a request to /v1/audio/speech, in characters; OpenAI's is 4096.", ge=1)
    ] = 4096
    speak_code: Annotated[
        Literal["omit", "read"],
        option(SYNTHESIS, "Code in an answer: omit says that there is some, read reads it aloud."),
    ] = "omit"
    pronunciations: Annotated[
        dict[Annotated[str, Meta(min_length=1, max_length=100)], Annotated[str, Meta(max_length=200)]],
        option(
            SYNTHESIS,
            "Words and how to say them: another spelling, or the engine's phonemes in [[ and ]].",
            max_length=1000,
        ),
    ] = {}

    vad: Annotated[
        str | None, option(VOICE_ACTIVITY, "Voice activity detector; with none the recogniser gets silence too.")
    ] = None


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A model that clients can name: its ``name``, other names for it (``*`` is any), its effective settings.

    ``origins`` says of every key where its value comes from, as in ``Loaded``.
    """

    name: str
    aliases: tuple[str, ...]
    settings: GatewaySettings
    origins: dict[str, str]


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of loading: effective settings, at least one route, and what should be said to the user.

    ``settings`` and every route's settings are of ``composition.settings_type()``, with ``model_name`` and the engine
    of each stage filled in. ``origins`` maps each key to ``flag --<key>``, ``argument``, ``environment <NAME>``,
    ``file <path>``, ``preset of --<key>``, ``chosen by <key>``, ``default of <backend>``, ``default with fallbacks`` or
    ``default``; what is in the open table ``llm_gen`` has keys of its own, ``llm_gen_<name>``.
    """

    settings: GatewaySettings
    routes: tuple[Route, ...]
    origins: dict[str, str]
    warnings: tuple[str, ...]
    guards: tuple[GuardTable, ...] = ()
