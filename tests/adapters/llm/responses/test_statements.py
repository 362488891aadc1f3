"""Events that state a text, a call or the whole response add exactly what was not streamed before."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import UpstreamError
from adapters.llm.responses.events import ResponsesReader
from tests.support.response_events import ERRORS, call, calls, end, event, read

HELLO = {"type": "output_text", "text": "hello", "annotations": []}
MESSAGE = {"type": "message", "id": "m0", "role": "assistant", "content": [HELLO]}
SECOND = {"type": "message", "id": "m1", "role": "assistant", "content": [{"type": "output_text", "text": " world"}]}
PLACE: dict[str, Any] = {"item_id": "m0", "output_index": 0, "content_index": 0}


def said(received: Sequence[Any]) -> str:
    return "".join(made.text for made in received if isinstance(made, llm.TextDelta))


def thought(received: Sequence[Any]) -> str:
    return "".join(made.text for made in received if isinstance(made, llm.ReasoningDelta))


STATEMENTS = {
    "text": event("output_text.done", text="hello", **PLACE),
    "part": event("content_part.done", part=HELLO, **PLACE),
    "item": event("output_item.done", item=MESSAGE, output_index=0),
    "response": end(output=[MESSAGE]),
}


def deltas(text: str, **place: Any) -> list[Any]:
    return [event("output_text.delta", delta=character, **place) for character in text]


@pytest.mark.parametrize("streamed", ["", "h", "hell", "hello"])
@pytest.mark.parametrize("present", list(product([True, False], repeat=4))[:-1], ids=str)
def test_a_text_is_said_once_and_whole_wherever_it_is_stated(streamed: str, present: tuple[bool, ...]) -> None:
    statements = [statement for statement, is_present in zip(STATEMENTS.values(), present, strict=True) if is_present]
    last = [] if present[-1] else [end()]
    assert said(read(*deltas(streamed, **PLACE), *statements, *last)) == "hello"


KEYS = [
    pytest.param(lambda _: {}, id="none"),
    pytest.param(lambda _: {"item_id": ""}, id="empty"),
    pytest.param(lambda _: {"item_id": "m0"}, id="item id"),
    pytest.param(lambda _: {"output_index": 0}, id="output index"),
    pytest.param(lambda number: {"item_id": f"random{number}"}, id="another id each time"),
    pytest.param(lambda number: {"item_id": f"random{number}", "output_index": 0}, id="another id, one index"),
    pytest.param(lambda _: {"item_id": 5, "output_index": "0"}, id="of other types"),
    pytest.param(lambda number: {"output_index": 0, "content_index": number}, id="each piece a part"),
]


@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("streamed", ["he", "hello"])
def test_a_text_is_said_once_whatever_its_keys(keys: Any, streamed: str) -> None:
    received = [event("output_text.delta", delta=one, **keys(number)) for number, one in enumerate(streamed)]
    at = len(streamed)
    received += [
        event("output_text.done", text="hello", **keys(at - 1) | {"item_id": keys(at).get("item_id")}),
        event("content_part.done", part=HELLO, **keys(at - 1) | {"item_id": keys(at + 1).get("item_id")}),
        event("output_item.done", item=MESSAGE | {"id": keys(at + 2).get("item_id")}, output_index=0),
        end(output=[{"type": "reasoning"}, MESSAGE | {"id": "other"}]),
    ]
    assert said(read(*received)) == "hello"


@pytest.mark.parametrize("stated_in", ["text", "part", "item", "response"])
@pytest.mark.parametrize("has_keys", [True, False])
def test_a_second_message_that_was_not_streamed(stated_in: str, has_keys: bool) -> None:
    first = PLACE if has_keys else {}
    place = {"item_id": "m1", "output_index": 1, "content_index": 0} if has_keys else {}
    received = [
        *deltas("hello", **first),
        event("output_text.done", text="hello", **first),
        event("content_part.done", part=HELLO, **first),
        event("output_item.done", item=MESSAGE, **({"output_index": 0} if has_keys else {})),
    ]
    statements = {
        "text": event("output_text.done", text=" world", **place),
        "part": event("content_part.done", part=SECOND["content"][0], **place),
        "item": event("output_item.done", item=SECOND, **({"output_index": 1} if has_keys else {})),
    }
    output = [MESSAGE, SECOND] if stated_in == "response" else []
    assert said(read(*received, *([statements[stated_in]] if stated_in in statements else []), end(output=output))) == (
        "hello world"
    )


def test_two_messages_are_not_said_again_at_the_end() -> None:
    second = {"item_id": "m1", "output_index": 1, "content_index": 0}
    for first, place in ((PLACE, second), ({}, {})):
        assert (
            said(
                read(
                    *deltas("hello", **first),
                    *deltas(" world", **place),
                    event("output_item.done", item=SECOND, output_index=1),
                    end(output=[{"type": "reasoning"}, MESSAGE, SECOND]),
                )
            )
            == "hello world"
        )


def test_two_parts_of_one_message() -> None:
    content = [HELLO, {"type": "output_text", "text": " world"}]
    whole = MESSAGE | {"content": content}
    for received in (
        [event("output_item.done", item=whole, output_index=0)],
        [*deltas("hel", **PLACE), event("output_item.done", item=whole, output_index=0)],
        [*deltas("hello", **PLACE), *deltas(" wo", **PLACE | {"content_index": 1}), end(output=[whole])],
        [
            STATEMENTS["text"],
            event("output_text.done", text=" world", **PLACE | {"content_index": 1}),
            event("output_item.done", item=whole, output_index=0),
        ],
    ):
        last = [] if received[-1]["type"] == "response.completed" else [end(output=[whole])]
        assert said(read(*received, *last)) == "hello world"


def test_a_text_that_is_stated_otherwise_is_not_said_twice() -> None:
    other = MESSAGE | {"content": [HELLO | {"text": "Hello!"}]}
    assert (
        said(
            read(
                *deltas("\n\nhello", **PLACE),
                event("output_text.done", text="hello", **PLACE),
                event("output_item.done", item=other, output_index=0),
                end(output=[other]),
            )
        )
        == "\n\nhello"
    )


@pytest.mark.parametrize(
    "content",
    ["hello", ["hello"], HELLO, [{"type": "text", "text": {"value": "hello"}}], [{"refusal": "hello"}], [None, HELLO]],
)
def test_the_content_of_a_message_in_every_form(content: Any) -> None:
    message = MESSAGE | {"content": content}
    assert said(read(event("output_item.done", item=message, output_index=0), end(output=[message]))) == "hello"
    assert said(read(end(output=[message]))) == said(read(end(output=message))) == "hello"


def test_a_refusal_that_was_not_streamed() -> None:
    refusal = {"type": "refusal", "refusal": "I cannot"}
    assert said(read(event("refusal.done", refusal="I cannot", **PLACE), end())) == "I cannot"
    streamed = event("refusal.delta", delta="I", **PLACE)
    assert said(read(streamed, event("content_part.done", part=refusal, **PLACE), end())) == "I cannot"


REASONING = {"type": "reasoning", "id": "r0", "summary": [{"text": "a"}], "content": [{"text": "b"}]}


def test_reasoning_that_was_not_streamed() -> None:
    place = {"item_id": "r0", "output_index": 0}
    done = event("output_item.done", item=REASONING, output_index=0)
    assert thought(read(done, end(output=[REASONING]))) == "ab"
    assert thought(read(end(output=[REASONING, MESSAGE]))) == "ab"
    received = [
        event("reasoning_summary_text.delta", delta="a", summary_index=0, **place),
        event("reasoning_summary_text.done", text="a", summary_index=0, **place),
        event("reasoning_text.done", text="b", content_index=0, **place),
    ]
    assert thought(read(*received, done, end(output=[REASONING]))) == "ab"


ITEM = call('{"x":1}')


@pytest.mark.parametrize("received", [[event("output_item.done", item=ITEM)], []])
def test_a_call_that_is_only_stated_as_a_whole(received: list[Any]) -> None:
    for texts in ([], deltas("hello", **PLACE)):
        found = read(*texts, *received, end(output=[ITEM]))
        assert [made.arguments for made in found if isinstance(made, llm.ToolCallFinished)] == ['{"x":1}']
        assert found[-1].reason == "tool_calls"


def test_a_name_that_comes_with_the_complete_arguments() -> None:
    place = {"item_id": "fc_1", "output_index": 0}
    nameless = {"type": "function_call", "id": "fc_1", "call_id": "call_1"}
    for added in ([event("output_item.added", output_index=0, item=nameless)], []):
        received = [
            *added,
            event("function_call_arguments.delta", delta='{"x"', **place),
            event("function_call_arguments.done", name="f", arguments='{"x":1}', **place),
        ]
        assert [made[1:] for made in calls(*received)] == [("f", '{"x":1}')]
        assert [made[1:] for made in calls(*received, event("output_item.done", item=ITEM, output_index=0))] == [
            ("f", '{"x":1}')
        ]


@pytest.mark.parametrize("item_id", ["fc", "", None])
def test_two_calls_that_share_an_item_id(item_id: str | None) -> None:
    received: list[Any] = []
    for index, name in enumerate("fg"):
        item = call(item_id=item_id, call_id=f"call_{name}", name=name)
        received.append(event("output_item.added", output_index=index, item=item))
    for index, text in ((0, '{"x"'), (1, '{"y"'), (0, ":1}"), (1, ":2}")):
        received.append(event("function_call_arguments.delta", item_id=item_id, output_index=index, delta=text))
    for index, (name, text) in enumerate((("f", '{"x":1}'), ("g", '{"y":2}'))):
        item = call(text, item_id=item_id, call_id=f"call_{name}", name=name)
        received.append(event("function_call_arguments.done", item_id=item_id, output_index=index, arguments=text))
        received.append(event("output_item.done", output_index=index, item=item))
    assert calls(*received) == [("call_f", "f", '{"x":1}'), ("call_g", "g", '{"y":2}')]


def test_calls_with_other_ids_in_each_event_are_not_called_twice() -> None:
    received = [
        event("output_item.added", output_index=1, item=call(item_id="a", call_id="a1")),
        event("function_call_arguments.delta", output_index=1, item_id="b", delta='{"x": 1}'),
        event("function_call_arguments.done", output_index=1, item_id="c", arguments='{"x": 1}'),
        event("output_item.done", output_index=1, item=call('{"x":1}', item_id="d", call_id="d1")),
        event("output_item.added", output_index=2, item=call(item_id="e", call_id="e1")),
        event("output_item.done", output_index=2, item=call('{"x":2}', item_id="f", call_id="f1")),
    ]
    output = [call('{"x":1}', item_id="g", call_id="g1"), call('{"x":2}', item_id="h", call_id="h1")]
    for items in (output, [{"type": "reasoning"}, *output], output[::-1]):
        found = read(*received, end(output=items))
        finished = [made.arguments for made in found if isinstance(made, llm.ToolCallFinished)]
        assert finished == ['{"x": 1}', '{"x":2}']


def test_equal_calls_are_as_many_as_were_made() -> None:
    items = [call("{}", item_id=f"fc_{number}", call_id=f"call_{number}") for number in range(3)]
    received = [event("output_item.done", output_index=number, item=item) for number, item in enumerate(items[:2])]
    assert len(calls(*received)) == 2
    found = read(*received, end(output=items))
    assert sum(isinstance(made, llm.ToolCallFinished) for made in found) == 3


def test_pieces_without_a_beginning_belong_to_the_open_call() -> None:
    received = [
        event("output_item.added", item=call(item_id="a")),
        event("function_call_arguments.delta", item_id="unknown", delta='{"x":1}'),
    ]
    assert calls(*received) == [("call_1", "f", '{"x":1}')]


def test_a_call_without_a_name_is_an_error() -> None:
    piece = event("function_call_arguments.delta", item_id="a", output_index=0, delta="{}")
    with pytest.raises(UpstreamError, match="without naming"):
        read(piece, end())


@pytest.mark.parametrize(("arguments", "expected"), [("null", "{}"), ('"{\\"x\\":1}"', '{"x":1}'), ([], "{}")])
def test_arguments_in_every_form(arguments: Any, expected: str) -> None:
    item = call() | {"arguments": arguments}
    assert calls(event("output_item.done", output_index=0, item=item)) == [("call_1", "f", expected)]


def test_calls_have_limits() -> None:
    many = [event("output_item.done", item=call("{}", item_id=None, call_id=str(number))) for number in range(129)]
    with pytest.raises(UpstreamError, match="more than 128 tools"):
        read(*many, end())
    pieces = [event("function_call_arguments.delta", item_id="fc_1", delta="{" + " " * 10_000) for _ in range(27)]
    with pytest.raises(UpstreamError, match="more than 262144 characters"):
        read(event("output_item.added", item=call()), *pieces, end())


def test_messages_have_limits() -> None:
    many = [event("output_item.added", item=MESSAGE | {"id": f"m{number}"}) for number in range(300)]
    with pytest.raises(UpstreamError, match="more than 256 messages"):
        read(*many, end())
    with pytest.raises(UpstreamError, match="more than 256 messages"):
        read(end(output=[MESSAGE | {"content": "x"}] * 300))
    with pytest.raises(UpstreamError, match="more than 1024 times"):
        read(*(STATEMENTS["text"] for _ in range(1100)), end())


def test_of_a_very_long_answer_only_what_is_streamed_counts() -> None:
    text = "x" * 100_000
    long = [event("output_text.delta", delta=text, **PLACE) for _ in range(11)]
    whole = MESSAGE | {"content": text * 12}
    for received in ([*long, event("output_item.done", item=whole, output_index=0)], [*long, STATEMENTS["text"]]):
        assert len(said(read(*received, end(output=[whole, SECOND])))) == 1_100_000
    assert len(said(read(end(output=[whole])))) == 1_200_000


def test_the_name_of_the_event_is_its_type_if_it_has_none() -> None:
    reader = ResponsesReader(ERRORS)
    assert list(reader.feed(b'{"delta": "x"}', "response.output_text.delta")) == [llm.TextDelta(text="x")]
    list(reader.feed(b'{"response": {}}', "response.completed"))
    assert reader.done


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'{"type": "response.output_text.delta", "delta": "caf\xe9"}', "caf\ufffd"),
        (rb'{"type": "response.output_text.delta", "delta": "\ud83d"}', "\ufffd"),
        (b'{"type": "response.output_text.delta", "delta": 5, "output_index": "x", "logprobs": NaN}', "5"),
        (b'{"type": "response.output_text.delta", "delta": "x", "item_id": {}, "content_index": []}', "x"),
    ],
)
def test_odd_events_are_repaired(data: bytes, text: str) -> None:
    assert list(ResponsesReader(ERRORS).feed(data)) == [llm.TextDelta(text=text)]


@pytest.mark.parametrize("field", ["delta", "item", "response", "unknown", "part"])
def test_events_nested_too_deeply_are_an_error(field: str) -> None:
    data = b'{"type": "response.output_text.delta", "%b": ' % field.encode() + b"[" * 20_000 + b"]" * 20_000 + b"}"
    with pytest.raises(UpstreamError):
        list(ResponsesReader(ERRORS).feed(data))


@pytest.mark.parametrize("usage", ["many", [], {"input_tokens": "3", "output_tokens": 5.5}, {"input_tokens": -1}])
def test_usage_of_another_type_is_counted_or_ignored(usage: Any) -> None:
    reader = ResponsesReader(ERRORS)
    list(reader.feed(msgspec.json.encode(end(usage=usage, output=[MESSAGE], incomplete_details="no"))))
    *_, finished = reader.finish()
    assert isinstance(finished, llm.Finished)
    assert finished.usage in (
        None,
        llm.Usage(input_tokens=3, output_tokens=5),
        llm.Usage(input_tokens=0, output_tokens=0),
    )


@pytest.mark.parametrize("output", [None, "x", 5, [None, "x", 5, []], {"type": "other"}, [{"type": ["message"]}]])
def test_output_of_another_type_is_ignored(output: Any) -> None:
    assert len(read(end(output=output))) == 1


WRITTEN = '<tool_call>{"name": "f", "arguments": {"x": 1}}</tool_call>'


def test_a_call_in_the_text_is_a_call_when_tools_were_given() -> None:
    message = MESSAGE | {"content": [HELLO | {"text": WRITTEN}]}
    for received in (deltas(WRITTEN, **PLACE), []):
        found = read(*received, end(output=[message]), tools=(llm.Tool(name="f"),))
        [finished] = [made for made in found if isinstance(made, llm.ToolCallFinished)]
        assert (finished.name, finished.arguments, finished.invalid) == ("f", '{"x": 1}', None)
        assert said(found) == ""
        assert found[-1].reason == "tool_calls"


def test_the_name_of_a_tool_has_a_limit() -> None:
    with pytest.raises(UpstreamError, match="name of more than 256 characters"):
        read(event("output_item.done", item=call("{}", name="f" * 257)), end())
