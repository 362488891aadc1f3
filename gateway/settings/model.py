"""What can be set: the gateway's own options, the engines' options beside them, and what loading makes of both."""

from functools import cache
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta

from adapters import registry
from adapters.options import Secret

SERVER, LANGUAGE_MODEL, RECOGNITION, SYNTHESIS, VOICE_ACTIVITY = GROUPS = (
    "Server",
    "Language model",
    "Recognition",
    "Synthesis",
    "Voice activity",
)
"""Headings of ``--help``; what stands under ``SERVER`` cannot be set per route."""

ENGINE_KEYS: dict[registry.Stage, str] = {"llm": "llm_backend", "stt": "stt", "tts": "tts", "vad": "vad"}
"""The setting that selects the engine of each stage."""

STAGE_GROUPS: dict[registry.Stage, str] = {
    "llm": LANGUAGE_MODEL,
    "stt": RECOGNITION,
    "tts": SYNTHESIS,
    "vad": VOICE_ACTIVITY,
}
"""The heading under which an engine's own options stand."""

NONE = "none"
"""The engine of a stage that is left out."""

OPTIONAL_STAGES: tuple[registry.Stage, ...] = ("stt", "vad")
"""Stages that ``none`` can stand for: the model hears the recording itself; the recogniser gets silence too."""

Text = Annotated[str, Meta(min_length=1)]
ContextTokens = Annotated[int, Meta(ge=256)]
Language = Annotated[str, Meta(pattern="^[a-z]{2}$")]


class NoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a stage that is left out."""


class SettingsError(ValueError):
    """A setting cannot be used; the message is one line that quotes it and names the choices."""


def option(group: str, description: str, **limits: Any) -> Meta:
    """Describe a setting: its heading, what it does, and the limits of ``msgspec.Meta``."""
    return Meta(description=description, extra={"group": group}, **limits)


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway's own settings; ``settings_type()`` is this struct with every engine's options beside them."""

    host: Annotated[Text, option(SERVER, "Address to listen on; there is no authentication.")] = "127.0.0.1"
    port: Annotated[int, option(SERVER, "TCP port to listen on; 0 takes a free one.", ge=0, le=65535)] = 8765
    mode: Annotated[
        Literal["realtime"] | None, option(SERVER, "Accepted and without effect: /v1/realtime is not there yet.")
    ] = None
    max_requests: Annotated[
        int, option(SERVER, "Turns served at once; further ones are refused with 503 before their body is read.", ge=1)
    ] = 256
    max_queue: Annotated[
        int, option(SERVER, "Requests that may wait for an engine; further ones are refused with 503.", ge=0)
    ] = 64
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
        str | None, option(SERVER, "Configuration file, .toml or .json; flags and environment go before it.")
    ] = None
    local_mac_optimal_settings: Annotated[
        bool, option(SERVER, "On macOS: preset the backend mlx-lm, and mps for others; explicit flags win.")
    ] = False

    llm_backend: Annotated[
        str | None,
        option(LANGUAGE_MODEL, "Who writes the answers; when unset, chosen by what else is set."),
    ] = None
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
        option(LANGUAGE_MODEL, "Tokens that question and answer may have; unset: what the model itself says."),
    ] = None
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

    stt: Annotated[str, option(RECOGNITION, "Speech recogniser; none lets a model that takes audio listen itself.")] = (
        "pocketsphinx"
    )
    language: Annotated[
        Language | None,
        option(RECOGNITION, "What is spoken when the request does not say, ISO 639-1 (en)."),
    ] = None

    tts: Annotated[str, option(SYNTHESIS, "Speech synthesiser.")] = "espeak"
    voice: Annotated[Text, option(SYNTHESIS, "Voice of the answers, of the engine or one of OpenAI's.")] = "alloy"
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

    vad: Annotated[str, option(VOICE_ACTIVITY, "Voice activity detector; none gives the recogniser silence too.")] = (
        "energy"
    )


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

    ``settings`` and every route's settings are of ``settings_type()``, ``llm_backend`` and ``model_name`` filled in.
    ``origins`` maps each key to ``flag --<key>``, ``argument``, ``environment <NAME>``, ``file <path>``, ``preset of
    --<key>``, ``chosen by <key>``, ``default of <backend>`` or ``default``; what is in the open table ``llm_gen``
    stands under keys of its own, ``llm_gen_<name>``.
    """

    settings: GatewaySettings
    routes: tuple[Route, ...]
    origins: dict[str, str]
    warnings: tuple[str, ...]


def choices(stage: registry.Stage) -> tuple[str, ...]:
    """The engines of a stage that can be named, sorted."""
    return (*registry.names(stage), NONE) if stage in OPTIONAL_STAGES else registry.names(stage)


def engine_options(stage: registry.Stage, name: str) -> type[msgspec.Struct]:
    """The options that an engine of ``choices(stage)`` brings."""
    if stage in OPTIONAL_STAGES and name == NONE:
        return NoOptions
    return registry.options_class(stage, name)


@cache
def settings_type() -> type[GatewaySettings]:
    """The one flat struct of all settings. Raises ``TypeError`` when two engines declare a key differently.

    An option with the name of one of the gateway's own settings (``model_name``) declares nothing: the engine reads
    that setting, whose type and description are the gateway's.
    """
    fields: dict[str, msgspec.structs.FieldInfo] = {}
    for stage in registry.STAGES:
        for name in choices(stage):
            for field in msgspec.structs.fields(engine_options(stage, name)):
                if field.name in GatewaySettings.__struct_fields__:
                    continue
                if not _same(fields.setdefault(field.name, field), field):
                    raise TypeError(
                        f"the option {field.name!r} of {stage} engine {name!r} is already declared otherwise"
                    )
    declared = [(field.name, field.type, _default(field)) for field in fields.values()]
    composed = msgspec.defstruct(
        "Settings", declared, bases=(GatewaySettings,), module=__name__, kw_only=True, frozen=True
    )
    return cast(type[GatewaySettings], composed)


def _same(one: msgspec.structs.FieldInfo, other: msgspec.structs.FieldInfo) -> bool:
    return (one.type, one.default, one.default_factory) == (other.type, other.default, other.default_factory)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.required:
        raise TypeError(f"the option {field.name!r} has no default")
    if field.default is msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return field.default
