"""Pure: lays a request over the settings of its route; the result is everything that a turn is made of."""

from collections.abc import Callable
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unsupported
from gateway.access.caller import Caller
from gateway.conversation.compaction import Writer
from gateway.conversation.conversation import Languages
from gateway.conversation.history import ConversationRef, Policy
from gateway.engines.guards import Guards
from gateway.engines.route import Engines, ServedRoute
from gateway.languages import code_of
from gateway.pipeline.answer import Speech
from gateway.pipeline.listen import RecordingFinished, TranscriptFinished
from gateway.pipeline.playhead import Playhead
from gateway.pipeline.utterance_scheduler import Pacing
from gateway.settings.model import GatewaySettings
from gateway.turns.question import Question, heard_part, language_hint
from gateway.turns.request import AudioSource, TurnRequest
from gateway.turns.speculation import Speculation
from gateway.turns.speech_style import SpeechStyle, speech_style


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """How the model writes: its request without the messages."""

    model: str
    tools: tuple[llm.Tool, ...]
    tool_choice: llm.ToolChoice | None
    parallel_tool_calls: bool | None
    json_answer: llm.JsonAnswer | None
    max_output_tokens: int | None
    sampling: llm.Sampling
    reasoning: llm.Reasoning
    extra: dict[str, Any]

    def request(self, messages: tuple[llm.Message, ...]) -> llm.Request:
        """The model's request for ``messages``."""
        return llm.Request(
            model=self.model,
            messages=messages,
            tools=self.tools,
            tool_choice=self.tool_choice,
            parallel_tool_calls=self.parallel_tool_calls,
            json_answer=self.json_answer,
            max_output_tokens=self.max_output_tokens,
            sampling=self.sampling,
            reasoning=self.reasoning,
            extra=self.extra,
        )


class TurnPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of ``caller`` at the route ``route``, whole but for what is found out on the way.

    ``language`` (ISO 639-1) is that of the question as the request says, ``usual_language`` as the settings say,
    ``heard_language`` as it was heard before; with ``reply_in_language`` the model is asked to answer in the language
    of the question. ``instructions`` are the system message of this turn only, ``prompt`` the gateway's own,
    ``prompt_role`` the role of both. A ``literal`` turn's messages are not changed. Without ``style`` the answer is not
    spoken; the words of one that is are kept under ``audio_id``. The turn takes at most ``turn_seconds``, and its
    answer is cut after ``most_characters``. ``guards`` judge what the model reads and writes.
    """

    id: str | None
    caller: Caller
    route: str
    engines: Engines
    audio: AudioSource | None
    source_of: Callable[[llm.Audio], AudioSource] | None
    language: str | None
    usual_language: str | None
    heard_language: str | None
    images: tuple[llm.Image, ...]
    user_role: str
    reply_in_language: bool
    conversation: ConversationRef
    audio_id: str | None
    policy: Policy
    instructions: llm.Message | None
    prompt: llm.Message | None
    prompt_role: str
    literal: bool
    generation: Generation
    style: SpeechStyle | None
    pacing: Pacing
    turn_seconds: float
    most_characters: int
    guards: Guards
    speculation: Speculation | None

    def languages(self, listened: TranscriptFinished | RecordingFinished | None, before: Languages) -> Languages:
        """The languages of this turn, given what was heard; without a recording they are those of the turn before."""
        heard = listened.language if isinstance(listened, TranscriptFinished) else self.heard_language
        before = Languages() if self.audio else before
        asked = heard or self.language or before.asked or self.usual_language
        voice = self.language or before.voice or self.usual_language or (asked if self.reply_in_language else None)
        return Languages(asked=asked, voice=voice)

    def speech(self, languages: Languages, playhead: Playhead) -> Speech | None:
        """How the answer is spoken in ``languages``; ``None`` where it is not."""
        if self.style is None:
            return None
        return Speech(
            engine=self.engines.tts,
            delivery=self.style.delivery(languages),
            pacing=self.pacing,
            playhead=playhead,
            gate=None if self.speculation is None else self.speculation.gate,
        )

    def question(self, listened: TranscriptFinished | RecordingFinished | None, before: Languages) -> Question:
        """The user's message, given what was heard last, and the languages of the turn before."""
        languages = self.languages(listened, before)
        return Question(
            role=self.user_role,
            languages=languages,
            heard=heard_part(listened) if self.audio else None,
            hint=language_hint(languages.asked) if self.reply_in_language else None,
            images=self.images,
        )


