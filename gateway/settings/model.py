"""What can be set: the gateway's own settings, and what loading makes of them and of the engines' options."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from adapters import registry
from gateway.access.keys import Key
from gateway.settings.declaration import LANGUAGE_MODEL, RECOGNITION, SYNTHESIS, VOICE_ACTIVITY, Text, option
from gateway.settings.guard_table import GuardTable
from gateway.settings.reasons import LANGUAGE
from gateway.settings.server import ServerSettings

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

ContextTokens = Annotated[int, Meta(ge=256)]
Language = Annotated[str, Meta(pattern=LANGUAGE)]


class SettingsError(ValueError):
    """A setting cannot be used; the message is one line that quotes it and names the choices."""


class GatewaySettings(ServerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway's own settings; ``composition.settings_type()`` adds the options of the engines."""

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
    voice: Annotated[Text, option(SYNTHESIS, "Voice of the answers, of the engine or one of OpenAI's.")] = "alloy"
    voices_by_language: Annotated[
        dict[Language, Text],
        option(
            SYNTHESIS,
            "Voices for languages (ISO 639-1) where a request names none; the engine's own choice goes for others.",
        ),
    ] = msgspec.field(default_factory=dict)
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
    ] = msgspec.field(default_factory=dict)

    vad: Annotated[
        str | None, option(VOICE_ACTIVITY, "Voice activity detector; with none the recogniser gets silence too.")
    ] = None


class RouteUpstream(msgspec.Struct, frozen=True, kw_only=True):
    """One of several servers of a route's language model: its ``weight`` is its share of new conversations.

    ``settings`` and ``origins`` are those of the route, with what is set for this server alone.
    """

    name: str
    weight: float
    settings: GatewaySettings
    origins: dict[str, str]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A model that clients can name: its ``name``, other names for it (``*`` is any), its effective settings.

    ``origins`` says of every key where its value comes from, as in ``Loaded``. Where there are ``upstreams``, they
    write the answers.
    """

    name: str
    aliases: tuple[str, ...]
    settings: GatewaySettings
    origins: dict[str, str]
    upstreams: tuple[RouteUpstream, ...] = ()


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of loading: effective settings, at least one route, keys, and what should be said to the user.

    ``settings`` and every route's settings are of ``composition.settings_type()``, with ``model_name`` and the engine
    of each stage filled in. ``origins`` maps each key to ``flag --<key>``, ``argument``, ``environment <NAME>``,
    ``file <path>``, ``preset of --<key>``, ``chosen by <key>``, ``default of <backend>``, ``default with fallbacks`` or
    ``default``; what is in the open table ``llm_gen`` has keys of its own, ``llm_gen_<name>``.
    """

    settings: GatewaySettings
    routes: tuple[Route, ...]
    keys: tuple[Key, ...]
    origins: dict[str, str]
    warnings: tuple[str, ...]
    guards: tuple[GuardTable, ...] = ()
