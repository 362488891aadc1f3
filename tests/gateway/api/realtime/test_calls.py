"""/v1/realtime/calls over real sockets, with aiortc as the client and scripted engines."""

import asyncio
import json
import random
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aioice.ice
import httpx
import numpy as np
import pytest
import websockets
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.rtcdtlstransport import RTCDtlsTransport

from adapters import scripted
from adapters.contract import llm
from adapters.options import BadOption
from gateway.access.caller import Caller
from gateway.access.keys import Key, Keyring, digest_of
from gateway.access.limits import Limits
from gateway.app import create_app
from gateway.webrtc import call
from tests.support.call_client import CallClient, calling, place_again, post_offer
from tests.support.realtime_client import is_subsequence, spoken_question
from tests.support.server import gateway_of, gateway_with_routes, scripted_engines, served, serving, until

KEY = "sk-the-key-of-the-phone"
OTHER = "sk-the-key-of-another-one"
JSON, SDP = "application/json", "application/sdp"
SPOKEN_TURN = [
    "session.created",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "response.created",
    "output_audio_buffer.started",
    "output_audio_buffer.stopped",
]


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides use loopback alone, which the library leaves out."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


def keyring(**caller: Any) -> Keyring:
    return Keyring(
        [
            Key(digests=(digest_of(KEY),), caller=Caller(name="phone", **caller)),
            Key(digests=(digest_of(OTHER),), caller=Caller(name="other")),
        ]
    )


def long_story() -> Any:
    """A model that tells a long story, a sentence at a time."""

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        for number in range(200):
            yield llm.TextDelta(text=f"This is sentence number {number}. ")
            await asyncio.sleep(0.005)
        yield llm.Finished(reason="stop", usage=None)

    return scripted.language_model(script)


def weather() -> Any:
    """A model that asks for the weather, and then tells it."""

    async def script(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        if any(message.role == "tool" for message in request.messages):
            yield llm.TextDelta(text="It is sunny.")
            yield llm.Finished(reason="stop", usage=None)
            return
        yield llm.ToolCallStarted(call_id="call_1", name="weather")
        yield llm.ToolCallDelta(call_id="call_1", arguments='{"city":"Rome"}')
        yield llm.ToolCallFinished(call_id="call_1", name="weather", arguments='{"city":"Rome"}')
        yield llm.Finished(reason="tool_calls", usage=None)

    return scripted.language_model(script)


def ask(client: CallClient, text: str) -> None:
    """Write a message, and ask for the answer."""
    content = [{"type": "input_text", "text": text}]
    client.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    client.send("response.create")


def candidates(client: CallClient) -> Any:
    """The addresses that the gateway's answer names."""
    return client.peer.sctp.transport.transport.getRemoteCandidates()


def left() -> tuple[int, int, list[str]]:
    """Sockets and files, tasks, and threads of this process, but for those in which the client encodes."""
    threads = sorted(name for thread in threading.enumerate() if not (name := thread.name).startswith("asyncio_"))
    return len(list(Path("/proc/self/fd").iterdir())), len(asyncio.all_tasks()), threads


async def test_a_spoken_turn() -> None:
    async with served(gateway_of(scripted_engines())) as address, calling(address) as client:
        client.voice.say(spoken_question())
        await client.until("output_audio_buffer.stopped")
        await asyncio.sleep(0.3)
        assert is_subsequence(SPOKEN_TURN, client.types())
        assert "response.output_audio.delta" not in client.types()
        assert np.abs(client.audio()).max() > 1000


async def test_speech_stops_what_is_played() -> None:
    async with served(gateway_of(scripted_engines(llm=long_story()))) as address, calling(address) as client:
        client.voice.say(spoken_question())
        await client.until("output_audio_buffer.started")
        client.voice.say(spoken_question())
        cleared = await client.until("output_audio_buffer.cleared")
        done = (await client.until("response.done"))["response"]
        assert (done["id"], done["status"]) == (cleared["response_id"], "cancelled")
        assert done["status_details"]["reason"] == "turn_detected"


async def test_the_client_stops_what_is_played() -> None:
    async with served(gateway_of(scripted_engines(llm=long_story()))) as address, calling(address) as client:
        client.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
        ask(client, "Tell me a story.")
        started = await client.until("output_audio_buffer.started")
        client.send("response.cancel")
        client.send("output_audio_buffer.clear")
        cleared = await client.until("output_audio_buffer.cleared")
        assert cleared["response_id"] == started["response_id"]
        await asyncio.sleep(0.5)  # for what is on its way
        heard = len(client.audio())
        await asyncio.sleep(0.8)
        assert np.abs(client.audio()[heard:]).max(initial=0) < 50
        assert "output_audio_buffer.stopped" not in client.types()


async def test_a_function_call_over_the_data_channel() -> None:
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
    async with served(gateway_of(scripted_engines(llm=weather()))) as address:
        async with calling(address) as client:
            client.send("session.update", session={"type": "realtime", "tools": [tool]})
            ask(client, "How is the weather in Rome?")
            (call,) = (await client.until("response.done"))["response"]["output"]
            assert (call["name"], call["arguments"]) == ("weather", '{"city":"Rome"}')
            output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
            client.send("conversation.item.create", item=output)
            client.send("response.create")
            done = await client.until("response.done")
            assert done["response"]["output"][0]["content"][0]["transcript"] == "It is sunny."
            await client.until("output_audio_buffer.stopped")


async def test_audio_in_g711_of_the_session_is_the_same_call() -> None:
    formats = {"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcma"}}}
    session = {"type": "realtime", "audio": formats}
    async with served(gateway_of(scripted_engines())) as address:
        async with calling(address, form=lambda sdp: {"json": {"sdp": sdp, "session": session}}) as client:
            assert client.events[0]["session"]["audio"]["output"]["format"] == {"type": "audio/pcma"}
            client.voice.say(spoken_question())
            await client.until("output_audio_buffer.stopped")
            await asyncio.sleep(0.3)
            assert np.abs(client.audio()).max() > 1000


