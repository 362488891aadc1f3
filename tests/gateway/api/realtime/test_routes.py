"""/v1/realtime over real sockets, with the openai package as the client and scripted engines."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
import websockets

from adapters import scripted
from adapters.contract import llm
from tests.support.realtime_client import RealtimeClient, is_subsequence, realtime, silence, spoken_question
from tests.support.server import gateway_of, scripted_engines, served, until

ANSWER = "Hello there. How are you?"

TEXT_ANSWER = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]
SPOKEN_ANSWER = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]
SPOKEN_TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.completed",
    *SPOKEN_ANSWER,
]
BY_HAND: dict[str, Any] = {"input": {"turn_detection": None}}


def long_story(pieces: int = 200) -> Any:
    """A model that tells a long story, a sentence at a time."""

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        for number in range(pieces):
            yield llm.TextDelta(text=f"This is sentence number {number}. ")
            await asyncio.sleep(0.005)
        yield llm.Finished(reason="stop", usage=None)

    return scripted.language_model(script)


def texts(message: llm.Message) -> str:
    return " ".join(part.text for part in message.parts if isinstance(part, llm.Text))


async def at_rest(engines: Any) -> None:
    """Wait until nothing is left of any answer."""
    await until(lambda: engines.llm.open == engines.tts.open == engines.stt.open == 0)


async def test_an_answer_in_text() -> None:
    engines = scripted_engines()
    async with served(gateway_of(engines)) as address, realtime(address) as client:
        await client.update(output_modalities=["text"], instructions="Be kind.")
        await client.write("Hello?")
        client.events.clear()
        answer = await client.answered()
        assert client.types() == TEXT_ANSWER
        assert answer["output"][0]["content"] == [{"type": "output_text", "text": ANSWER}]
        assert answer["usage"]["total_tokens"] == 3
    (request,) = engines.llm.requests  # type: ignore[attr-defined]
    assert [(message.role, texts(message)) for message in request.messages] == [
        ("system", "Be kind."),
        ("user", "Hello?"),
    ]


async def added_recording(client: RealtimeClient, seconds: int) -> str:
    """The id of an item that has so much audio."""
    for _ in range(seconds // 5):
        await client.append(silence(5))
    await client.send("input_audio_buffer.commit")
    item_id: str = (await client.until("conversation.item.done"))["item"]["id"]
    return item_id


async def test_a_client_that_reads_may_ask_for_as_many_items_at_once_as_it_likes() -> None:
    async with served(gateway_of(scripted_engines())) as address, realtime(address) as client:
        await client.update(audio=BY_HAND)
        item_id = await added_recording(client, 15)
        for _ in range(40):
            await client.send("conversation.item.retrieve", item_id=item_id)
        for _ in range(40):
            (part,) = (await client.until("conversation.item.retrieved"))["item"]["content"]
            assert len(base64.b64decode(part["audio"])) == len(silence(15))


async def test_an_item_whose_audio_is_too_long_for_an_event_is_shown_without_it() -> None:
    async with served(gateway_of(scripted_engines())) as address, realtime(address) as client:
        await client.update(audio=BY_HAND)
        item_id = await added_recording(client, 70)
        await client.send("conversation.item.retrieve", item_id=item_id)
        (part,) = (await client.until("conversation.item.retrieved"))["item"]["content"]
        assert part == {"type": "input_audio", "transcript": part["transcript"]}


async def test_a_spoken_answer_is_the_synthesisers_audio() -> None:
    async with served(gateway_of(scripted_engines())) as address, realtime(address) as client:
        await client.write("Hello?")
        client.events.clear()
        answer = await client.answered()
        assert is_subsequence(SPOKEN_ANSWER, client.types())
        assert answer["output"][0]["content"] == [{"type": "output_audio", "transcript": ANSWER}]
        chunk = scripted.ToneVoice().chunk()
        assert client.audio().startswith(chunk * 5)
        assert 0.5 < len(client.audio()) / 48_000 < 2


@pytest.mark.parametrize("audio_format", ["audio/pcmu", "audio/pcma"])
async def test_a_spoken_answer_in_g711(audio_format: str) -> None:
    async with served(gateway_of(scripted_engines())) as address, realtime(address) as client:
        await client.update(audio={"output": {"format": {"type": audio_format}}})
        await client.write("Hello?")
        await client.answered()
        assert 0.5 < len(client.audio()) / 8_000 < 2


async def test_a_whole_spoken_turn() -> None:
    engines = scripted_engines()
    async with served(gateway_of(engines)) as address, realtime(address) as client:
        await client.update(audio={"input": {"transcription": {"model": "whisper-1"}}})
        client.events.clear()
        await client.speak(spoken_question() + silence(1.0))
        await client.until("response.done")
        assert is_subsequence(SPOKEN_TURN, client.types())
        item = next(event["item_id"] for event in client.events if event["type"].endswith("speech_started"))
        await client.send("conversation.item.retrieve", item_id=item)
        kept = (await client.until("conversation.item.retrieved"))["item"]["content"][0]
        assert kept["transcript"] == "what did you say"
        assert len(base64.b64decode(kept["audio"])) > len(spoken_question()) / 2
    (request,) = engines.llm.requests  # type: ignore[attr-defined]
    assert texts(request.messages[-1]) == "what did you say"
    await at_rest(engines)


async def test_committed_by_hand() -> None:
    engines = scripted_engines()
    async with served(gateway_of(engines)) as address, realtime(address) as client:
        await client.update(audio=BY_HAND, output_modalities=["text"])
        await client.speak(spoken_question())
        await client.send("input_audio_buffer.commit")
        await client.until("input_audio_buffer.committed")
        await client.answered()
    assert texts(engines.llm.requests[-1].messages[-1]) == "what did you say"  # type: ignore[attr-defined]


async def test_a_function_call_and_the_answer_to_its_result() -> None:
    async def calling(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        if any(message.role == "tool" for message in request.messages):
            yield llm.TextDelta(text="It is sunny.")
            yield llm.Finished(reason="stop", usage=None)
            return
        yield llm.ToolCallStarted(call_id="call_1", name="weather")
        yield llm.ToolCallDelta(call_id="call_1", arguments='{"city":')
        yield llm.ToolCallDelta(call_id="call_1", arguments='"Rome"}')
        yield llm.ToolCallFinished(call_id="call_1", name="weather", arguments='{"city":"Rome"}')
        yield llm.Finished(reason="tool_calls", usage=None)

    engines = scripted_engines(llm=scripted.language_model(calling))
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
    async with served(gateway_of(engines)) as address, realtime(address) as client:
        await client.update(tools=[tool], tool_choice="auto")
        await client.write("How is the weather in Rome?")
        client.events.clear()
        answer = await client.answered()
        call = answer["output"][0]
        assert (call["name"], call["arguments"], call["status"]) == ("weather", '{"city":"Rome"}', "completed")
        assert is_subsequence(
            [
                "response.output_item.added",
                "response.function_call_arguments.delta",
                "response.function_call_arguments.done",
                "response.output_item.done",
            ],
            client.types(),
        )
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
        await client.send("conversation.item.create", item=output)
        answer = await client.answered()
        assert answer["output"][0]["content"][0]["transcript"] == "It is sunny."
    asked = engines.llm.requests[-1].messages  # type: ignore[attr-defined]
    assert [message.role for message in asked][-3:] == ["user", "assistant", "tool"]


async def test_speech_stops_the_answer_and_only_what_was_heard_is_remembered() -> None:
    engines = scripted_engines(llm=long_story())
    async with served(gateway_of(engines)) as address, realtime(address) as client:
        await client.write("Tell me a story.")
        await client.send("response.create")
        await client.until("response.output_audio.delta")
        await asyncio.sleep(0.5)
        await client.speak(spoken_question())
        done = await client.until("response.done")
        details = done["response"]["status_details"]
        assert (done["response"]["status"], details["reason"]) == ("cancelled", "turn_detected")
        assert engines.llm.open <= 1  # type: ignore[attr-defined]
        heard = len(client.audio()) / 48_000
        assert heard < 8, "no more than the lead was sent"
        await client.speak(silence(1.0))
        await client.until("response.created")
    asked = engines.llm.requests[-1].messages  # type: ignore[attr-defined]
    before = next(texts(message) for message in asked if message.role == "assistant")
    assert before.startswith("This is")
    assert len(before) < 200, "what was never played is not remembered"
    await at_rest(engines)


async def test_cancel_and_the_next_answer() -> None:
    engines = scripted_engines(llm=long_story())
    async with served(gateway_of(engines)) as address, realtime(address) as client:
        await client.write("Tell me a story.")
        await client.send("response.create")
        await client.until("response.output_audio.delta")
        await client.send("response.create", event_id="mine")
        error = (await client.until("error"))["error"]
        assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", "mine")
        await client.send("response.cancel")
        done = await client.until("response.done")
        assert done["response"]["status_details"]["reason"] == "client_cancelled"
        await at_rest(engines)
        await client.send("response.cancel")
        assert (await client.until("error"))["error"]["code"] == "response_cancel_not_active"
        await client.send("response.create")
        await client.until("response.output_audio.delta")
    await at_rest(engines)


async def test_truncation_past_the_end_keeps_all_of_the_answer() -> None:
    async with served(gateway_of(scripted_engines())) as address, realtime(address) as client:
        await client.write("Hello?")
        (item,) = (await client.answered())["output"]
        await client.send(
            "conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=3_600_000, event_id="mine"
        )
        truncated = await client.until("conversation.item.truncated")
        assert truncated["audio_end_ms"] == pytest.approx(len(client.audio()) / 48, abs=1)
        await client.send("conversation.item.retrieve", item_id=item["id"])
        kept = (await client.until("conversation.item.retrieved"))["item"]["content"][0]
        assert kept["transcript"] == ANSWER
        assert base64.b64decode(kept["audio"]) == client.audio()


BAD_FRAMES: dict[str, tuple[str | bytes, str | None]] = {
    "no JSON": ("{", None),
    "binary": (b"\0\1\2", None),
    "a list": ("[1]", None),
    "no type": ('{"event_id":"mine"}', "mine"),
    "unknown type": ('{"type":"session.destroy","event_id":"mine"}', "mine"),
    "bad base64": ('{"type":"input_audio_buffer.append","audio":"*","event_id":"mine"}', "mine"),
    "odd bytes": ('{"type":"input_audio_buffer.append","audio":"AAAA","event_id":"mine"}', "mine"),
    "nothing to commit": ('{"type":"input_audio_buffer.commit","event_id":"mine"}', "mine"),
    "unknown item": ('{"type":"conversation.item.delete","item_id":"x","event_id":"mine"}', "mine"),
    "deep": ('{"type":' + "[" * 100_000, None),
}


async def test_bad_frames_are_told_of_and_the_session_goes_on() -> None:
    async with served(gateway_of(scripted_engines())) as address:
        url = f"{address.replace('http', 'ws', 1)}/v1/realtime"
        async with websockets.connect(url, max_size=None) as socket:
            client = RealtimeClient(Raw(socket))  # type: ignore[arg-type]
            for name, (frame, event_id) in BAD_FRAMES.items():
                await socket.send(frame)
                error = (await client.until("error"))["error"]
                assert (error["type"], error["event_id"]) == ("invalid_request_error", event_id), name
            too_much = base64.b64encode(bytes(15 * 1024 * 1024 + 2)).decode()
            await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": too_much}))
            assert (await client.until("error"))["error"]["param"] == "audio"
            await client.update(instructions="Still there?")


class Raw:
    """What ``RealtimeClient`` needs of a connection, over a bare WebSocket."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket

    async def recv_bytes(self) -> bytes:
        return (await self._socket.recv(decode=False)) or b""

    async def send(self, event: Any) -> None:
        await self._socket.send(json.dumps(event))


