"""Turns that go on from others, over a real socket: what the model gets, what is kept, and who waits for whom."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from adapters import scripted
from adapters.contract import llm, stt
from adapters.contract.errors import TooLong
from gateway.conversation.compaction import INSTRUCTION
from gateway.conversation.conversation import SUMMARY
from gateway.engines.route import Engines
from tests.support.http_client import ROUTE, form, refused
from tests.support.redis_server import redis_server
from tests.support.server import events_in, gateway_of, scripted_engines, served, until

SSE = {"stream_format": "sse"}
CLOCK = {"type": "function", "name": "clock"}


class Recogniser:
    """Hears "question 1", "question 2", … one a turn."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        self.count += 1
        number = self.count
        async for _ in request.audio:
            pass
        yield stt.FinalTranscript(text=f"question {number}")
        yield stt.Finished(language="fr", seconds=1.0)


def spoken(request: llm.Request) -> list[str]:
    """Every message as "role: text", calls and results in brackets."""
    return [f"{message.role}: {' + '.join(map(_said, message.parts))}" for message in request.messages]


def _said(part: llm.Part) -> str:
    match part:
        case llm.Text():
            return part.text
        case llm.ToolCall():
            return f"[{part.call_id} {part.name}]"
        case llm.ToolResult():
            return f"[{part.call_id}: {part.output}]"
        case _:
            return f"[{type(part).__name__}]"