async def test_a_websocket_beside_a_call_shares_its_session() -> None:
    async with served(gateway_of(scripted_engines())) as address, calling(address) as client:
        call_id = client.location.rpartition("/")[2]
        url = f"{address.replace('http', 'ws', 1)}/v1/realtime?call_id={call_id}"
        async with websockets.connect(url) as socket:
            first = json.loads(await socket.recv())
            assert first["type"] == "session.created"
            assert first["session"]["id"] == client.events[0]["session"]["id"]
            changed = {"type": "realtime", "instructions": "Be brief."}
            await socket.send(json.dumps({"type": "session.update", "session": changed}))
            updated = await client.until("session.updated")
            assert updated["session"]["instructions"] == "Be brief."
            assert json.loads(await socket.recv()) == updated
            ask(client, "Hello?")
            await client.until("response.done")
            await client.close()
            types = [json.loads(frame)["type"] async for frame in socket]
            assert socket.close_code == 1000
        assert "response.done" in types
        assert "response.output_audio.delta" not in types


async def test_a_call_is_hung_up_and_then_unknown() -> None:
    async with served(gateway_of(scripted_engines())) as address:
        for method, suffix, status in (("DELETE", "", 204), ("POST", "/hangup", 200)):
            async with calling(address) as client, httpx.AsyncClient(base_url=address) as http:
                assert (await http.request(method, client.location + suffix)).status_code == status
                again = await http.request(method, client.location + suffix)
                assert (again.status_code, again.json()["error"]["code"]) == (404, "call_not_found")
                await until(lambda peer=client.peer: peer.connectionState == "closed")


async def test_ended_calls_leave_nothing() -> None:
    async def talk(address: str) -> None:
        async with calling(address) as client:
            client.voice.say(spoken_question())
            await client.until("output_audio_buffer.started")

    async with served(gateway_of(scripted_engines())) as address:
        await talk(address)  # what the first one loads stays
        await asyncio.sleep(1)
        before = left()
        for _ in range(3):
            await talk(address)
        await until(lambda: left() == before)


