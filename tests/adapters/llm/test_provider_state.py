"""What a provider wants back goes from its answer into the next request, untouched, to the same route and place."""

from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.llm import provider_state
from adapters.llm.chat_completions import events as chat_events
from adapters.llm.chat_completions import request as chat_request
from adapters.llm.responses import events as response_events
from adapters.llm.responses import request as response_request
from adapters.upstream import UpstreamClient, UpstreamOptions

OPTIONS = UpstreamOptions(responses_api_base_url="https://user:secret@example.com/v1/")
ERRORS = UpstreamClient("x", OPTIONS).errors
CHAT = provider_state.route("chat-completions", "m", OPTIONS.responses_api_base_url)
RESPONSES = provider_state.route("responses-api", "m", OPTIONS.responses_api_base_url)


def answered(
    events: chat_events.ChatCompletionReader | response_events.ResponsesReader, *received: Any
) -> tuple[llm.Part, ...]:
    """The parts of the assistant's message after an answer, as a conversation would keep them."""
    found = [made for one in received for made in events.feed(msgspec.json.encode(one))]
    found += events.finish()
    text = "".join(made.text for made in found if isinstance(made, llm.TextDelta))
    calls = tuple(
        llm.ToolCall(call_id=made.call_id, name=made.name, arguments=made.arguments)
        for made in found
        if isinstance(made, llm.ToolCallFinished)
    )
    finished = found[-1]
    assert isinstance(finished, llm.Finished)
    kept: tuple[llm.Opaque, ...] = finished.extra.get("opaque", ())
    return (*((llm.Text(text=text),) if text else ()), *calls, *kept)


def chat(*chunks: Any, route: str = CHAT) -> tuple[llm.Part, ...]:
    return answered(chat_events.ChatCompletionReader(ERRORS, route=route), *chunks)


def response(*events: Any) -> tuple[llm.Part, ...]:
    return answered(response_events.ResponsesReader(ERRORS, route=RESPONSES), *events)


def next_message(parts: tuple[llm.Part, ...], model: str = "m") -> dict[str, Any]:
    request = llm.Request(model=model, messages=(llm.Message(role="assistant", parts=parts),))
    [message] = chat_request.body(request, OPTIONS, openai=False)["messages"]
    assert isinstance(message, dict)
    return message


def next_items(parts: tuple[llm.Part, ...], model: str = "m") -> list[dict[str, Any]]:
    request = llm.Request(model=model, messages=(llm.Message(role="assistant", parts=parts),))
    items: list[dict[str, Any]] = response_request.body(request, OPTIONS, openai=False)["input"]
    return items


def delta(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


def call(**fields: Any) -> list[dict[str, Any]]:
    return [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}, **fields}]


def test_a_route_has_no_credentials_and_tells_adapter_server_and_model_apart() -> None:
    assert CHAT == "chat-completions example.com/v1 m"
    assert provider_state.route("responses-api", "m", None) == "responses-api api.openai.com/v1 m"


SIGNATURE = {"google": {"thought_signature": "c2ln"}}


@pytest.mark.parametrize("field", ["extra_content", "thought_signature"])
def test_the_signature_of_a_call_goes_back_with_the_call(field: str) -> None:
    message = next_message(chat(delta("tool_calls", tool_calls=call(**{field: SIGNATURE}))))
    assert message["tool_calls"][0][field] == SIGNATURE


def test_reasoning_details_go_back_with_the_message_and_their_pieces_joined() -> None:
    text = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1"}
    encrypted = {"type": "reasoning.encrypted", "data": "eA==", "id": "r", "index": 1}
    parts = chat(
        delta(reasoning="h", reasoning_details=[text | {"text": "h", "signature": None}]),
        delta(reasoning="m", reasoning_details=[text | {"text": "m"}]),
        delta(reasoning_details=[text | {"signature": "c2ln"}, encrypted]),
        delta("stop", content="hello"),
    )
    message = next_message(parts)
    assert message["reasoning_details"] == [text | {"text": "hm", "signature": "c2ln"}, encrypted]
    assert "reasoning" not in message


def test_what_led_to_a_call_goes_back_where_it_is_asked_for() -> None:
    parts = chat(delta(reasoning_content="h"), delta(reasoning_content="m"), delta("tool_calls", tool_calls=call()))
    assert next_message(parts)["reasoning_content"] == "hm"


