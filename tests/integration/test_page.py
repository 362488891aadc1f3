"""The page in a real browser: what a visitor says, hears, sees and is told."""

import asyncio
import os
import shutil
import sys
import wave
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import soxr

from adapters import scripted
from adapters.contract import llm, stt, tts
from adapters.stt.pocketsphinx.adapter import PocketSphinx
from gateway.access.caller import Caller
from gateway.access.keys import Key, Keyring, digest_in, hash_of
from gateway.api.page.routes import STATIC
from gateway.app import create_app
from tests.support.browser import Visit, chromium, visiting
from tests.support.server import QUESTION, gateway_of, scripted_engines, served, serving, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

KEY = "sk-key-of-the-visitor-of-the-page"
LONG = "This answer is long. " * 12
PIECES = [f"{word} " for word in LONG.split()]
RECORDED_SECONDS = 2.2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncGenerator[Any, None]:
    async with chromium() as opened:
        yield opened


def keyring() -> Keyring:
    digest = digest_in(hash_of(KEY))
    assert digest is not None
    return Keyring([Key(digests=(digest,), caller=Caller(name="visitor"))])


def recorded_voice() -> Any:
    """A synthesiser that says the question of the recording, whatever the text."""
    with wave.open(str(QUESTION)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    pcm = soxr.resample(samples, 16_000, 24_000).tobytes()

    async def script(request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        for start in range(0, len(pcm), 4800):
            yield tts.AudioChunk(pcm=pcm[start : start + 4800])
        yield tts.Finished(seconds=len(pcm) / 48_000, characters=len(request.text))

    return scripted.Scripted(tts.Info(sample_rate=24_000, voices=("recorded",), default_voice="recorded"), script)


async def recognised(recogniser: stt.Recogniser, pcm: bytes) -> str:
    async def audio() -> AsyncGenerator[bytes, None]:
        yield pcm

    async with aclosing(recogniser.stream(stt.Request(audio=audio(), language="en"))) as events:
        return " ".join([event.text async for event in events if isinstance(event, stt.FinalTranscript)])


async def test_what_is_said_is_understood_and_what_is_played_too(browser: Any) -> None:
    """Push to talk, from the microphone to the speaker; a real recogniser hears both."""
    recogniser = PocketSphinx(PocketSphinx.Options(pocketsphinx_workers=1))
    try:
        await recogniser.warm_up()
        gateway = gateway_of(scripted_engines(stt=recogniser, tts=recorded_voice()))
        async with served(gateway) as address, visiting(browser, address) as visit:
            await visit.page.hover("#talk-button")
            await visit.page.mouse.down()
            await visit.shows("#state", "Listening")
            await asyncio.sleep(RECORDED_SECONDS)
            await visit.page.mouse.up()
            await visit.turn("done", seconds=40)
            assert "what is the capital of france" in await visit.text(".question")
            assert await visit.text(".answer") == "Hello there. How are you?"
            sound = await visit.sound()
            times = await visit.page.locator("#waterfall .stage-name").all_inner_texts()
            assert times == ["sent", "heard", "first token", "first clause", "first audio", "first sound", "spoken"]
            assert await visit.text("#turn-rows th") == "1"
            played = soxr.resample((sound * 32767).astype("<i2"), 24_000, 16_000)
            words = await recognised(recogniser, played.tobytes())
    finally:
        await recogniser.aclose()
    assert "capital of france" in words


@pytest.mark.parametrize("pause", [0.05, 0.0], ids=["while it is written", "after it was sent"])
async def test_an_interruption_stops_the_sound_at_once(browser: Any, pause: float) -> None:
    """What was not heard is crossed out, the gateway stops too, and the conversation goes on with what was heard."""
    model = scripted.language_model(scripted.answering(*PIECES, pause=pause))
    voice = scripted.synthesiser()
    gateway = gateway_of(scripted_engines(llm=model, tts=voice))
    async with served(gateway) as address, visiting(browser, address) as visit:
        await visit.ask_sample("speaking")
        await asyncio.sleep(1)
        await visit.page.keyboard.press("Escape")
        await visit.turn("interrupted")
        await until(lambda: (model.open, voice.open) == (0, 0))
        await asyncio.sleep(0.3)
        sound = await visit.sound()
        assert np.abs(sound[:-2400]).max() > 0.1
        assert np.abs(sound[-2400:]).max() == 0
        heard, unheard = await visit.text(".heard"), await visit.text(".unheard")
        assert 10 < len(heard) < len(unheard)
        model.script = scripted.answering("Yes?")
        await visit.ask_sample()
        remembered = [part for each in model.requests[-1].messages if each.role == "assistant" for part in each.parts]
    (answer,) = remembered
    assert isinstance(answer, llm.Text)
    assert LONG.startswith(answer.text)
    assert abs(len(answer.text) - len(heard)) < 40


@pytest.mark.parametrize("hands_free", [False, True])
async def test_a_function_is_called_and_its_result_is_spoken_of(browser: Any, hands_free: bool) -> None:
    async def script(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        last = request.messages[-1].parts[-1]
        if isinstance(last, llm.ToolResult):
            yield llm.TextDelta(text=f"It is {last.output}.")
            yield llm.Finished(reason="stop", usage=None)
            return
        assert [tool.name for tool in request.tools] == ["current_weather"]
        yield llm.ToolCallStarted(call_id="call_1", name="current_weather")
        yield llm.ToolCallFinished(call_id="call_1", name="current_weather", arguments='{"city": "Paris"}')
        yield llm.Finished(reason="tool_calls", usage=None)

    engines = scripted_engines(llm=scripted.language_model(script))
    async with served(gateway_of(engines)) as address, visiting(browser, address) as visit:
        await visit.page.click("#tools-example")
        if hands_free:
            await visit.page.click("#hands-free")
        else:
            await visit.ask_sample()
        await visit.shows(".call code", 'current_weather({"city": "Paris"})')
        await visit.page.fill(".call input", "sunny")
        await visit.page.press(".call input", "Enter")
        await visit.shows(".turn:last-child .answer", "It is sunny.")
        await visit.turn("done")
        assert np.abs(await visit.sound()).max() > 0.1


async def test_the_key_is_asked_for_and_forgotten(browser: Any) -> None:
    gateway = gateway_of(scripted_engines())
    async with served(gateway, keyring=keyring()) as address, visiting(browser, address) as visit:
        await visit.shows("#key-message", "This gateway has keys")
        await visit.page.fill("#key", "sk-wrong-wrong-wrong-wrong")
        await visit.page.press("#key", "Enter")
        await visit.shows("#key-message", "Incorrect API key")
        await visit.page.fill("#key", KEY)
        await visit.page.press("#key", "Enter")
        await visit.page.wait_for_selector("#key-dialog", state="hidden")
        await visit.page.select_option("#voice", "hum")
        await visit.page.click("#voice-preview")
        async with asyncio.timeout(10):  # the policy of the page forbids what wait_for_function does
            while not await visit.page.evaluate("window.soundKept.some((sample) => sample > 0.1)"):
                await asyncio.sleep(0.05)
        await visit.ask_sample()
        stored = await visit.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie, location])")
        assert KEY not in stored
        assert await visit.page.input_value("#key") == ""
        await visit.page.reload()
        await visit.shows("#key-message", "This gateway has keys")


async def run(command: list[str], folder: Path) -> str:
    """What ``command`` prints in ``folder``; it has the key in its environment."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env={**os.environ, "SPEECH_GATEWAY_KEY": KEY}, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()


def interpreters() -> dict[str, list[str]]:
    """What runs copied code, by its language; Node.js 20 has WebSockets, but does not show them by itself."""
    node = shutil.which("node")
    script = {} if node is None else {"JavaScript": [node, "--experimental-websocket", "--input-type=module", "-e"]}
    return {"Python": [sys.executable, "-c"], **script}


async def prints(command: list[str], line: str) -> None:
    """Run ``command``, which knows the key, until it prints ``line``."""
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, "PYTHONUNBUFFERED": "1", "SPEECH_GATEWAY_KEY": KEY}, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            while (printed := (await process.stdout.readline()).decode().strip()) != line:
                assert printed, "it ended"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def instructions(request: llm.Request) -> str:
    """The system prompt; forms of browsers and of Node.js end lines with CR LF, as HTML says."""
    (part,) = request.messages[0].parts
    assert isinstance(part, llm.Text)
    return part.text.replace("\r\n", "\n")


async def test_a_turn_is_copied_as_code_that_asks_the_same(browser: Any, tmp_path: Path) -> None:
    """Every one of them runs as it is, beside the recording; none of them holds the key."""
    model = scripted.language_model(scripted.answering("Hello."))
    gateway = gateway_of(scripted_engines(llm=model))
    (tmp_path / "question.ogg").write_bytes((STATIC / "question.ogg").read_bytes())
    commands = {"curl": ["bash", "-c"], "Python": [sys.executable, "-c"]}
    if node := shutil.which("node"):
        commands["JavaScript"] = [node, "--input-type=module", "-e"]
    async with served(gateway, keyring=keyring()) as address, visiting(browser, address) as visit:
        await enter_key(visit)
        await visit.page.fill("#instructions", 'Don\'t say "no".\nBe brief: 1 < 2 && $HOME.')
        await visit.ask_sample()
        asked = model.requests[-1]
        await visit.page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
        for language, command in commands.items():
            await visit.page.click(f".code button:text-is('{language}')")
            code = await visit.page.evaluate("window.copied")
            assert KEY not in code
            assert "what did you say" in await run([*command, code], tmp_path), language
            assert instructions(model.requests[-1]) == instructions(asked)


async def enter_key(visit: Visit) -> None:
    await visit.page.fill("#key", KEY)
    await visit.page.press("#key", "Enter")
    await visit.page.wait_for_selector("#key-dialog", state="hidden")


async def test_a_conversation_without_hands(browser: Any) -> None:
    """What the microphone hears is answered when its speaker falls silent, over a WebSocket that shows the key."""
    colour = "getComputedStyle(document.getElementById('talk-button')).backgroundColor"
    gateway = gateway_of(scripted_engines())
    async with served(gateway, keyring=keyring()) as address, visiting(browser, address) as visit:
        await enter_key(visit)
        enabled = await visit.page.evaluate(colour)
        await visit.page.click("#hands-free")
        await visit.shows("#state", "Hands-free")
        assert await visit.page.evaluate(colour) != enabled, "the button that does nothing now looks as before"
        await visit.turn("done")
        assert await visit.text(".question") == "what did you say"
        assert (await visit.text(".answer")).strip() == "Hello there. How are you?"
        assert np.abs(await visit.sound()).max() > 0.1
        await visit.page.click("#hands-free")
        await visit.shows("#state", "Ready")
        await visit.page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
        for language, command in interpreters().items():
            await visit.page.click(f".code button:text-is('{language}')")
            code = await visit.page.evaluate("window.copied")
            assert KEY not in code
            await prints([*command, code], "session.updated")


async def test_speaking_interrupts_the_answer(tmp_path: Path) -> None:
    """The recording is played again and again: the second question comes while the first is being answered."""
    with wave.open(str(QUESTION)) as file, wave.open(str(tmp_path / "again.wav"), "wb") as longer:
        longer.setparams(file.getparams())
        longer.writeframes(file.readframes(file.getnframes()) + bytes(2 * 16_000 * 2))  # two seconds of silence
    model = scripted.language_model(scripted.answering(*PIECES))
    async with (
        served(gateway_of(scripted_engines(llm=model))) as address,
        chromium(microphone=tmp_path / "again.wav", again=True) as browser,
        visiting(browser, address) as visit,
    ):
        await visit.page.click("#hands-free")
        await visit.shows(".turn[data-state=interrupted]")
        assert 0 < len(await visit.text(".turn:first-child .heard")) < len(LONG) / 2
        await visit.page.click("#hands-free")


async def test_a_gateway_that_stops_in_the_middle_is_named(browser: Any) -> None:
    engines = scripted_engines(llm=scripted.language_model(scripted.answering(*PIECES, pause=0.2)))
    gateway = gateway_of(engines, "--shutdown_seconds", "0.1")
    async with (
        serving(create_app(gateway), gateway.settings) as (address, server),
        visiting(browser, address) as visit,
    ):
        await visit.shows("#readiness", "ready")
        await visit.ask_sample("speaking")
        server.should_exit = True
        await visit.turn("failed")
        assert "the answer is cut short" in await visit.text(".note")
        await visit.page.click("#sample")
        await visit.shows("#problem", "does not answer")


@pytest.mark.parametrize(
    ("host", "reason"),
    [("127.0.0.1", "There is no microphone here"), ("speech.lan", "Browsers give a microphone to pages of HTTPS")],
)
async def test_a_page_without_a_microphone_says_why(host: str, reason: str) -> None:
    gateway = gateway_of(scripted_engines(), "--allow_anonymous", "speech.lan")
    flags = ("--host-resolver-rules=MAP speech.lan 127.0.0.1",)
    async with served(gateway) as address, chromium(microphone=None, flags=flags) as browser:
        async with visiting(browser, address.replace("127.0.0.1", host)) as visit:
            if await visit.page.is_enabled("#talk-button"):
                await visit.page.keyboard.press("Space")
                await visit.shows("#problem", reason)
            else:
                await visit.shows("#no-microphone", reason)
            await visit.page.set_input_files("#file", QUESTION)  # works all the same
            await visit.shows(".turn-label", "question.wav")
            await visit.turn("done")
            assert np.abs(await visit.sound()).max() > 0.1


@pytest.mark.parametrize(
    "context",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"viewport": {"width": 360, "height": 700}, "color_scheme": "light"},
    ],
    ids=["light", "dark", "phone"],
)
async def test_axe_finds_nothing_to_complain_about(browser: Any, context: dict[str, Any]) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python")
    rules = (Path(axe.__file__).parent / "axe.min.js").read_text()
    call = scripted.answering("I look at the sky. ")

    async def check(visit: Visit) -> None:
        found = await visit.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        broken = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]]
        assert broken == []

    gateway = gateway_of(scripted_engines(llm=scripted.language_model(call)))
    async with served(gateway) as address, visiting(browser, address, **context) as visit:
        await visit.shows("#readiness", "ready")
        await visit.page.evaluate(rules)
        await check(visit)
        await visit.ask_sample()
        for view in await visit.page.locator("nav button:visible").all():
            await view.click()
            await check(visit)
        assert await visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await visit.page.click("#key-button")
        await check(visit)


async def test_the_api_is_shown_without_anything_from_elsewhere(browser: Any) -> None:
    pytest.importorskip("swagger_ui", reason="needs swagger-ui-py")
    gateway = gateway_of(scripted_engines())
    async with served(gateway) as address, visiting(browser, f"{address}/docs/") as visit:
        await visit.shows("#viewer", "/v1/audio/speech-to-speech")