async def test_a_client_that_sends_audio_without_end_is_told_when_the_buffer_is_full() -> None:
    async with served(gateway_of(scripted_engines())) as address, realtime(address) as client:
        await client.update(audio=BY_HAND)
        for _ in range(3):
            await client.append(bytes(14_000_000))
        assert (await client.until("error"))["error"]["code"] == "input_audio_buffer_full"
        await client.send("input_audio_buffer.clear")
        await client.until("input_audio_buffer.cleared")


async def test_a_client_that_vanishes_leaves_nothing_behind() -> None:
    engines = scripted_engines(llm=long_story())
    async with served(gateway_of(engines, "--realtime_sessions", "1")) as address:
        async with realtime(address) as client:
            await client.write("Tell me a story.")
            await client.send("response.create")
            await client.until("response.output_audio.delta")
            client.connection._connection.transport.abort()
        await at_rest(engines)
        async with asyncio.timeout(10):
            while True:
                try:
                    async with realtime(address):
                        break
                except websockets.InvalidStatus:  # its place is not free yet
                    await asyncio.sleep(0.05)


async def test_fifty_sessions_at_once() -> None:
    engines = scripted_engines()
    question = spoken_question() + silence(0.8)

    async def one(address: str, number: int) -> str:
        async with realtime(address) as client:
            await client.update(instructions=f"You are number {number}.")
            await client.speak(question)
            done = await client.until("response.done")
            return str(done["response"]["status"])

    async with served(gateway_of(engines)) as address, asyncio.timeout(100), asyncio.TaskGroup() as group:
        sessions = [group.create_task(one(address, number)) for number in range(50)]
    assert [session.result() for session in sessions] == ["completed"] * 50
    told = sorted(texts(request.messages[0]) for request in engines.llm.requests)  # type: ignore[attr-defined]
    assert told == sorted(f"You are number {number}." for number in range(50))
    await at_rest(engines)