async def answering(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
    """Calls the tools that it is given, or answers with the number of messages it got."""
    if request.tools:
        for call_id in ("c1", "c2"):
            yield llm.ToolCallStarted(call_id=call_id, name="clock")
            yield llm.ToolCallDelta(call_id=call_id, arguments="{}")
            yield llm.ToolCallFinished(call_id=call_id, name="clock", arguments="{}")
        opaque = llm.Opaque(route="r", data={"signature": "s"})
        yield llm.Finished(reason="tool_calls", usage=None, extra={"opaque": (opaque,)})
        return
    yield llm.TextDelta(text=f"Answer to {len(request.messages)}.")
    yield llm.Finished(reason="stop", usage=llm.Usage(input_tokens=50, output_tokens=3))


class Talk:
    """A client of a served gateway, and its model."""

    def __init__(self, client: httpx.AsyncClient, engines: Engines) -> None:
        self.client = client
        self.engines: Any = engines

    @property
    def got(self) -> list[str]:
        """What the model was last asked, without the gateway's prompt."""
        return [line for line in spoken(self.engines.llm.requests[-1]) if not line.startswith("system: You are")]

    async def post(self, **fields: Any) -> httpx.Response:
        """A turn with a recording."""
        return await self.client.post(ROUTE, **form(fields=fields))

    async def turn(self, **fields: Any) -> httpx.Headers:
        """The headers of a turn that is answered."""
        response = await self.post(**fields)
        assert response.status_code == 200, response.text
        return response.headers


@asynccontextmanager
async def talking(*flags: str, **engines: Any) -> AsyncGenerator[Talk, None]:
    hearing = scripted.Scripted(stt.Info(sample_rate=16_000), Recogniser())
    used = scripted_engines(**{"stt": hearing, "llm": scripted.language_model(answering), **engines})
    async with served(gateway_of(used, *flags)) as address:
        async with httpx.AsyncClient(base_url=address, timeout=20) as client:
            yield Talk(client, used)


async def test_an_answer_is_followed_by_its_id_and_a_turn_without_one_sees_nothing() -> None:
    async with talking() as talk:
        first = await talk.turn()
        second = await talk.turn(previous_response_id=first["x-response-id"])
        assert talk.got == ["user: question 1", "assistant: Answer to 2.", "user: question 2"]
        assert second["x-conversation-id"] == first["x-conversation-id"]
        assert second["x-response-id"] != first["x-response-id"]
        third = await talk.turn()
        assert talk.got == ["user: question 3"]
        assert third["x-conversation-id"] != first["x-conversation-id"]


@pytest.mark.parametrize("named", ["my-talk_1", '{"id": "my-talk_1"}'], ids=["text", "object"])
async def test_a_conversation_has_the_id_that_the_client_chose(named: str) -> None:
    async with talking() as talk:
        for _ in range(3):
            assert (await talk.turn(conversation=named))["x-conversation-id"] == "my-talk_1"
        assert talk.got == [
            "user: question 1",
            "assistant: Answer to 2.",
            "user: question 2",
            "assistant: Answer to 4.",
            "user: question 3",
        ]
        await talk.turn(conversation="another")
        assert talk.got == ["user: question 4"]


async def test_ids_of_a_first_answer_continue_it_either_way() -> None:
    async with talking() as talk:
        first = await talk.turn()
        await talk.turn(conversation=first["x-conversation-id"])
        assert talk.got == ["user: question 1", "assistant: Answer to 2.", "user: question 2"]


async def test_an_older_answer_branches_and_the_conversation_goes_on_without_that() -> None:
    async with talking() as talk:
        first = await talk.turn()
        second = await talk.turn(previous_response_id=first["x-response-id"])
        branch = await talk.turn(previous_response_id=first["x-response-id"])
        assert talk.got == ["user: question 1", "assistant: Answer to 2.", "user: question 3"]
        assert branch["x-conversation-id"] != first["x-conversation-id"]
        await talk.turn(conversation=first["x-conversation-id"])
        assert talk.got[2:] == ["user: question 2", "assistant: Answer to 4.", "user: question 4"]
        await talk.turn(previous_response_id=branch["x-response-id"])
        assert talk.got[2:] == ["user: question 3", "assistant: Answer to 4.", "user: question 5"]
        await talk.turn(previous_response_id=second["x-response-id"])
        assert talk.got[2:4] == ["user: question 2", "assistant: Answer to 4."]


async def test_the_events_tell_the_ids_and_the_turn_can_follow_at_once() -> None:
    async with talking() as talk:
        response = await talk.post(**SSE)
        last = list(events_in(response.text))[-1]
        assert last["response_id"] == response.headers["x-response-id"]
        assert last["conversation_id"] == response.headers["x-conversation-id"]
        assert (await talk.turn(previous_response_id=last["response_id"]))["x-conversation-id"]


async def test_the_answer_is_kept_before_its_last_event_is_sent() -> None:
    async with talking() as talk:
        async with talk.client.stream("POST", ROUTE, **form(fields={"conversation": "c", **SSE})) as response:
            async for line in response.aiter_lines():
                if "speech.audio.done" in line:
                    await talk.turn(previous_response_id=response.headers["x-response-id"])
        assert len(talk.got) == 3


async def test_what_is_not_to_be_stored_is_not() -> None:
    async with talking() as talk:
        first = await talk.turn()
        response = await talk.post(previous_response_id=first["x-response-id"], store="false", **SSE)
        assert talk.got == ["user: question 1", "assistant: Answer to 2.", "user: question 2"]
        assert "x-conversation-id" not in response.headers
        assert list(events_in(response.text))[-1]["conversation_id"] is None
        error = refused(await talk.post(previous_response_id=response.headers["x-response-id"]), 400)
        assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")
        await talk.turn(conversation=first["x-conversation-id"])
        assert talk.got == ["user: question 1", "assistant: Answer to 2.", "user: question 3"]


async def test_unknown_and_contradicting_ids_are_refused() -> None:
    async with talking() as talk:
        first = await talk.turn()
        known = first["x-response-id"]
        history = json.dumps([{"role": "user", "content": "Hi."}])
        cases: list[tuple[dict[str, str], str, str]] = [
            ({"previous_response_id": "resp_x"}, "previous_response_id", "previous_response_not_found"),
            (
                {"previous_response_id": known, "conversation": "c"},
                "previous_response_id",
                "mutually_exclusive_parameters",
            ),
            ({"previous_response_id": known, "messages": history}, "messages", "invalid_value"),
            ({"conversation": "no/such\r\nid"}, "conversation", "invalid_value"),
            ({"conversation": "x" * 65}, "conversation", "invalid_value"),
            ({"conversation": "line\n"}, "conversation", "invalid_value"),
            ({"conversation": '{"id": "line\\n"}'}, "conversation", "invalid_value"),
        ]
        for fields, param, code in cases:
            error = refused(await talk.post(**fields), 400)
            assert (error["param"], error["code"]) == (param, code), error


async def test_messages_set_the_history_outright_and_are_kept_without_the_gateways_prompt() -> None:
    told = [
        {"role": "system", "content": "Rhyme."},
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Hello."},
    ]
    async with talking() as talk:
        await talk.turn(conversation="c")
        await talk.turn(conversation="c", messages=json.dumps(told))
        assert spoken(talk.engines.llm.requests[-1]) == [
            "system: Rhyme.",
            "user: Hi.",
            "assistant: Hello.",
            "user: question 2",
        ]
        await talk.turn(conversation="c")
        assert spoken(talk.engines.llm.requests[-1])[:5] == [
            "system: Rhyme.",
            "user: Hi.",
            "assistant: Hello.",
            "user: question 2",
            "assistant: Answer to 4.",
        ]


async def test_instructions_and_the_sentence_about_the_language_are_for_one_turn() -> None:
    async with talking(
        "--enable_lang_prompt", "--init_chat_prompt", "Be kind.", "--init_chat_role", "developer"
    ) as talk:
        first = await talk.turn(instructions="Rhyme.")
        sentence = "Please reply to my message in French."
        assert talk.got == ["developer: Rhyme.", f"user: question 1 + {sentence}"]
        await talk.turn(previous_response_id=first["x-response-id"])
        assert talk.got == [
            "developer: Be kind.",
            "user: question 1",
            "assistant: Answer to 2.",
            f"user: question 2 + {sentence}",
        ]


async def test_pictures_are_remembered() -> None:
    async with talking() as talk:
        await talk.turn(conversation="c", image="https://example.com/1.png")
        await talk.turn(conversation="c")
        assert talk.got[0] == "user: question 1 + [Image]"


async def test_a_recording_that_the_model_hears_itself_is_remembered_without_the_sentence() -> None:
    async with talking("--stt", "none", "--language", "fr", "--enable_lang_prompt", stt=None) as talk:
        await talk.turn(conversation="c")
        assert talk.got == ["user: [Audio] + Please reply to my message in French."]
        await talk.turn(conversation="c")
        assert talk.got[:2] == ["user: [Audio]", "assistant: Answer to 2."]


async def called(talk: Talk) -> str:
    response = await talk.post(conversation="c", tools=json.dumps([CLOCK]), **SSE)
    assert list(events_in(response.text))[-1]["finish_reason"] == "tool_calls"
    return response.headers["x-response-id"]


def results(*call_ids: str) -> list[dict[str, str]]:
    return [{"role": "tool", "tool_call_id": call_id, "content": "noon"} for call_id in call_ids]


CALLED = ["user: question 1", "assistant: [c1 clock] + [c2 clock] + [Opaque]"]


@pytest.mark.parametrize("by", ["previous_response_id", "conversation"])
async def test_results_of_tools_are_added_to_what_is_kept(by: str) -> None:
    async with talking() as talk:
        response_id = await called(talk)
        name = {"previous_response_id": response_id, "conversation": "c"}[by]
        response = await talk.client.post(ROUTE, json={by: name, "messages": results("c1", "c2")})
        assert response.status_code == 200, response.text
        assert talk.got == [*CALLED, "tool: [c1: noon]", "tool: [c2: noon]"]
        await talk.turn(conversation="c")
        assert talk.got == [
            *CALLED,
            "tool: [c1: noon]",
            "tool: [c2: noon]",
            "assistant: Answer to 5.",
            "user: question 2",
        ]


async def test_the_answer_to_a_result_is_read_in_the_language_that_was_heard() -> None:
    async def model(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        if request.tools:
            async for event in answering(request):
                yield event
            return
        yield llm.TextDelta(text="Il est 3 heures. ")
        yield llm.Finished(reason="stop", usage=None)

    async with talking(llm=scripted.language_model(model)) as talk:
        response_id = await called(talk)
        for by in ({"previous_response_id": response_id}, {"conversation": "c"}):
            response = await talk.client.post(ROUTE, json={**by, "messages": results("c1", "c2")})
            assert response.status_code == 200, response.text
            assert talk.engines.tts.requests[-1].text == "Il est trois heures.", "numbers are French"
            assert talk.engines.tts.requests[-1].language is None, "the voice was not told a language before either"
            await called(talk)


async def test_a_question_instead_of_results_leaves_no_call_unanswered() -> None:
    async with talking() as talk:
        await called(talk)
        await talk.turn(conversation="c")
        missing = "No result was given."
        assert talk.got == [
            *CALLED,
            f"tool: [c1: {missing}]",
            f"tool: [c2: {missing}]",
            "assistant: I was interrupted before I could answer.",
            "user: question 2",
        ]


async def test_a_result_of_no_call_is_refused() -> None:
    async with talking() as talk:
        await called(talk)
        error = refused(await talk.client.post(ROUTE, json={"conversation": "c", "messages": results("c9")}), 400)
        assert error["param"] == "messages"
        assert "'c9'" in error["message"]


async def test_a_turn_that_fails_is_not_kept() -> None:
    async def failing(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="I begin. ")
        if len(request.messages) == 4:
            raise TooLong("no more")
        yield llm.Finished(reason="stop", usage=None)

    async with talking(llm=scripted.language_model(failing)) as talk:
        await talk.turn(conversation="c")
        response = await talk.post(conversation="c", **SSE)
        assert "error" in list(events_in(response.text))[-1]
        await talk.post(conversation="c", **SSE)
        assert talk.got == ["user: question 1", "assistant: I begin. ", "user: question 3"]


async def test_an_answer_without_a_sound_is_a_whole_answer_and_kept() -> None:
    async with talking(llm=scripted.language_model(scripted.answering("🙂🙂"))) as talk:
        response = await talk.post(conversation="c")
        assert response.status_code == 200
        shown = list(events_in((await talk.post(conversation="c", **SSE)).text))
        assert talk.got == ["user: question 1", "assistant: 🙂🙂", "user: question 2"]
        sent = [event["audio"] for event in shown if event["type"] == "speech.audio.delta"]
        assert b"".join(map(base64.b64decode, sent)) == response.content, "both say the same silence"
        assert shown[-1]["finish_reason"] == "stop"


class Slow:
    """A model that writes one sentence, and the rest when it is told to."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.requests: list[llm.Request] = []

    async def __call__(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        self.requests.append(request)
        yield llm.TextDelta(text="The first sentence is heard. ")
        await self.release.wait()
        yield llm.TextDelta(text="The second is not.")
        yield llm.Finished(reason="stop", usage=llm.Usage(input_tokens=1, output_tokens=1))


async def test_of_an_interrupted_answer_what_was_heard_is_kept() -> None:
    script = Slow()
    quick = scripted.synthesiser(scripted.ToneVoice(seconds_per_character=0.004))
    async with talking(llm=scripted.language_model(script), tts=quick) as talk:
        async with talk.client.stream("POST", ROUTE, **form(fields={"conversation": "c"})) as response:
            received = response.aiter_bytes()
            await anext(received)
            await asyncio.sleep(0.3)  # longer than the sentence is
        await until(lambda: talk.engines.llm.open == 0)
        script.release.set()
        await talk.turn(conversation="c")
        assert talk.got == ["user: question 1", "assistant: The first sentence is heard.", "user: question 2"]


async def test_after_an_answer_that_nobody_heard_the_questions_become_one_message() -> None:
    script = Slow()
    slow = scripted.synthesiser(scripted.ToneVoice(seconds_per_character=2.0))
    async with talking(llm=scripted.language_model(script), tts=slow) as talk:
        async with talk.client.stream("POST", ROUTE, **form(fields={"conversation": "c"})) as response:
            await anext(response.aiter_bytes())
        script.release.set()
        async with talk.client.stream("POST", ROUTE, **form(fields={"conversation": "c"})) as response:
            await anext(response.aiter_bytes())
        assert talk.got == ["user: question 1 + question 2"]


async def test_a_client_that_leaves_before_it_hears_anything_leaves_nothing() -> None:
    held = asyncio.Event()

    async def silent(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        await held.wait()
        yield llm.TextDelta(text="Here. ")
        yield llm.Finished(reason="stop", usage=None)

    model = scripted.language_model(silent)
    async with talking(llm=model) as talk:
        asking = asyncio.create_task(talk.post(conversation="c"))
        await until(lambda: model.open == 1)
        asking.cancel()
        await until(lambda: model.open == 0)
        held.set()
        await talk.turn(conversation="c")
        assert talk.got == ["user: question 2"]


async def test_turns_of_one_conversation_wait_for_each_other_within_the_limit() -> None:
    script = Slow()
    async with talking("--max_queue", "1", llm=scripted.language_model(script)) as talk:
        first = asyncio.create_task(talk.turn(conversation="c"))
        await until(lambda: len(script.requests) == 1)
        second = asyncio.create_task(talk.turn(conversation="c"))
        await asyncio.sleep(0.1)
        response = await talk.post(conversation="c")
        error = refused(response, 503)
        assert error["code"] == "service_unavailable"
        assert int(response.headers["retry-after"]) >= 1
        other = asyncio.create_task(talk.turn(conversation="d"))
        await until(lambda: len(script.requests) == 2)
        script.release.set()
        await asyncio.gather(first, second, other)
        assert [len(request.messages) for request in script.requests] == [2, 2, 4]


async def test_a_branch_waits_for_no_turn_of_the_conversation_that_it_leaves() -> None:
    script = Slow()
    script.release.set()
    async with talking("--max_queue", "1", llm=scripted.language_model(script)) as talk:
        first = await talk.turn(conversation="c")
        await talk.turn(conversation="c")
        script.release.clear()
        waiting = asyncio.create_task(talk.turn(conversation="c"))
        await until(lambda: len(script.requests) == 3)
        branch = asyncio.create_task(talk.turn(previous_response_id=first["x-response-id"]))
        await until(lambda: len(script.requests) == 4)
        script.release.set()
        assert (await waiting)["x-conversation-id"] == "c"
        assert (await branch)["x-conversation-id"] != "c"


async def test_turns_that_follow_one_answer_at_once_do_not_wait_for_each_other() -> None:
    script = Slow()
    script.release.set()
    async with talking("--max_queue", "1", llm=scripted.language_model(script)) as talk:
        first = await talk.turn()
        script.release.clear()
        following = [asyncio.create_task(talk.turn(previous_response_id=first["x-response-id"])) for _ in range(4)]
        await until(lambda: len(script.requests) == 5)
        script.release.set()
        names = [headers["x-conversation-id"] for headers in await asyncio.gather(*following)]
        assert len(set(names)) == 4
        assert names.count(first["x-conversation-id"]) == 1, "all others are branches"


async def test_the_oldest_turns_go_and_calls_with_theirs() -> None:
    async with talking("--chat_size", "1", "--compact_history", "false") as talk:
        await called(talk)
        await talk.client.post(ROUTE, json={"conversation": "c", "messages": results("c1", "c2")})
        await talk.turn(conversation="c")
        assert len(talk.got) == 6
        await talk.turn(conversation="c")
        assert talk.got == ["user: question 2", "assistant: Answer to 7.", "user: question 3"]


async def test_with_little_memory_the_newest_turns_are_remembered_all_the_same() -> None:
    async with talking("--conversation_memory_mb", "0.004", "--chat_size", "200") as talk:
        await talk.turn(conversation="c")
        for turn in range(2, 51):
            await talk.turn(conversation="c")
            assert talk.got[-3:-1:2] == [f"user: question {turn - 1}"], "it is not forgotten as a whole"
        assert len(talk.got) < 50, "older ones are"


async def test_what_the_model_cannot_take_is_left_out_and_only_then_refused() -> None:
    async def short(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        if len(request.messages) > 5 or "question 6" in str(request.messages):
            raise TooLong("The model takes less.")
        yield llm.TextDelta(text="Yes. ")
        yield llm.Finished(reason="stop", usage=None)

    async with talking("--compact_history", "false", llm=scripted.language_model(short)) as talk:
        for _ in range(4):
            await talk.turn(conversation="c")
        # Three turns were before: the older two went.
        assert talk.got == ["user: question 3", "assistant: Yes. ", "user: question 4"]
        await talk.turn(conversation="c")
        assert talk.got[0] == "user: question 4", "what went does not come back, and what does not fit is seen anew"
        error = refused(await talk.post(conversation="c"), 400)
        assert error["code"] == "context_length_exceeded"


async def test_old_turns_are_summarised_behind_the_scenes_and_what_that_cost_is_told() -> None:
    async def model(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        if INSTRUCTION in spoken(request)[0]:
            yield llm.ReasoningDelta(text="Let me see.")
            yield llm.TextDelta(text="They talked.")
            yield llm.Finished(reason="stop", usage=llm.Usage(input_tokens=70, output_tokens=7))
            return
        yield llm.TextDelta(text="Yes. ")
        yield llm.Finished(reason="stop", usage=llm.Usage(input_tokens=5, output_tokens=1))

    async with talking("--chat_size", "2", "--init_chat_prompt", "P.", llm=scripted.language_model(model)) as talk:
        used: list[dict[str, Any]] = []
        for turn in range(1, 5):
            response = await talk.post(conversation="c", **SSE)
            used.append(list(events_in(response.text))[-1]["usage"])
            if turn == 3:
                await until(lambda: talk.engines.llm.opened == 4 and talk.engines.llm.open == 0)
        summary = f"{SUMMARY}They talked."
        assert talk.got == [f"system: P. + {summary}", "user: question 3", "assistant: Yes. ", "user: question 4"]
        assert used[:3] == [{"input_tokens": 5, "output_tokens": 1, "total_tokens": 6}] * 3
        assert used[3] == {"input_tokens": 75, "output_tokens": 8, "total_tokens": 83, "compaction_tokens": 77}
        last = list(events_in((await talk.post(conversation="c", **SSE)).text))[-1]
        assert last["usage"]["total_tokens"] == 6, "it is told once"


async def test_while_summaries_fail_turns_are_not_delayed_and_no_more_than_twice_as_many_are_kept() -> None:
    async def model(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        if INSTRUCTION in spoken(request)[0]:
            await asyncio.Event().wait()
        yield llm.TextDelta(text="Yes. ")
        yield llm.Finished(reason="stop", usage=None)

    async with talking("--chat_size", "2", llm=scripted.language_model(model)) as talk:
        for _ in range(7):
            await talk.turn(conversation="c")
        assert [line for line in talk.got if line.startswith("user")] == [f"user: question {n}" for n in range(3, 8)]


async def test_a_summary_that_is_late_holds_also_what_was_dropped_meanwhile() -> None:
    late = asyncio.Event()

    async def model(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        if INSTRUCTION in spoken(request)[0]:
            await late.wait()
        yield llm.TextDelta(text="Yes. ")
        yield llm.Finished(reason="stop", usage=None)

    async with talking("--chat_size", "2", "--init_chat_prompt", "P.", llm=scripted.language_model(model)) as talk:
        for _ in range(5):
            await talk.turn(conversation="c")
        late.set()
        await until(lambda: talk.engines.llm.open == 0)
        await talk.turn(conversation="c")
        told = [lines for lines in map(spoken, talk.engines.llm.requests) if "You keep" not in lines[0]][-1]
        assert told[0].startswith("system: P. + Summary")
        assert [line for line in told if line.startswith("user")] == [f"user: question {n}" for n in range(3, 7)]


async def test_what_a_model_says_of_its_context_is_kept_within() -> None:
    """The answers say 50 tokens for each request, so that about half of 256 tokens is some dozens of messages."""
    knowing = scripted.Scripted(llm.Info(context_tokens=256), answering)
    async with talking("--init_chat_prompt", "x" * 400, "--compact_history", "false", llm=knowing) as talk:
        for _ in range(24):
            await talk.turn(conversation="c", max_output_tokens="128")
        most = max(len(request.messages) for request in knowing.requests)
        last = len(knowing.requests[-1].messages)
        assert 10 < last <= most < 40
        assert talk.got[-1] == "user: question 24"


async def test_a_store_that_is_gone_refuses_what_needs_it_and_nothing_else() -> None:
    with redis_server() as (url, process):
        async with talking("--conversation_store", url) as talk:
            first = await talk.turn()
            await talk.turn(previous_response_id=first["x-response-id"])
            assert len(talk.got) == 3
            process.kill()
            process.wait()
            for fields in ({"previous_response_id": first["x-response-id"]}, {"conversation": "c"}):
                response = await talk.post(**fields)
                assert refused(response, 503)["code"] == "service_unavailable"
                assert "retry-after" in response.headers
            response = await talk.post(**SSE)
            assert list(events_in(response.text))[-1]["conversation_id"] is None, "it is answered, and not kept"
            assert (await talk.turn(store="false"))["x-response-id"]