async def test_keys_and_client_secrets_begin_calls_of_their_owner_alone() -> None:
    async with served(gateway_of(scripted_engines()), keyring=keyring()) as address:
        async with httpx.AsyncClient(base_url=address) as http:
            offer = await CallClient.made_offer()
            assert (await post_offer(address, offer, "sk-wrong-wrong-wrong-wrong")).status_code == 401
            session = {"type": "realtime", "instructions": "Be kind."}
            mine = {"authorization": f"Bearer {KEY}"}
            made = await http.post("/v1/realtime/client_secrets", json={"session": session}, headers=mine)
            async with calling(address, made.json()["value"]) as client:
                assert client.events[0]["session"]["instructions"] == "Be kind."
                others = {"authorization": f"Bearer {OTHER}"}
                assert (await http.delete(client.location, headers=others)).status_code == 404
                url = f"{address.replace('http', 'ws', 1)}/v1/realtime?call_id={client.location.rpartition('/')[2]}"
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(url, additional_headers=others)
                assert refused.value.response.status_code == 404
                assert (await http.delete(client.location, headers=mine)).status_code == 204


async def test_a_key_may_have_so_many_calls_at_once() -> None:
    limits = Limits(sessions_at_once=1)
    async with served(gateway_of(scripted_engines()), keyring=keyring(limits=limits)) as address:
        offer = await CallClient.made_offer()
        async with calling(address, KEY) as client:
            assert (await post_offer(address, offer, KEY)).status_code == 429
            url = f"{address.replace('http', 'ws', 1)}/v1/realtime?call_id={client.location.rpartition('/')[2]}"
            async with websockets.connect(url, additional_headers={"authorization": f"Bearer {KEY}"}):
                pass  # no session of its own
        async with calling(address, KEY):
            pass


BAD_OFFERS = {
    "garbage": ("hello", "sdp"),
    "nothing": ("", "sdp"),
    "a header only": ("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", "sdp"),
    "too long": ("v=0\r\n" + "a=x\r\n" * 30_000, "sdp"),
}


@pytest.mark.parametrize("name", BAD_OFFERS)
async def test_what_is_no_offer_is_refused(name: str) -> None:
    offer, param = BAD_OFFERS[name]
    async with served(gateway_of(scripted_engines(), "--realtime_sessions", "1")) as address:
        requests: tuple[dict[str, Any], ...] = ({}, {"json": {"sdp": offer}})
        for request in requests:
            answer = await post_offer(address, offer, **request)
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
        async with calling(address):
            pass  # the place is free


async def test_an_offer_without_audio_or_opus_is_refused() -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.createDataChannel("oai-events")
    await peer.setLocalDescription(await peer.createOffer())
    without_audio = peer.localDescription.sdp
    await peer.close()
    without_opus = (await CallClient.made_offer()).replace("opus/48000", "speex/48000")
    without_opus = "\r\n".join(line for line in without_opus.split("\r\n") if "PCM" not in line and "G722" not in line)
    async with served(gateway_of(scripted_engines())) as address:
        for offer, said in ((without_audio, "no audio"), (without_opus, "Opus")):
            error = (await post_offer(address, offer)).json()["error"]
            assert (error["code"], error["param"]) == ("invalid_offer", "sdp")
            assert said in error["message"]


