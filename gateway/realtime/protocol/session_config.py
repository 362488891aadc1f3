"""Wire types of a realtime session's configuration, as clients set it and as it is shown to them whole."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gateway.wire.audio import VoiceId, VoiceName
from gateway.wire.field_types import ShortText
from gateway.wire.messages import ShownText
from gateway.wire.tools import ToolDescription, ToolName, ToolWord

Modality = Literal["text", "audio"]
Modalities = Annotated[list[Modality], Meta(min_length=1, max_length=1)]
"""Audio (with its transcript) or text; never both."""

OutputTokens = Annotated[int, Meta(ge=1, le=4096)] | Literal["inf"]
Strength = Annotated[float, Meta(ge=0, le=1)]


class Pcm(msgspec.Struct, frozen=True, kw_only=True, tag="audio/pcm"):
    """PCM, 16 bits, little endian, mono."""

    rate: Literal[24000] = 24000


class MuLaw(msgspec.Struct, frozen=True, kw_only=True, tag="audio/pcmu"):
    """G.711 mu-law, 8 kHz."""


class ALaw(msgspec.Struct, frozen=True, kw_only=True, tag="audio/pcma"):
    """G.711 A-law, 8 kHz."""


AudioFormat = Pcm | MuLaw | ALaw


class InputTranscription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the client wants to read of what it says; ``model`` is any name, ``languages`` are guesses."""

    model: ShortText | None = None
    language: ShortText | None = None
    languages: Annotated[list[ShortText], Meta(max_length=64)] | None = None
    keywords: Annotated[list[ShortText], Meta(max_length=1024)] | None = None
    prompt: ShownText | None = None
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class NoiseReduction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the microphone is; accepted, without effect."""

    type: Literal["near_field", "far_field"] | None = None
    strength: Strength | None = None


class ServerVad(msgspec.Struct, frozen=True, kw_only=True, tag="server_vad"):
    """A turn ends after ``silence_duration_ms`` without speech; ``prefix_padding_ms`` before it belong to it.

    ``create_response``: the end of a turn is answered. ``interrupt_response``: its start stops the answer before.
    ``idle_timeout_ms``: so long after an answer was played the user, silent, is spoken to again.
    """

    threshold: Strength = 0.5
    prefix_padding_ms: Annotated[int, Meta(ge=0, le=5000)] = 300
    silence_duration_ms: Annotated[int, Meta(ge=0, le=60_000)] = 500
    idle_timeout_ms: Annotated[int, Meta(ge=5000, le=30_000)] | None = None
    create_response: bool = True
    interrupt_response: bool = True


class SemanticVad(msgspec.Struct, frozen=True, kw_only=True, tag="semantic_vad"):
    """A turn ends when it sounds and reads as ended; ``eagerness`` says how long to wait where it does not."""

    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


TurnDetection = ServerVad | SemanticVad


class AudioInput(msgspec.Struct, frozen=True, kw_only=True):
    """The client's audio; without ``turn_detection`` the client commits it and asks for answers itself."""

    format: AudioFormat = Pcm()
    transcription: InputTranscription | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = ServerVad()


class AudioOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The answers' audio."""

    format: AudioFormat = Pcm()
    voice: VoiceName | VoiceId = "marin"
    speed: Annotated[float, Meta(ge=0.25, le=1.5)] = 1.0


class Audio(msgspec.Struct, frozen=True, kw_only=True):
    """Audio of a session that answers."""

    input: AudioInput = AudioInput()
    output: AudioOutput = AudioOutput()


class InputOnly(msgspec.Struct, frozen=True, kw_only=True):
    """Audio of a session that transcribes."""

    input: AudioInput = AudioInput()


class FunctionTool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="function"):
    """A function that the model may call; ``parameters`` is a JSON Schema."""

    name: ToolName
    description: ToolDescription | None = None
    parameters: dict[str, Any] | None = None


class NamedFunction(msgspec.Struct, frozen=True, kw_only=True, tag="function"):
    """A tool choice that forces one function."""

    name: ToolName


Tools = Annotated[list[FunctionTool], Meta(max_length=128)]
ToolChoice = ToolWord | NamedFunction


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How much the model reasons before it speaks."""

    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class TokenLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens that stay after a truncation."""

    post_instructions: Annotated[int, Meta(ge=0)] | None = None


class RetentionRatio(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="retention_ratio"):
    """The share of the context that is kept when it is full; accepted, without effect."""

    retention_ratio: Strength
    token_limits: TokenLimits | None = None


class Tracing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where OpenAI shows traces; accepted, without effect."""

    workflow_name: ShortText | None = None
    group_id: ShortText | None = None
    metadata: dict[str, Any] | None = None


class PromptTemplate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A prompt kept at OpenAI; accepted, without effect."""

    id: ShortText
    version: ShortText | None = None
    variables: dict[str, Any] | None = None


Include = Annotated[list[Literal["item.input_audio_transcription.logprobs"]], Meta(max_length=16)]


class RealtimeSession(msgspec.Struct, frozen=True, kw_only=True, tag="realtime"):
    """A session that answers. ``model`` is the name that the client asked for; ``expires_at`` is a Unix time."""

    object: Literal["realtime.session"] = "realtime.session"
    id: ShortText = ""
    model: ShortText = ""
    output_modalities: Modalities = msgspec.field(default_factory=lambda: list[Modality](("audio",)))
    instructions: ShownText = ""
    tools: Tools = []
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    max_output_tokens: OutputTokens = "inf"
    truncation: Literal["auto", "disabled"] | RetentionRatio = "auto"
    tracing: Literal["auto"] | Tracing | None = None
    prompt: PromptTemplate | None = None
    expires_at: int | None = None
    include: Include | None = None
    audio: Audio = Audio()


class TranscriptionSession(msgspec.Struct, frozen=True, kw_only=True, tag="transcription"):
    """A session that transcribes and answers nothing."""

    object: Literal["realtime.transcription_session"] = "realtime.transcription_session"
    id: ShortText = ""
    expires_at: int | None = None
    include: Include | None = None
    audio: InputOnly = InputOnly()


SessionConfig = RealtimeSession | TranscriptionSession
