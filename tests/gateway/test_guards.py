"""Guards on every surface: nothing is heard or seen before it has passed; what is flagged shows in OpenAI's words."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters import scripted
from adapters.contract import guard, llm
from adapters.contract.errors import UpstreamError
from gateway.engines.build import build
from gateway.engines.lifecycle import Gateway
from gateway.engines.route import ServedRoute
from gateway.settings.load import load
from tests.support.chat_chunks import delta
from tests.support.moderations_server import moderating
from tests.support.realtime_client import realtime
from tests.support.scripted_guard import ScriptedGuard, guards_of
from tests.support.server import EMBEDDED, question, scripted_engines, served
from tests.support.upstream_server import Exchange, UpstreamServer

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
VOICE = "/v1/audio/speech-to-speech"
SPEECH = "/v1/audio/speech"

ANSWER = ("The weather is fine ", "over here my friend. ", "It is a bad ", "day for umbrellas. ", "Bye for now.")
FIRST, SECOND, LAST = "The weather is fine over here my friend.", " It is a bad day for umbrellas.", " Bye for now."


class Desk:
    """A client of a gateway with one scripted guard, and what is behind the gateway."""

    def __init__(self, client: httpx.AsyncClient, engines: Any) -> None:
        self.client = client
        self.engines = engines

    async def text(self, route: str, words: str = "Hello?", *, stream: bool = True) -> httpx.Response:
        """The answer in text of ``route`` to ``words``."""
        asked = {"messages": [{"role": "user", "content": words}]} if route == CHAT else {"input": words}
        return await self.client.post(route, json={"model": "m", "stream": stream, **asked})

    async def voice(self, **fields: str) -> httpx.Response:
        """The spoken answer to a question, as events."""
        form = {"stream_format": "sse", "response_format": "pcm", **fields}
        return await self.client.post(VOICE, files={"file": question()}, data=form)


@asynccontextmanager
async def desk(scripted_guard: ScriptedGuard, **rules: Any) -> AsyncGenerator[Desk, None]:
    engines = scripted_engines(
        stt=scripted.recogniser("Hello?"), llm=scripted.language_model(scripted.answering(*ANSWER))
    )
    loaded = load(["--stream_batch_sentences", "1"], {})
    guards = guards_of(scripted_guard, **{"sentence": "No.", **rules})
    gateway = Gateway(loaded.settings, [ServedRoute(route=loaded.routes[0], engines=engines, guards=guards)])
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        yield Desk(client, engines)
    assert scripted_guard.warm == scripted_guard.closed == 1


def shown(route: str, response: httpx.Response) -> tuple[str, str]:
    """The text of a streamed answer, and how it ended."""
    assert response.status_code == 200, response.text
    events = [json.loads(line[6:]) for line in response.text.split("\n") if line.startswith("data: {")]
    if route == CHAT:
        choices = [event["choices"][0] for event in events]
        return "".join(each["delta"].get("content") or "" for each in choices), choices[-1]["finish_reason"]
    if route == VOICE:
        text = "".join(event["delta"] for event in events if event["type"] == "speech.text.delta")
        return text, events[-1]["finish_reason"]
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    details = events[-1]["response"]["incomplete_details"]
    return text, "stop" if details is None else details["reason"]


async def asked(at: Desk, route: str) -> httpx.Response:
    return await at.voice() if route == VOICE else await at.text(route)


@pytest.mark.parametrize("route", [CHAT, RESPONSES, VOICE])
class TestAnswers:
    @pytest.mark.parametrize(
        ("action", "expected"),
        [
            ("refuse", (FIRST, "content_filter")),
            ("stop", (f"{FIRST} No.", "content_filter")),
            ("replace", (f"{FIRST} No.{LAST}", "stop")),
        ],
    )
    async def test_each_action(self, route: str, action: str, expected: tuple[str, str]) -> None:
        async with desk(ScriptedGuard(), on=("answer",), action=action) as at:
            assert shown(route, await asked(at, route)) == expected
            assert at.engines.llm.open == at.engines.tts.open == 0

    async def test_a_guard_that_is_down(self, route: str) -> None:
        async def down(_request: guard.Request) -> bool:
            raise UpstreamError("down")

        async with desk(ScriptedGuard(judge=down), on=("answer",)) as at:
            refused = await asked(at, route)
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "service_unavailable")
            assert "The guard 'test' cannot be asked" in refused.json()["error"]["message"]
            assert at.engines.llm.open == 0
        async with desk(ScriptedGuard(judge=down), on=("answer",), on_failure="open") as at:
            assert shown(route, await asked(at, route)) == (FIRST + SECOND + LAST, "stop")


@pytest.mark.parametrize("route", [CHAT, RESPONSES, VOICE])
class TestQuestions:
    async def test_a_request_is_refused(self, route: str) -> None:
        async with desk(ScriptedGuard("Hello?"), on=("transcript",)) as at:
            refused = await asked(at, route)
            assert at.engines.llm.opened == 0
        error = refused.json()["error"]
        assert (refused.status_code, error["code"]) == (400, "content_policy_violation")
        assert error["type"] == "invalid_request_error"

    async def test_a_sentence_is_the_answer(self, route: str) -> None:
        async with desk(ScriptedGuard("Hello?"), on=("transcript",), action="stop") as at:
            assert shown(route, await asked(at, route)) == ("No.", "content_filter")
            assert at.engines.llm.opened == 0

    async def test_a_sentence_is_what_the_model_is_asked(self, route: str) -> None:
        async with desk(ScriptedGuard("Hello?"), on=("transcript",), action="replace") as at:
            assert shown(route, await asked(at, route))[1] == "stop"
            assert at.engines.llm.requests[-1].messages[-1].parts == (llm.Text(text="No."),)


@pytest.mark.parametrize(
    ("action", "status", "kept"),
    [("refuse", "failed", "[removed]"), ("stop", "incomplete", "[removed]"), ("replace", "completed", "No.")],
)
class TestWhatIsRemembered:
    async def test_of_a_session_in_which_only_the_flagged_turn_is_refused(
        self, action: str, status: str, kept: str
    ) -> None:
        async with desk(ScriptedGuard("bomb"), on=("transcript",), action=action) as at:
            address = str(at.client.base_url).rstrip("/")
            async with realtime(address) as client:
                name = (await client.until("conversation.created"))["conversation"]["id"]
                await client.update(output_modalities=["text"])
                ends = []
                for text in ("Hello?", "How is a bomb built?", "What is a bomb?", "How is the weather?"):
                    await client.write(text)
                    item = client.events[-1]["item"]["id"]
                    ends.append((await client.answered())["status"])
                    await client.send("conversation.item.retrieve", item_id=item)
                    [content] = (await client.until("conversation.item.retrieved"))["item"]["content"]
                    assert content["text"] == (kept if "bomb" in text else text)
            assert ends == ["completed", status, status, "completed"]
            async with realtime(address, conversation=name) as client:
                await client.update(output_modalities=["text"])
                await client.write("And tomorrow?")
                assert (await client.answered())["status"] == "completed"
            read = str(at.engines.llm.requests[-1].messages)
            assert read.count(kept) >= 2
            assert "bomb" not in read
            listed = (await at.client.get(f"/v1/conversations/{name}/items")).text
            assert (listed.count(kept) >= 2, "bomb" in listed) == (True, False)
            response = await at.client.post(RESPONSES, json={"model": "m", "input": "Go on.", "conversation": name})
            assert response.status_code == 200

    async def test_of_a_response(self, action: str, status: str, kept: str) -> None:
        words, instructions = "How is a bomb built?", "You know all about the bomb."
        async with desk(ScriptedGuard("bomb"), on=("transcript",), action=action) as at:
            fields = {"model": "m", "input": words, "instructions": instructions}
            response = await at.client.post(RESPONSES, json=fields)
            if status == "failed":
                assert response.status_code == 400
                return
            path = f"{RESPONSES}/{response.json()['id']}"
            [item] = (await at.client.get(f"{path}/input_items")).json()["data"]
            assert item["content"][0]["text"] == kept
            assert (await at.client.get(path)).json()["instructions"] == kept


async def test_a_whole_answer_is_guarded_too() -> None:
    async with desk(ScriptedGuard(), on=("answer",), action="stop") as at:
        [choice] = (await at.text(CHAT, stream=False)).json()["choices"]
        assert (choice["message"]["content"], choice["finish_reason"]) == (f"{FIRST} No.", "content_filter")
        response = (await at.text(RESPONSES, stream=False)).json()
        assert response["status"] == "incomplete"
        assert response["incomplete_details"] == {"reason": "content_filter"}


class TestSpeaking:
    async def test_the_next_clause_is_judged_while_the_one_before_is_spoken(self) -> None:
        """The guard lets the second clause pass only when the first one was heard."""
        heard = asyncio.Event()
        spoken: list[list[str]] = []
        at: Desk

        async def judge(request: guard.Request) -> bool:
            spoken.append([each.text for each in at.engines.tts.requests])
            if request.text != FIRST:
                await heard.wait()
            return False

        async with desk(ScriptedGuard(judge=judge), on=("answer",), timeout_seconds=10) as at:
            data = {"stream_format": "sse", "response_format": "pcm"}
            kinds: list[str] = []
            async with at.client.stream("POST", VOICE, files={"file": question()}, data=data) as response:
                async for line in response.aiter_lines():
                    if line.startswith("data: {"):
                        event = json.loads(line[6:])
                        kinds.append(event["type"])
                        if event["type"] == "speech.audio.delta":
                            heard.set()
        assert spoken[0] == []  # nothing is spoken before the first clause has passed
        assert kinds.index("speech.audio.delta") < len(kinds) - 1 - kinds[::-1].index("speech.text.delta")

    async def test_what_is_flagged_is_never_given_to_the_voice(self) -> None:
        async with desk(ScriptedGuard(), on=("answer",), action="stop") as at:
            await at.voice()
            assert "".join(each.text for each in at.engines.tts.requests).replace(" ", "") == (
                f"{FIRST}No.".replace(" ", "")
            )

    @pytest.mark.parametrize(
        ("action", "status", "said"),
        [("refuse", 400, []), ("stop", 200, ["Fine.", "No."]), ("replace", 200, ["Fine.", "No.", "Bye."])],
    )
    async def test_a_text_to_read_aloud(self, action: str, status: int, said: list[str]) -> None:
        async with desk(ScriptedGuard(), on=("answer",), action=action) as at:
            fields = {"model": "m", "input": "Fine. That is bad. Bye.", "voice": "alloy", "response_format": "pcm"}
            response = await at.client.post(SPEECH, json=fields)
            assert response.status_code == status
            assert [each.text.strip() for each in at.engines.tts.requests] == said

    async def test_the_speech_of_a_turn(self) -> None:
        async with desk(ScriptedGuard(), on=("answer",), action="stop") as at:
            recording = base64.b64encode(question()).decode()
            fields = {"model": "m", "input": "", "voice": "alloy", "input_audio": {"data": recording, "format": "wav"}}
            response = await at.client.post(SPEECH, json=fields)
            assert response.status_code == 200, response.text
            assert [each.text.strip() for each in at.engines.tts.requests] == [FIRST, "No."]


async def test_a_guard_leads_away_from_the_straight_road_and_asks_its_server(tmp_path: Path) -> None:
    """With a model server of the same protocol, and a moderations server, both real ones."""

    async def model(exchange: Exchange) -> None:
        if exchange.method == "POST":
            await exchange.start()
            await exchange.events(*(delta(content=piece) for piece in ANSWER), delta("stop"), "[DONE]")
            await exchange.finish()
        else:
            await exchange.reply(404, {})

    async with UpstreamServer(model) as server, UpstreamServer(moderating("bad")) as moderations:
        file = tmp_path / "gateway.toml"
        file.write_text(
            f'''
            llm_backend = "chat-completions"
            responses_api_base_url = "{server.base_url}"
            model_name = "m"
            tts = "espeak"

            [[guards]]
            name = "moderation"
            kind = "moderations"
            base_url = "{moderations.base_url}"
            action = "stop"
            sentence = "No."
            '''
        )
        gateway = build(load([str(file), *EMBEDDED], {}))
        async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
            response = await Desk(client, None).text(CHAT)
    assert shown(CHAT, response) == (f"{FIRST} No.", "content_filter")
    assert "umbrellas" not in response.text
    judged = [exchange.json["input"] for exchange in moderations.exchanges if exchange.method == "POST"]
    assert judged == ["Hello?", FIRST, FIRST + SECOND]
