"""Pure: a request for a response in neutral words, and the response object that answers it."""

from typing import Any

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unsupported
from gateway.access.caller import Caller
from gateway.api.responses.schema import (
    AllowedFunctions,
    ChosenFunction,
    Function,
    PassedFields,
    ReasoningConfig,
    Response,
    ResponsesRequest,
    TextConfig,
)
from gateway.conversation.history import ConversationRef
from gateway.turns.passed_turn import PassedRequest
from gateway.turns.request import TurnRequest
from gateway.wire.answer_form import TextFormat, json_answer
from gateway.wire.conversation import ConversationId, conversation_name
from gateway.wire.item_messages import messages_of
from gateway.wire.items import Item
from gateway.wire.kept_items import Items
from gateway.wire.passed_items import history_of
from gateway.wire.tools import AllowedTools, ToolWord, offered, subset_of, tool_of

_STRICT = None
"""Whether tools are strict that do not say: here a server makes those strict whose schemas allow it."""


def turn_request(request: ResponsesRequest, caller: Caller, items: tuple[Item, ...]) -> TurnRequest:
    """The turn that ``caller`` asks for; ``items`` are its input. Raises ``InvalidRequest``."""
    if request.prompt is not None:
        raise Unsupported(
            "Prompt templates are kept at OpenAI and cannot be read here: send the text as 'instructions' and 'input'.",
            param="prompt",
        )
    tools, tool_choice = offered(request.tools, request.tool_choice, strict=_STRICT)
    return TurnRequest(
        caller=caller,
        conversation=conversation_ref(request, messages_of(items)),
        instructions=request.instructions or "",
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=request.parallel_tool_calls,
        json_answer=json_answer(request.text.format if request.text else None, "text.format.schema"),
        sampling=llm.Sampling(temperature=request.temperature, top_p=request.top_p),
        max_output_tokens=request.max_output_tokens,
        reasoning_effort=request.reasoning.effort if request.reasoning else None,
        literal=True,
        spoken=False,
    )


def conversation_ref(request: ResponsesRequest | PassedFields, messages: tuple[llm.Message, ...]) -> ConversationRef:
    """Where the request's ``messages`` belong. Raises ``InvalidRequest``."""
    return ConversationRef(
        previous_response=request.previous_response_id,
        conversation=conversation_name(request.conversation),
        known=True,
        keep=request.store is not False,
        added=messages,
    )


def passed_request(
    values: dict[str, Any], request: PassedFields, caller: Caller, given: Items, route: str
) -> PassedRequest:
    """What is passed on of the request ``values``; ``given`` are the items of its input. Raises ``InvalidRequest``."""
    body = {name: value for name, value in values.items() if name not in _OURS}
    conversation: ConversationRef | None = None
    if request.store is not False or request.previous_response_id is not None or request.conversation is not None:
        conversation = conversation_ref(request, history_of(given, route))
    return PassedRequest(caller=caller, body=body, conversation=conversation)


_OURS = frozenset({"previous_response_id", "conversation", "background", "store"})
"""What the server is not told: what is kept is kept here."""


def check(request: ResponsesRequest | PassedFields) -> None:
    """Refuse what the gateway does not do, and what says nothing. Raises ``InvalidRequest``."""
    if request.background:
        raise Unsupported(
            "Background responses are not available here: leave 'background' out, and stream the answer.",
            param="background",
        )
    continued = request.previous_response_id is not None or request.conversation is not None
    if request.input is None and request.prompt is None and not continued:
        raise InvalidRequest("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    if request.input == "":
        raise InvalidRequest(
            "Invalid 'input': empty string. Expected a string with minimum length 1, but got an empty string instead.",
            param="input",
            code="empty_string",
        )
    if request.input == []:
        raise InvalidRequest(
            "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            param="input",
            code="empty_array",
        )


def ignored(request: ResponsesRequest) -> tuple[str, ...]:
    """The parameters of ``request`` that have no effect on the way through a turn."""
    named = {
        "include": bool(request.include),
        "max_tool_calls": request.max_tool_calls is not None,
        "prompt_cache_key": request.prompt_cache_key is not None,
        "safety_identifier": request.safety_identifier is not None,
        "service_tier": request.service_tier not in {None, "auto", "default"},
        "stream_options": bool(request.stream_options and request.stream_options.include_obfuscation),
        "text.verbosity": bool(request.text and request.text.verbosity),
        "top_logprobs": bool(request.top_logprobs),
        "truncation": request.truncation == "auto",
        "user": request.user is not None,
    }
    return tuple(name for name, without_effect in named.items() if without_effect)


def _shown_choice(request: ResponsesRequest, turn: TurnRequest) -> ToolWord | ChosenFunction | AllowedFunctions:
    """The tool choice as the client made it."""
    if isinstance(request.tool_choice, AllowedTools):
        mode, names = subset_of(request.tool_choice)
        return AllowedFunctions(mode=mode, tools=tuple(ChosenFunction(name=each.name) for each in names))
    choice = turn.tool_choice or "auto"
    return ChosenFunction(name=choice.name) if isinstance(choice, llm.NamedTool) else choice


def response_of(request: ResponsesRequest, turn: TurnRequest, response_id: str, route: str, now: int) -> Response:
    """The response object that ``request`` begins with: what it asks for, or what holds when it does not say."""
    conversation = turn.conversation.conversation
    return Response(
        id=response_id,
        created_at=now,
        instructions=request.instructions,
        max_output_tokens=request.max_output_tokens,
        max_tool_calls=request.max_tool_calls,
        model=request.model or route,
        parallel_tool_calls=request.parallel_tool_calls is not False,
        previous_response_id=request.previous_response_id,
        conversation=None if conversation is None else ConversationId(id=conversation),
        prompt_cache_key=request.prompt_cache_key,
        reasoning=request.reasoning or ReasoningConfig(),
        safety_identifier=request.safety_identifier,
        store=turn.conversation.keep,
        temperature=1.0 if request.temperature is None else request.temperature,
        text=_text(request.text),
        tool_choice=_shown_choice(request, turn),
        tools=tuple(
            Function(name=tool.name, description=tool.description, parameters=tool.parameters, strict=tool.strict)
            for tool in (tool_of(tool, strict=_STRICT) for tool in request.tools or ())
        ),
        top_logprobs=request.top_logprobs or 0,
        top_p=1.0 if request.top_p is None else request.top_p,
        truncation=request.truncation or "disabled",
        user=request.user,
        metadata=request.metadata or {},
    )


def _text(text: TextConfig | None) -> TextConfig:
    if text is None or text.format is None:
        return TextConfig(format=TextFormat(), verbosity=text.verbosity if text else None)
    return text
