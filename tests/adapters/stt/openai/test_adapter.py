"""The recogniser behind a scripted server, over a real socket."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import soundfile

from adapters.contract import stt
from adapters.contract.checks import read, stt_grammar
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, InvalidRequest, TimedOut, TooLong, Unavailable, Unsupported
from adapters.contract.errors import UpstreamError as ServerError
from adapters.options import BadOption, Secret
from adapters.stt.openai.adapter import OpenAIRecogniser
from tests.support.forms import Form, parse_form
from tests.support.upstream_server import Exchange, Script, UpstreamServer, hold, in_order, replies, streams

QUESTION = Path(__file__).parents[3] / "data" / "question.wav"
TEXT = "What is the capital of France?"
VERBOSE = {
    "task": "transcribe",
    "language": "english",
    "duration": 1.9,
    "text": f" {TEXT}",
    "segments": [{"id": 0, "start": 0.0, "end": 1.9, "text": f" {TEXT}", "tokens": [1, 2], "avg_logprob": -0.2}],
    "words": [{"word": word, "start": n / 4, "end": n / 4 + 0.2} for n, word in enumerate(TEXT.split())],
}
REFUSED = replies(400, {"error": {"message": "response_format 'verbose_json' is not compatible with model 'm'."}})


def pcm() -> bytes:
    with wave.open(str(QUESTION)) as recording:
        return bytes(recording.readframes(recording.getnframes()))


async def blocks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 3200):
        yield data[start : start + 3200]


def asking(**wanted: Any) -> stt.Request:
    return stt.Request(audio=blocks(pcm()), **wanted)


def engine(server: UpstreamServer, **options: Any) -> OpenAIRecogniser:
    given = {"stt_model": "m", "stt_max_retries": 0, **options}
    return OpenAIRecogniser(OpenAIRecogniser.Options(stt_base_url=server.base_url, **given))


def forms(server: UpstreamServer) -> list[Form]:
    return [parse_form(each.headers["content-type"], each.body) for each in server.exchanges]


async def events(script: Script, request: stt.Request, **options: Any) -> list[Any]:
    """The events of one request; no answer stays open."""
    async with UpstreamServer(script) as server, aclosing(engine(server, **options)) as recogniser:
        try:
            found = await read(recogniser.stream(request))
        finally:
            assert server.open_streams == 0
    stt_grammar(found)
    return found


async def test_the_recording_is_sent_and_the_language_comes_back() -> None:
    async with UpstreamServer(replies(200, VERBOSE)) as server:
        async with aclosing(engine(server, stt_api_key=Secret("test-key"))) as recogniser:
            found = await read(recogniser.stream(asking(prompt="Paris", temperature=0.2)))
        (exchange,), (form,) = server.exchanges, forms(server)
    assert found == [
        Started(),
        stt.FinalTranscript(text=TEXT),
        stt.Finished(language="en", seconds=len(pcm()) / 32_000),
    ]
    assert (exchange.path, exchange.headers["authorization"]) == ("/v1/audio/transcriptions", "Bearer test-key")
    assert form.fields == {"model": "m", "prompt": "Paris", "temperature": "0.2", "response_format": "verbose_json"}
    samples, rate = soundfile.read(io.BytesIO(form.file), dtype="int16")
    assert (samples.tobytes(), rate, form.file_type) == (pcm(), 16_000, "audio/wav"), "the server is near"


async def test_a_long_recording_is_sent_at_half_the_size_also_to_a_server_that_is_near() -> None:
    long = bytes(32_000 * 61)
    async with UpstreamServer(replies(200, VERBOSE)) as server:
        async with aclosing(engine(server)) as recogniser:
            await read(recogniser.stream(stt.Request(audio=blocks(long))))
        (form,) = forms(server)
    assert form.file_type == "audio/flac"


async def test_a_recording_is_sent_at_half_the_size_where_that_is_wanted() -> None:
    async with UpstreamServer(replies(200, VERBOSE)) as server:
        async with aclosing(engine(server, stt_upload_format="flac")) as recogniser:
            await read(recogniser.stream(asking()))
        (form,) = forms(server)
    assert (form.file_type, form.file[:4]) == ("audio/flac", b"fLaC")


async def test_times() -> None:
    _, final, _ = await events(replies(200, VERBOSE), asking(word_times=True, segment_times=True))
    assert [word.text for word in final.words] == TEXT.split()
    assert final.words[1] == stt.Word(text="is", start=0.25, end=0.45)
    (segment,) = final.segments
    assert (segment.text, segment.end, segment.tokens, segment.avg_logprob) == (TEXT, 1.9, (1, 2), -0.2)
    _, final, _ = await events(replies(200, VERBOSE | {"segments": None}), asking(segment_times=True))
    assert [each.text for each in final.segments] == [TEXT], "made of the words"
    assert final.words == ()


STREAMS: dict[str, list[Any]] = {
    "OpenAI": [
        {"type": "transcript.text.delta", "delta": "What is"},
        {"type": "transcript.text.delta", "delta": " the capital of France?", "logprobs": []},
        {"type": "transcript.text.done", "text": TEXT, "usage": {"type": "tokens"}},
    ],
    "vLLM": [
        {"object": "transcription.chunk", "choices": [{"delta": {"content": " What is"}, "finish_reason": None}]},
        {"object": "transcription.chunk", "choices": [{"delta": {"content": " the capital of France?"}}]},
        {"object": "transcription.chunk", "choices": [{"delta": {"content": ""}, "finish_reason": "stop"}]},
        "[DONE]",
    ],
    "transformers serve": [" What is", " the capital of France?"],
    "one event a segment": [{"text": "What is"}, {"text": "the capital of France?"}],
}


@pytest.mark.parametrize("server", STREAMS)
async def test_streamed(server: str) -> None:
    found = await events(streams(*STREAMS[server]), asking(language="en"))
    assert found == [
        Started(),
        stt.PartialTranscript(stable="What is"),
        stt.PartialTranscript(stable=TEXT),
        stt.FinalTranscript(text=TEXT),
        stt.Finished(language="en", seconds=len(pcm()) / 32_000),
    ]


async def test_what_was_streamed_is_not_taken_back() -> None:
    delta = {"type": "transcript.text.delta", "delta": "What was"}
    *_, final, _ = await events(streams(delta, {"type": "transcript.text.done", "text": TEXT}), asking(language="en"))
    assert final.text == "What was"


async def test_a_form_that_the_server_refuses_is_not_asked_for_again() -> None:
    plain = streams(*STREAMS["OpenAI"])
    async with UpstreamServer(in_order([REFUSED, plain, plain])) as server:
        async with aclosing(engine(server)) as recogniser:
            for _ in range(2):
                *_, final, finished = await read(recogniser.stream(asking()))
                assert (final.text, finished.language) == (TEXT, None)
            sent = [(form.fields["response_format"], form.fields.get("stream")) for form in forms(server)]
    assert sent == [("verbose_json", None), ("json", "true"), ("json", "true")]


async def test_a_refusal_of_something_else_is_forgotten() -> None:
    noise = replies(400, {"error": {"message": "the audio stream cannot be decoded"}})
    async with UpstreamServer(in_order([noise, noise, noise, replies(200, VERBOSE)])) as server:
        async with aclosing(engine(server)) as recogniser:
            with pytest.raises(InvalidRequest, match="cannot be decoded"):
                await read(recogniser.stream(asking()))
            assert (await read(recogniser.stream(asking())))[-1].language == "en"


@pytest.mark.parametrize("script", [REFUSED, replies(200, {"text": TEXT})], ids=["refused", "ignored"])
@pytest.mark.parametrize("wanted", ["word_times", "segment_times"])
async def test_times_that_the_server_has_not(script: Script, wanted: str) -> None:
    with pytest.raises(Unsupported, match="choose another --stt_model") as raised:
        await events(script, asking(**{wanted: True}))
    assert raised.value.param == wanted


async def test_translation() -> None:
    async with UpstreamServer(replies(200, {"text": TEXT})) as server, aclosing(engine(server)) as recogniser:
        *_, final, finished = await read(recogniser.stream(asking(translate=True, language="fr")))
        assert (final.text, finished.language) == (TEXT, "fr")
        assert server.exchanges[0].path == "/v1/audio/translations"
        assert forms(server)[0].fields == {"model": "m", "response_format": "json"}
        with pytest.raises(Unsupported, match="no word times"):
            await read(recogniser.stream(asking(translate=True, word_times=True)))


async def test_next_to_no_audio_is_not_sent() -> None:
    found = await events(replies(500, {}), stt.Request(audio=blocks(bytes(1000))))
    assert found == [Started(), stt.FinalTranscript(text=""), stt.Finished(language=None, seconds=1000 / 32_000)]


async def cut_in_the_middle(exchange: Exchange) -> None:
    await exchange.start()
    await exchange.events(STREAMS["OpenAI"][0])
    exchange.cut()


async def half_a_document(exchange: Exchange) -> None:
    await exchange.start(content_type="application/json")
    await exchange.send(b'{"text": "What is')
    await exchange.finish()


BAD: dict[str, tuple[Script, type[AdapterError], str]] = {
    "HTML": (replies(200, b"<!doctype html><p>Hello", "text/html"), ServerError, "answered with 'text/html' instead"),
    "half a document": (half_a_document, ServerError, "not JSON, or only a part"),
    "half a stream": (streams(STREAMS["OpenAI"][0]), ServerError, "stopped in the middle of the transcript"),
    "a cut stream": (cut_in_the_middle, ServerError, "cut the connection in the middle"),
    "nothing": (replies(200, b""), ServerError, "sent no transcript"),
    "something else": (replies(200, {"object": "list"}), ServerError, "sent no transcript"),
    "plain text": (replies(200, b"What is", "text/plain"), ServerError, "sent no transcript"),
    "an error in the stream": (
        streams(STREAMS["OpenAI"][0], {"error": {"message": "secret", "type": "server_error"}}),
        ServerError,
        "reported an error in the middle",
    ),
    "no such endpoint": (replies(404, {"detail": "Not Found"}), ServerError, "check --stt_base_url and --stt"),
    "too large": (replies(413, {"error": {"message": "26214400 bytes at most"}}), TooLong, "26214400 bytes at most"),
    "no key": (replies(401, {"error": {"message": "secret"}}), ServerError, "refused the gateway's credentials"),
    "silence": (hold, TimedOut, r"within 0.2 seconds \(--stt_deadline\)"),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_answers(case: str) -> None:
    script, error, names = BAD[case]
    with pytest.raises(error, match=names) as raised:
        await events(script, asking(language="en"), stt_deadline=0.2 if case == "silence" else 60.0)
    assert raised.value.adapter == "openai"
    assert "secret" not in raised.value.message


async def test_what_may_pass_is_tried_again() -> None:
    busy = replies(503, {"error": {"message": "loading"}}, retry_after="0")
    async with UpstreamServer(in_order([busy, replies(200, VERBOSE)])) as server:
        async with aclosing(engine(server, stt_max_retries=1)) as recogniser:
            assert (await read(recogniser.stream(asking())))[1].text == TEXT


async def test_no_server() -> None:
    options = OpenAIRecogniser.Options(stt_base_url="http://127.0.0.1:9/v1", stt_max_retries=0)
    async with aclosing(OpenAIRecogniser(options)) as recogniser:
        await recogniser.warm_up()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await read(recogniser.stream(asking()))


async def test_a_reader_that_leaves_closes_the_connection() -> None:
    async with UpstreamServer(hold) as server, aclosing(engine(server)) as recogniser:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(None) as scope, aclosing(recogniser.stream(asking())) as stream:
                waiting = asyncio.ensure_future(_until_asked(server))
                waiting.add_done_callback(lambda _: scope.reschedule(0))
                await anext(stream)
        assert server.open_streams == 0


async def _until_asked(server: UpstreamServer) -> None:
    while not server.exchanges:
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"stt_base_url": "localhost"}, "--stt_base_url 'localhost' is not a URL"),
        ({"stt_base_url": "http://x/v1", "stt_api_key": Secret("a b")}, "--stt_api_key contains whitespace"),
        ({}, "set --stt_api_key or OPENAI_API_KEY, or choose another server with --stt_base_url"),
    ],
)
def test_options_that_cannot_work(options: dict[str, Any], names: str) -> None:
    with pytest.raises(BadOption, match=names):
        OpenAIRecogniser(OpenAIRecogniser.Options(**options))