async def test_two_sessions_share_no_settings() -> None:
    async with served(gateway_of(scripted_engines())) as address, realtime(address) as one, realtime(address) as other:
        await one.update(output_modalities=["text"], instructions="One.", audio=BY_HAND)
        told = await other.update(tracing=None)
        assert told["output_modalities"] == ["audio"]
        assert told["instructions"] != "One."
        assert told["audio"]["input"]["turn_detection"]["type"] == "server_vad"


async def test_a_conversation_goes_on_after_a_reconnect() -> None:
    engines = scripted_engines()
    async with served(gateway_of(engines)) as address:
        async with realtime(address) as client:
            conversation = (await client.until("conversation.created"))["conversation"]["id"]
            await client.write("My name is Ada.")
            await client.answered(output_modalities=["text"])
        async with realtime(address, conversation=conversation) as client:
            assert (await client.until("conversation.created"))["conversation"]["id"] == conversation
            await client.write("What is my name?")
            await client.answered(output_modalities=["text"])
    asked = engines.llm.requests[-1].messages  # type: ignore[attr-defined]
    assert [texts(message) for message in asked][-3:] == ["My name is Ada.", ANSWER, "What is my name?"]


async def test_a_session_that_transcribes() -> None:
    engines = scripted_engines()
    async with served(gateway_of(engines)) as address:
        async with realtime(address, model=None, intent="transcription") as client:
            assert client.events[0]["session"]["type"] == "transcription"
            session = {"type": "transcription", "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}
            await client.send("session.update", session=session)
            await client.until("session.updated")
            await client.speak(spoken_question() + silence(1.0))
            done = await client.until("conversation.item.input_audio_transcription.completed")
            assert done["transcript"] == "what did you say"
            assert done["usage"]["type"] == "duration"
    assert engines.llm.opened == 0  # type: ignore[attr-defined]


async def test_a_model_that_fails_fails_the_answer_and_not_the_session() -> None:
    async def failing(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        raise ConnectionError("secret words of the user")
        yield llm.TextDelta(text="")

    engines = scripted_engines(llm=scripted.language_model(failing))
    async with served(gateway_of(engines)) as address, realtime(address) as client:
        await client.write("Hello?")
        answer = await client.answered()
        assert answer["status"] == "failed"
        assert "secret" not in str(answer)
        await client.update(instructions="Still there.")


async def test_a_request_without_an_upgrade_is_told_that_it_is_a_websocket() -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient() as client:
        answer = await client.get(f"{address}/v1/realtime?model=gpt-realtime")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    assert "upgrade" in answer.headers["connection"], "proxies must not pass the other on"
    assert "ws://" in answer.json()["error"]["message"]