@pytest.mark.parametrize(
    "last", [delta("stop", reasoning_content="hm", content="x"), delta("tool_calls", reasoning="hm", tool_calls=call())]
)
def test_other_thoughts_do_not_go_back(last: dict[str, Any]) -> None:
    assert not any(isinstance(part, llm.Opaque) for part in chat(last))


def test_calls_kept_apart_from_their_text_get_it_all_back() -> None:
    parts = chat(delta("tool_calls", content="wait", reasoning_content="hm", tool_calls=call(extra_content=SIGNATURE)))
    messages = tuple(llm.Message(role="assistant", parts=some) for some in (parts[:1], parts[1:]))
    [message] = chat_request.body(llm.Request(model="m", messages=messages), OPTIONS, openai=False)["messages"]
    assert message["content"] == "wait"
    assert message["reasoning_content"] == "hm"
    assert message["tool_calls"][0]["extra_content"] == SIGNATURE


def reasoning(number: int, **fields: Any) -> dict[str, Any]:
    return {"type": "reasoning", "id": f"rs_{number}", "summary": [], "encrypted_content": f"gAAA{number}", **fields}


def function_call(number: int) -> dict[str, Any]:
    return {"type": "function_call", "id": f"fc_{number}", "call_id": f"c{number}", "name": "f", "arguments": "{}"}


def done(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "item": item}


SAID = {"type": "response.output_text.delta", "delta": "hello"}
END = {"type": "response.completed", "response": {"status": "completed", "output": []}}


def test_encrypted_reasoning_goes_back_before_what_it_led_to() -> None:
    received = [reasoning(1), function_call(1), reasoning(2), function_call(2)]
    items = next_items(response(*map(done, received), END))
    assert [item.get("id") or item["call_id"] for item in items] == ["rs_1", "c1", "rs_2", "c2"]
    assert items[0] == received[0]


def test_encrypted_reasoning_goes_back_before_the_text() -> None:
    items = next_items(response(done(reasoning(1)), SAID, END))
    assert [item["type"] for item in items] == ["reasoning", "message"]


def test_it_is_the_same_for_a_response_in_one_piece() -> None:
    events = response_events.ResponsesReader(ERRORS, route=RESPONSES)
    output = [reasoning(1), {"type": "message", "content": [{"type": "output_text", "text": "hi"}]}]
    list(events.whole(msgspec.json.encode({"status": "completed", "output": output})))
    [finished] = events.finish()
    assert isinstance(finished, llm.Finished)
    items = next_items((llm.Text(text="hi"), *finished.extra["opaque"]))
    assert items[0] == reasoning(1)


def test_reasoning_without_what_it_led_to_stays_behind() -> None:
    parts = response(done(reasoning(1)), done(function_call(1)), SAID, END)
    assert [item["type"] for item in next_items(parts[:1] + parts[2:])] == ["message"]
    assert next_items(response(done(reasoning(1)), END)) == []


@pytest.mark.parametrize(("called", "kept"), [(True, ["reasoning", "function_call"]), (False, ["message"])])
def test_reasoning_in_plain_text_goes_back_when_it_led_to_a_call(called: bool, kept: list[str]) -> None:
    plain = reasoning(1, encrypted_content=None, content=[{"type": "reasoning_text", "text": "hm"}])
    parts = response(done(plain), done(function_call(1)) if called else SAID, END)
    assert [item["type"] for item in next_items(parts)] == kept


def test_reasoning_that_cannot_be_sent_back_is_not_kept() -> None:
    bare = reasoning(1, encrypted_content=None)
    assert [item["type"] for item in next_items(response(done(bare), done(function_call(1)), END))] == ["function_call"]


def test_another_model_server_or_adapter_gets_nothing_of_it() -> None:
    from_chat = chat(delta("tool_calls", reasoning_content="hm", tool_calls=call(extra_content=SIGNATURE)))
    assert next_message(from_chat, model="n").keys() == {"role", "tool_calls"}
    from_responses = response(done(reasoning(1)), SAID, END)
    assert [item["type"] for item in next_items(from_responses, model="n")] == ["message"]
    assert next_message(from_responses) == {"role": "assistant", "content": "hello"}
    assert [item["type"] for item in next_items(from_chat)] == ["function_call"]


def test_without_a_route_nothing_is_kept() -> None:
    assert not any(
        isinstance(part, llm.Opaque)
        for part in chat(delta("tool_calls", tool_calls=call(extra_content=SIGNATURE)), route="")
    )
