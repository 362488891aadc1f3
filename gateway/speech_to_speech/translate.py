"""Pure: the request of a speech-to-speech turn to the pipeline's terms, and the turn's events to the wire's."""

import base64
from collections.abc import Iterable
from urllib.parse import quote

import msgspec

from adapters.contract import llm, tts
from adapters.contract.errors import InvalidRequest
from gateway.conversation.messages import image_of, tool_choice_of, tool_of
from gateway.engines import ServedRoute
from gateway.http.body import Upload
from gateway.languages import code_of
from gateway.pipeline import answer, turn
from gateway.pipeline.stages import Pacing
from gateway.pipeline.voices import known_voice
from gateway.settings.model import GatewaySettings
from gateway.speech_to_speech import schema
from gateway.speech_to_speech.schema import SpeechToSpeechRequest
from gateway.telemetry import Timings
from gateway.text.normalization.normalizer import ReadingOptions

IGNORED_NAMES = {"instructions": "speech_instructions"}
"""What a synthesiser ignores, by the name that it has in the request."""

LONGEST_HEADER_BYTES = 1500
"""Of what others wrote in a header; servers and proxies refuse headers of more than a few kilobytes."""


def recording_of(request: SpeechToSpeechRequest, files: list[Upload]) -> bytes | None:
    """The bytes of the recording, ``None`` when the history ends in a tool result that is to be answered instead."""
    if len(files) > 1:
        raise InvalidRequest(f"One recording makes a turn, not {len(files)}.", param="file", code="invalid_value")
    if files:
        return files[0].data
    if request.input_audio is not None:
        return _base64(request.input_audio.data)
    if request.messages and request.messages[-1].role == "tool":
        return None
    raise InvalidRequest(
        "Missing required parameter: 'file'. Send a recording as 'file', as 'input_audio' in JSON or as the body.",
        param="file",
        code="missing_required_parameter",
    )


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)  # base64 of the shell wraps its lines
    except ValueError:  # binascii.Error is one; characters outside ASCII raise the plain one
        raise InvalidRequest(
            "Invalid 'input_audio.data': this is no base64. Send the whole file in standard base64, padded with '=', "
            "without a 'data:' prefix.",
            param="input_audio.data",
            code="invalid_value",
        ) from None


def turn_of(request: SpeechToSpeechRequest, images: list[Upload], served: ServedRoute) -> turn.Turn:
    """The turn that is asked for, still without its audio. Raises ``InvalidRequest``."""
    settings = served.route.settings
    _check_tools(request)
    language = _language(request.language or settings.language)
    speaking = tts.Request(
        text="",
        voice=_voice(request, served),
        speed=settings.speed if request.speed is None else request.speed,
        language=language,
        instructions=request.speech_instructions,
    )
    served.engines.tts.check(speaking)
    return turn.Turn(
        audio=None,
        language=language,
        images=_images(request, images),
        user_role=settings.user_role,
        ask_for_language=settings.enable_lang_prompt,
        writing=_writing(request, settings),
        speaking=speaking,
        pacing=Pacing(
            batch_sentences=settings.stream_batch_sentences,
            first_utterance_seconds=settings.first_utterance_ms / 1000,
            turn_seconds=settings.max_turn_seconds,
        ),
        reading=ReadingOptions(code=settings.speak_code, pronunciations=settings.pronunciations),
    )


def _check_tools(request: SpeechToSpeechRequest) -> None:
    if request.tools and request.stream_format != "sse":
        raise InvalidRequest(
            "Tools need stream_format 'sse': a stream of audio bytes has no place for a function call.",
            param="tools",
            code="invalid_value",
        )
    if request.tool_choice is not None and not request.tools:
        raise InvalidRequest(
            "'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice", code="invalid_value"
        )


def _language(name: str | None) -> str | None:
    if name is None:
        return None
    code = code_of(name)
    if code is None:
        raise InvalidRequest(
            f"Invalid 'language': {name!r} is no language known here. Use an ISO 639-1 code such as 'en'.",
            param="language",
            code="invalid_value",
        )
    return code


def _voice(request: SpeechToSpeechRequest, served: ServedRoute) -> str:
    name = request.voice.id if isinstance(request.voice, schema.VoiceId) else request.voice
    return known_voice(served.engines.tts.info, name or served.route.settings.voice)


def _images(request: SpeechToSpeechRequest, uploads: list[Upload]) -> tuple[llm.Image, ...]:
    named = [request.image] if isinstance(request.image, str) else request.image or []
    inline = [f"data:{image.content_type};base64,{base64.b64encode(image.data).decode()}" for image in uploads]
    return tuple(image_of(url) for url in (*named, *inline))


def instructions_of(request: SpeechToSpeechRequest, settings: GatewaySettings) -> llm.Message | None:
    """What the request says of how to answer this turn; ``None`` when it says nothing, even in place of the prompt."""
    return _system(settings.init_chat_role, request.instructions)


