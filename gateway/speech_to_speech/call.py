"""Pure: the conversation that a request wants its turn to be a part of, and how much of that is remembered."""

import re

from adapters.contract.errors import InvalidRequest
from gateway.conversation.compaction import Writer
from gateway.conversation.continuation import Policy, Wanted
from gateway.conversation.messages import message_of
from gateway.conversation.remembering import Call
from gateway.engines import ServedRoute
from gateway.pipeline import turn
from gateway.speech_to_speech import translate
from gateway.speech_to_speech.schema import ConversationId, SpeechToSpeechRequest

CONVERSATION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What goes into a header and a key of the store as it is."""


def call_of(request: SpeechToSpeechRequest, asked: turn.Turn, served: ServedRoute) -> Call:
    """The turn ``asked`` as a part of its conversation. Raises ``InvalidRequest``."""
    settings, model = served.route.settings, served.engines.llm
    writer = Writer(
        engine=model,
        model=settings.model_name or "",
        user_role=settings.user_role,
        keep=max(1, settings.chat_size // 2),
        context_tokens=settings.context_tokens or model.info.context_tokens,
    )
    return Call(
        engines=served.engines,
        turn=asked,
        wanted=wanted_of(request),
        policy=Policy(chat_size=settings.chat_size, compact=settings.compact_history, writer=writer),
        instructions=translate.instructions_of(request, settings),
        prompt=translate.prompt_of(request, settings),
        prompt_role=settings.init_chat_role,
        must_speak=request.stream_format != "sse",
    )


def wanted_of(request: SpeechToSpeechRequest) -> Wanted:
    """The conversation that the turn is to be a part of. Raises ``InvalidRequest``."""
    named = _named(request)
    history = None if request.messages is None else tuple(map(message_of, request.messages))
    wanted = Wanted(
        previous_response=request.previous_response_id,
        conversation=named,
        keep=request.store is not False,
        history=history,
    )
    if request.previous_response_id is None:
        return wanted
    if named is not None:
        raise InvalidRequest(
            "Mutually exclusive parameters: 'conversation' and 'previous_response_id'. Send one of the two.",
            param="previous_response_id",
            code="mutually_exclusive_parameters",
        )
    if history is not None and not wanted.adds_results:
        raise InvalidRequest(
            "Beside 'previous_response_id', 'messages' may hold tool results only: the history is what led to that "
            "answer. To set the history outright, leave the id out.",
            param="messages",
            code="invalid_value",
        )
    return wanted


def _named(request: SpeechToSpeechRequest) -> str | None:
    """The conversation that is named. Raises ``InvalidRequest`` for what cannot be a name."""
    named = request.conversation
    name = named.id if isinstance(named, ConversationId) else named
    if name is not None and not CONVERSATION_NAME.fullmatch(name):
        raise InvalidRequest(
            f"Invalid 'conversation': {name[:100]!r} is no name for one; use 1 to 64 of A-Z, a-z, 0-9, '_' and '-'.",
            param="conversation",
            code="invalid_value",
        )
    return name
