"""The turn over a real socket: nothing is held back, nobody waits for another, and who leaves leaves nothing behind."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from adapters import scripted
from adapters.contract import llm, stt, tts
from adapters.contract.engine import Started
from adapters.contract.errors import UpstreamError
from adapters.tts.espeak.adapter import Espeak
from gateway.engines.route import Engines
from tests.support.server import events_in, gateway_of, question, scripted_engines, served, until

ROUTE = "/v1/audio/speech-to-speech"
SAMPLES_A_SECOND = 24_000


def form() -> dict[str, Any]:
    return {"files": {"file": ("question.wav", question(), "audio/wav")}}


def finished(*pieces: str) -> llm.Finished:
    return llm.Finished(reason="stop", usage=llm.Usage(input_tokens=1, output_tokens=len(pieces)))


class HeldBack:
    """A model that writes its second sentence only when it is told to."""

    def __init__(self) -> None:
        self.release = asyncio.Event()

    async def __call__(self, _request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="The first sentence is this one. ")
        await self.release.wait()
        yield llm.TextDelta(text="The second comes later.")
        yield finished("", "")


@pytest.mark.parametrize("response_format", ["wav", "mp3", "opus", "aac", "flac", "pcm"])
async def test_the_first_sentence_is_heard_before_the_second_is_written(response_format: str) -> None:
    script = HeldBack()
    gateway = gateway_of(scripted_engines(llm=scripted.language_model(script)))
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        async with client.stream("POST", ROUTE, data={"response_format": response_format}, **form()) as response:
            assert response.status_code == 200
            received = b""
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > 400:  # more than any header: this is sound
                    script.release.set()
            assert script.release.is_set()


async def test_the_event_stream_is_not_held_back_either() -> None:
    script = HeldBack()
    gateway = gateway_of(scripted_engines(llm=scripted.language_model(script)))
    seen: list[str] = []
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        async with client.stream("POST", ROUTE, data={"stream_format": "sse"}, **form()) as response:
            async for line in response.aiter_lines():
                for event in events_in(line):
                    seen.append(event["type"])
                    if event["type"] == "speech.audio.delta":
                        script.release.set()
    assert seen[:3] == ["transcript.text.delta", "transcript.text.done", "speech.text.delta"]
    assert seen.index("speech.audio.delta") < seen.index("speech.text.done")
    assert seen[-1] == "speech.audio.done"


async def test_a_clause_is_spoken_while_its_sentence_is_being_written() -> None:
    release = asyncio.Event()

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="Once upon a time, there")
        await release.wait()
        yield llm.TextDelta(text=" was a king.")
        yield finished("", "")

    # A deadline so far away that only the clause can be what is spoken.
    gateway = gateway_of(scripted_engines(llm=scripted.language_model(script)), "--first_utterance_ms", "3600000")
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        async with client.stream("POST", ROUTE, **form()) as response:
            async for _ in response.aiter_bytes():
                release.set()
    assert release.is_set()


async def test_words_are_spoken_at_the_deadline_when_no_clause_ends() -> None:
    release = asyncio.Event()

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="a model that knows no full stop ")
        await release.wait()
        yield finished("")

    gateway = gateway_of(scripted_engines(llm=scripted.language_model(script)), "--first_utterance_ms", "1")
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        async with client.stream("POST", ROUTE, **form()) as response:
            async for _ in response.aiter_bytes():
                release.set()
    assert release.is_set()


class Endless:
    """A model that never stops writing, and counts what it wrote."""

    def __init__(self) -> None:
        self.written = 0

    async def __call__(self, _request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        while True:
            self.written += 1
            yield llm.TextDelta(text=f"This is sentence {self.written}. ")
            await asyncio.sleep(0.001)


def nothing_open(engines: Engines) -> bool:
    scripts: list[Any] = [engines.stt, engines.llm, engines.tts]
    return [script.open for script in scripts] == [0, 0, 0]


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
async def test_a_client_that_leaves_in_the_middle_ends_everything(stream_format: str) -> None:
    script = Endless()
    engines = scripted_engines(llm=scripted.language_model(script))
    async with served(gateway_of(engines)) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        tasks = len(asyncio.all_tasks())
        async with client.stream("POST", ROUTE, data={"stream_format": stream_format}, **form()) as response:
            await anext(response.aiter_bytes())
            assert not nothing_open(engines)
        await until(lambda: nothing_open(engines))
        written = script.written
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        assert script.written == written, "the model went on writing for nobody"


async def test_a_client_that_leaves_before_the_first_byte_ends_everything() -> None:
    async def silent(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        await asyncio.Event().wait()
        yield finished()

    model = scripted.language_model(silent)
    engines = scripted_engines(llm=model)
    async with served(gateway_of(engines)) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        request = asyncio.create_task(client.post(ROUTE, **form()))
        await until(lambda: model.open == 1)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await until(lambda: nothing_open(engines))


async def test_a_client_that_leaves_while_it_is_heard_ends_everything() -> None:
    async def deaf(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        async for _ in request.audio:
            pass
        await asyncio.Event().wait()
        yield stt.FinalTranscript(text="never")

    recogniser = scripted.Scripted(stt.Info(sample_rate=16_000), deaf)
    model = scripted.language_model(Endless())
    engines = scripted_engines(stt=recogniser, llm=model)
    async with served(gateway_of(engines)) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        request = asyncio.create_task(client.post(ROUTE, **form()))
        await until(lambda: recogniser.open == 1)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await until(lambda: nothing_open(engines))
        assert model.opened == 0


async def test_eight_clients_at_once_get_their_own_answers() -> None:
    """Each client says who it is in its instructions; everyone waits for all, so that the streams truly overlap."""
    together = asyncio.Barrier(8)

    async def script(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        (name,) = [part.text for part in request.messages[0].parts if isinstance(part, llm.Text)]
        for number in range(5):
            await together.wait()
            yield llm.TextDelta(text=f"{name} says {number}. ")
        yield finished()

    gateway = gateway_of(scripted_engines(llm=scripted.language_model(script)))
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:

        async def ask(name: str) -> str:
            response = await client.post(ROUTE, data={"stream_format": "sse", "instructions": name}, **form())
            return "".join(event["delta"] for event in events_in(response.text) if event["type"] == "speech.text.delta")

        names = [f"client{number}" for number in range(8)]
        answers = await asyncio.gather(*(ask(name) for name in names))
    assert answers == ["".join(f"{name} says {number}. " for number in range(5)) for name in names]


async def test_a_slow_reader_is_waited_for_and_slows_nobody() -> None:
    script = Endless()
    quick = scripted.answering("Quick.")

    async def either(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        chosen = script if "slow" in str(request.messages[0]) else quick
        async for event in chosen(request):
            yield event

    engines = scripted_engines(
        llm=scripted.language_model(either),
        tts=scripted.synthesiser(scripted.ToneVoice(seconds_per_character=1.0)),
    )
    async with served(gateway_of(engines)) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
        async with client.stream("POST", ROUTE, data={"instructions": "slow"}, **form()) as response:
            await anext(response.aiter_raw())

            async def stalled() -> bool:
                """Whether the slow turn stood still for as long as a whole other turn took."""
                before = script.written
                other = await client.post(ROUTE, data={"instructions": "quick"}, **form())
                assert other.status_code == 200
                return script.written == before

            async with asyncio.timeout(20):
                while not await stalled():
                    pass
            for _ in range(5):
                assert await stalled(), "the model writes on for a reader that does not read"


async def test_a_failure_after_the_first_byte_is_told_in_the_event_stream() -> None:
    async def breaking(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="So far so good. ")
        raise UpstreamError("The upstream fell over.")

    gateway = gateway_of(scripted_engines(llm=scripted.language_model(breaking)))
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        response = await client.post(ROUTE, data={"stream_format": "sse"}, **form())
    assert response.status_code == 200
    *_, last = events_in(response.text)
    assert last == {
        "error": {"message": "The upstream fell over.", "type": "server_error", "param": None, "code": "upstream_error"}
    }


async def test_a_failure_after_the_first_byte_cuts_audio_off() -> None:
    heard = asyncio.Event()

    async def breaking(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="So far so good. ")
        await heard.wait()
        raise UpstreamError("The upstream fell over.")

    gateway = gateway_of(scripted_engines(llm=scripted.language_model(breaking)))
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            async with client.stream("POST", ROUTE, **form()) as response:
                async for _ in response.aiter_bytes():
                    heard.set()


@pytest.mark.parametrize("first", [llm.ReasoningDelta(text="to myself"), llm.ToolCallStarted(call_id="1", name="look")])
async def test_an_event_stream_begins_while_the_model_thinks_or_writes_a_call(first: llm.Event) -> None:
    release = asyncio.Event()

    async def thinking(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield first
        await release.wait()
        if isinstance(first, llm.ToolCallStarted):
            yield llm.ToolCallFinished(call_id="1", name="look", arguments="{}")
        yield llm.TextDelta(text="Well.")
        yield finished("")

    gateway = gateway_of(scripted_engines(llm=scripted.language_model(thinking)))
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        async with client.stream("POST", ROUTE, data={"stream_format": "sse"}, **form()) as response:
            body = ""
            async for text in response.aiter_text():
                body += text
                if "transcript.text.done" in body:
                    release.set()
    assert release.is_set()
    assert "to myself" not in body
    assert body.count("transcript.text.done") == 1


async def test_what_a_synthesiser_ignores_is_named() -> None:
    voice = scripted.synthesiser()

    async def speaking(request: tts.Request) -> AsyncGenerator[Any, None]:
        async for event in voice.script(request):
            yield event

    class Deaf(scripted.Scripted[tts.Request, Any, tts.Info]):
        async def stream(self, request: tts.Request) -> AsyncGenerator[Any, None]:
            yield Started(ignored=("speed", "instructions"))
            async for event in self.script(request):
                yield event

    gateway = gateway_of(scripted_engines(tts=Deaf(voice.info, speaking)))
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        response = await client.post(ROUTE, data={"speed": "2", "speech_instructions": "whisper"}, **form())
    assert response.headers["x-ignored-parameters"] == "speech_instructions, speed"


@pytest.mark.parametrize(
    "fields", [{"voice": "de+nope"}, {"voice": "en-us+"}, {"language": "ha"}], ids=["variant", "empty", "language"]
)
@pytest.mark.parametrize("stream_format", ["audio", "sse"])
async def test_what_the_synthesiser_cannot_speak_is_refused_before_anything_begins(
    fields: dict[str, str], stream_format: str
) -> None:
    engines = scripted_engines(tts=Espeak(Espeak.Options()))
    async with served(gateway_of(engines)) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        response = await client.post(ROUTE, data={"stream_format": stream_format, **fields}, **form())
    assert response.status_code == 400
    assert response.json()["error"]["param"] == next(iter(fields))
    recogniser: Any = engines.stt
    assert recogniser.opened == 0


async def hanging(*_: Any) -> AsyncGenerator[Any, None]:
    await asyncio.Event().wait()
    yield None


@pytest.mark.parametrize("stage", ["stt", "llm", "tts"])
async def test_a_turn_that_takes_too_long_is_ended_whichever_engine_hangs(stage: str) -> None:
    engines = scripted_engines()
    stuck: Any = getattr(engines, stage)
    stuck.script = hanging
    gateway = gateway_of(engines, "--max_turn_seconds", "0.3")
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        response = await client.post(ROUTE, **form())
        assert response.status_code == 504
        assert "took longer than 0.3 s" in response.json()["error"]["message"]
        await until(lambda: nothing_open(engines))


async def test_a_turn_that_takes_too_long_in_the_middle_says_so_in_the_stream() -> None:
    engines = scripted_engines(llm=scripted.language_model(Endless()))
    gateway = gateway_of(engines, "--max_turn_seconds", "0.5")
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        response = await client.post(ROUTE, data={"stream_format": "sse"}, **form())
        await until(lambda: nothing_open(engines))
    assert response.status_code == 200
    *_, last = events_in(response.text)
    assert last["error"]["code"] == "timeout"