async def test_a_call_names_a_model_that_is_there() -> None:
    gateway = gateway_with_routes(scripted_engines(), [("home", ())])
    async with served(gateway) as address:
        answer = await post_offer(address, await CallClient.made_offer(), params={"model": "nobody"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
        async with calling(address, form=lambda _: {"params": {"model": "home"}}) as client:
            assert client.events[0]["session"]["model"] == "home"


async def test_offers_come_in_forms_json_and_text() -> None:
    session = {"type": "realtime", "model": "gpt-realtime", "instructions": "Be kind."}
    async with served(gateway_of(scripted_engines())) as address:
        for request in (
            lambda sdp: {
                "files": {"sdp": (None, sdp, "application/sdp"), "session": (None, json.dumps(session), JSON)}
            },
            lambda sdp: {"files": {"sdp": ("offer.sdp", sdp), "session": ("session.json", json.dumps(session))}},
            lambda sdp: {"json": {"sdp": sdp, "session": session}},
        ):
            async with calling(address, form=request) as client:
                assert client.events[0]["session"]["instructions"] == "Be kind."
        plain = {"headers": {"content-type": "text/plain"}, "params": {"model": "gpt-4o-realtime"}}
        async with calling(address, form=lambda _: plain) as client:
            assert client.events[0]["session"]["model"] == "gpt-4o-realtime"
        answer = await post_offer(address, "v=0", json={"sdp": "v=0", "session": "{"})
        assert answer.json()["error"]["param"] == "session"


async def test_calls_use_the_ports_that_are_set() -> None:
    gateway = gateway_of(scripted_engines(), "--webrtc_ports", "41000-41001")
    async with served(gateway) as address:
        for _ in range(3):  # the ports are given back
            async with calling(address) as one, calling(address) as other:
                ports = {candidate.port for client in (one, other) for candidate in candidates(client)}
                assert ports == {41_000, 41_001}


async def test_packets_lost_late_and_out_of_order_cost_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """5 % are lost; the others take 0 to 60 ms, so that many pass those before them."""
    sent = RTCDtlsTransport._send_rtp
    chance = random.Random(5)

    async def late(self: RTCDtlsTransport, data: bytes) -> None:
        await asyncio.sleep(chance.uniform(0, 0.06))
        with suppress(ConnectionError):  # the call may be over by now
            await sent(self, data)

    async def lossy(self: RTCDtlsTransport, data: bytes) -> None:
        if chance.random() >= 0.05:
            task = asyncio.create_task(late(self, data))
            on_the_way.add(task)
            task.add_done_callback(on_the_way.discard)

    on_the_way: set[asyncio.Task[None]] = set()
    monkeypatch.setattr(RTCDtlsTransport, "_send_rtp", lossy)
    engines = scripted_engines()
    async with served(gateway_of(engines)) as address, calling(address) as client:
        for _ in range(3):
            client.voice.say(spoken_question())
            await client.until("output_audio_buffer.stopped")
        assert client.types().count("response.done") == 3
        assert np.abs(client.audio()).max() > 1000


async def test_a_client_that_vanishes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_FAILURES", 1)
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.2)
    gateway = gateway_of(scripted_engines(), "--realtime_sessions", "1")
    async with served(gateway) as address:
        async with calling(address) as client:
            for protocol in client.peer.sctp.transport.transport._connection._protocols:
                protocol.transport.sendto = lambda *_: None  # the network is gone
            await place_again(address, await CallClient.made_offer())


async def test_a_client_that_never_connects_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "CONNECT_SECONDS", 0.3)
    async with served(gateway_of(scripted_engines(), "--realtime_sessions", "1")) as address:
        offer = await CallClient.made_offer()
        assert (await post_offer(address, offer)).status_code == 201
        await place_again(address, offer)


async def test_a_gateway_that_stops_tells_its_calls() -> None:
    gateway = gateway_of(scripted_engines())
    async with serving(create_app(gateway), gateway.settings, stop=gateway.stop) as (address, server):
        await until(lambda: gateway.state == "ready")
        async with calling(address) as client:
            server.should_exit = True
            assert (await client.until("error"))["error"]["code"] == "server_shutdown"
            await until(lambda: client.peer.connectionState == "closed")


async def test_without_the_extra_the_refusal_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    offer = await CallClient.made_offer()
    for name in ("gateway.webrtc.call", "gateway.webrtc.ice", "gateway.webrtc.peer", "gateway.webrtc.opus_track"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "aiortc", None)
    async with served(gateway_of(scripted_engines())) as address:
        answer = await post_offer(address, offer)
        assert (answer.status_code, answer.json()["error"]["code"]) == (501, "not_implemented")
        assert "speech-gateway[webrtc]" in answer.json()["error"]["message"]
    with pytest.raises(BadOption, match=r"speech-gateway\[webrtc\]"):
        create_app(gateway_of(scripted_engines(), "--webrtc_ports", "50000-50100"))