def prompt_of(request: SpeechToSpeechRequest, settings: GatewaySettings) -> llm.Message | None:
    """The gateway's own system prompt, unless the request has instructions, which may be empty."""
    return _system(settings.init_chat_role, settings.init_chat_prompt if request.instructions is None else None)


def _system(role: str, text: str | None) -> llm.Message | None:
    return llm.Message(role=role, parts=(llm.Text(text=text),)) if text else None


def _writing(request: SpeechToSpeechRequest, settings: GatewaySettings) -> llm.Request:
    prompt = instructions_of(request, settings) or prompt_of(request, settings)
    return llm.Request(
        model=settings.model_name or "",
        messages=() if prompt is None else (prompt,),
        tools=tuple(tool_of(tool) for tool in request.tools or ()),
        tool_choice=None if request.tool_choice is None else tool_choice_of(request.tool_choice),
        max_output_tokens=request.max_output_tokens,
        sampling=llm.Sampling(
            temperature=request.temperature,
            top_p=request.top_p,
            stop=None
            if request.stop is None
            else tuple([request.stop] if isinstance(request.stop, str) else request.stop),
            seed=request.seed,
            frequency_penalty=request.frequency_penalty,
            presence_penalty=request.presence_penalty,
        ),
        reasoning=llm.Reasoning(
            effort=request.reasoning_effort or settings.responses_api_reasoning_effort,
            disabled=settings.responses_api_disable_thinking,
        ),
    )


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """What the last event says besides what the turn knows; ``compaction`` is what a summary cost."""

    response_id: str
    conversation_id: str | None = None
    compaction: llm.Usage | None = None


def event_of(event: turn.Event, ending: Ending) -> schema.Event | None:
    """The event on the wire, ``None`` for what is not shown; audio goes through the encoder first: ``audio_delta``."""
    match event:
        case turn.TranscriptDelta():
            return schema.TranscriptDelta(delta=event.text)
        case turn.TranscriptFinished():
            return schema.TranscriptDone(text=event.text, language=event.language)
        case llm.TextDelta():
            return schema.TextDelta(delta=event.text)
        case answer.TextFinished():
            return schema.TextDone(text=event.text)
        case llm.ToolCallFinished():
            return schema.FunctionCallDone(
                call_id=event.call_id, name=event.name, arguments=event.arguments, invalid=event.invalid
            )
        case answer.AnswerFinished():
            return schema.AudioDone(
                response_id=ending.response_id,
                conversation_id=ending.conversation_id,
                finish_reason=event.reason,
                usage=_usage(event.usage, ending.compaction),
                timings=_milliseconds(event.timings),
            )
        case _:
            return None


def audio_delta(data: bytes) -> schema.AudioDelta:
    """A slice of encoded audio on the wire."""
    return schema.AudioDelta(audio=base64.b64encode(data).decode())


def _usage(usage: llm.Usage | None, compaction: llm.Usage | None) -> schema.Usage | None:
    if usage is None:
        return None
    given, written = usage.input_tokens, usage.output_tokens
    extra = 0
    if compaction is not None:
        given, written = given + compaction.input_tokens, written + compaction.output_tokens
        extra = compaction.input_tokens + compaction.output_tokens
    return schema.Usage(
        input_tokens=given, output_tokens=written, total_tokens=given + written, compaction_tokens=extra
    )


def _milliseconds(timings: Timings) -> schema.StageTimes:
    def rounded(seconds: float | None) -> float | None:
        return None if seconds is None else round(seconds * 1000, 1)

    return schema.StageTimes(
        stt_ms=rounded(timings.stt),
        llm_first_ms=rounded(timings.llm_first),
        tts_first_ms=rounded(timings.tts_first),
        first_audio_ms=rounded(timings.first_audio),
        total_ms=round(timings.total * 1000, 1),
    )


def transcript_headers(text: str) -> dict[str, str]:
    """What was heard, percent-encoded UTF-8, cut at a character when it is too long for a header."""
    encoded = ""
    for character in text:
        following = quote(character, safe="")
        if len(encoded) + len(following) > LONGEST_HEADER_BYTES:
            return {"x-transcript": encoded, "x-transcript-truncated": "true"}
        encoded += following
    return {"x-transcript": encoded}


def ignored_headers(names: Iterable[str]) -> dict[str, str]:
    """The parameters that had no effect, percent-encoded like the transcript, as many as fit."""
    listed = ""
    for name in names:
        following = f", {quote(name, safe='')}" if listed else quote(name, safe="")
        if len(listed) + len(following) > LONGEST_HEADER_BYTES:
            break
        listed += following
    return {"x-ignored-parameters": listed} if listed else {}


def timing_headers(timings: Timings) -> dict[str, str]:
    """The stages that are over, for people (``server-timing``) and in the form OpenAI's clients know."""
    stages = (
        ("stt", timings.stt),
        ("llm_first", timings.llm_first),
        ("tts_first", timings.tts_first),
        ("first_audio", timings.first_audio),
    )
    known = ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in stages if seconds is not None)
    return {"openai-processing-ms": str(round(timings.total * 1000)), "server-timing": known}