def build_turn(request: TurnRequest, served: ServedRoute) -> TurnPlan:
    """The turn that is asked for. Raises ``InvalidRequest``, in terms of the fields of ``TurnRequest``."""
    settings = served.route.settings
    plan = TurnPlan(
        id=request.id,
        caller=request.caller,
        route=served.name,
        engines=served.engines,
        audio=request.audio,
        source_of=request.source_of if served.engines.stt is not None else None,
        language=language_code(request.language),
        usual_language=language_code(settings.language),
        heard_language=request.heard_language,
        images=request.images,
        user_role=settings.user_role,
        reply_in_language=settings.enable_lang_prompt and not request.literal,
        conversation=checked(request.conversation),
        audio_id=request.audio_id,
        policy=policy_of(served),
        instructions=_system(settings.init_chat_role, request.instructions),
        prompt=_prompt(request, settings),
        prompt_role=settings.init_chat_role,
        literal=request.literal,
        generation=_generation(request, served),
        style=speech_style(
            served,
            voice=request.voice,
            speed=request.speed,
            instructions=request.speech_instructions,
            private=not request.conversation.keep,
        )
        if request.spoken
        else None,
        pacing=Pacing(
            batch_sentences=settings.stream_batch_sentences,
            first_utterance_seconds=settings.first_utterance_ms / 1000,
            by_clause=bool(served.guards.answer),
        ),
        turn_seconds=settings.max_turn_seconds,
        most_characters=settings.max_answer_characters,
        guards=served.guards,
        speculation=request.speculation,
    )
    if plan.style is not None:
        served.engines.tts.check(plan.style.delivery(plan.languages(None, Languages())).request(""))
    return plan


def ignored_fields(request: TurnRequest, served: ServedRoute) -> tuple[str, ...]:
    """The fields of ``request`` that the route's engines do not honour, as far as that is known beforehand."""
    styled = request.speech_instructions is not None and not (request.spoken and served.engines.tts.info.instructions)
    return ("speech_instructions",) if styled else ()


def language_code(name: str | None) -> str | None:
    """The ISO 639-1 code of a language that a request names by code or name. Raises ``InvalidRequest``."""
    if name is None:
        return None
    code = code_of(name)
    if code is None:
        raise InvalidRequest(
            f"Invalid 'language': {name!r} is not a known language. Use an ISO 639-1 code such as 'en'.",
            param="language",
            code="invalid_value",
        )
    return code


def checked(ref: ConversationRef) -> ConversationRef:
    """``ref``, if its parts can stand beside each other."""
    if ref.previous_response is None:
        return ref
    if ref.conversation is not None:
        raise InvalidRequest(
            "Mutually exclusive parameters: 'conversation' and 'previous_response_id'. Send one of the two.",
            param="previous_response_id",
            code="mutually_exclusive_parameters",
        )
    if ref.history is not None and not ref.adds_results:
        raise InvalidRequest(
            "Beside 'previous_response_id', 'messages' may hold tool results only: the history is what led to that "
            "answer. To send the whole history, leave the id out.",
            param="messages",
            code="invalid_value",
        )
    return ref


def policy_of(served: ServedRoute) -> Policy:
    """How much conversations at a route remember."""
    settings, model = served.route.settings, served.engines.llm
    writer = Writer(
        engine=model,
        model=settings.model_name or "",
        user_role=settings.user_role,
        keep=max(1, settings.chat_size // 2),
        context_tokens=settings.context_tokens or model.info.context_tokens,
    )
    return Policy(chat_size=settings.chat_size, compact=settings.compact_history, writer=writer)


def _prompt(request: TurnRequest, settings: GatewaySettings) -> llm.Message | None:
    own = request.instructions is not None or request.literal
    return None if own else _system(settings.init_chat_role, settings.init_chat_prompt)


def _system(role: str, text: str | None) -> llm.Message | None:
    return llm.Message(role=role, parts=(llm.Text(text=text),)) if text else None


def _generation(request: TurnRequest, served: ServedRoute) -> Generation:
    settings = served.route.settings
    if request.tool_choice is not None and not request.tools:
        raise InvalidRequest(
            "'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice", code="invalid_value"
        )
    if request.json_answer is not None and not served.engines.llm.info.json_answers:
        raise Unsupported(
            f"--llm_backend {settings.llm_backend} cannot promise an answer in JSON; ask for it in the instructions.",
            param="json_answer",
        )
    return Generation(
        model=settings.model_name or "",
        tools=request.tools,
        tool_choice=request.tool_choice,
        parallel_tool_calls=request.parallel_tool_calls,
        json_answer=request.json_answer,
        max_output_tokens=request.max_output_tokens,
        sampling=request.sampling,
        reasoning=_reasoning(request, settings),
        extra=request.extra,
    )


def _reasoning(request: TurnRequest, settings: GatewaySettings) -> llm.Reasoning:
    if request.literal:
        return llm.Reasoning(effort=request.reasoning_effort, shown=True)
    return llm.Reasoning(
        effort=request.reasoning_effort or settings.responses_api_reasoning_effort,
        disabled=settings.responses_api_disable_thinking,
    )
