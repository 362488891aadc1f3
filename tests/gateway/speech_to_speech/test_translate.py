"""A request becomes a turn field by field, and a turn's events become the wire's; nothing is invented or lost."""

import base64
import math
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest

from adapters.contract import llm, tts
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest
from adapters.tts.openai_voices import OPENAI_VOICES
from gateway.engines import ServedRoute
from gateway.http.body import Upload
from gateway.pipeline import answer, turn
from gateway.settings.load import load
from gateway.speech_to_speech import schema, translate
from gateway.speech_to_speech.schema import SpeechToSpeechRequest
from gateway.telemetry import Timings
from tests.gateway.serving import scripted_engines

ENDING = translate.Ending(response_id="resp_1", conversation_id="conv_1")
NEVER = Timings(stt=None, llm_first=None, tts_first=None, first_audio=None, total=0.5)


def route(*flags: str) -> ServedRoute:
    return ServedRoute(route=load(flags, {}).routes[0], engines=scripted_engines())


def turned(*flags: str, images: list[Upload] | None = None, **fields: Any) -> turn.Turn:
    wire = msgspec.convert(fields, SpeechToSpeechRequest)
    return translate.turn_of(wire, images or [], route(*flags))


def text(role: str, words: str) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=words),))


def test_a_bare_request_takes_everything_from_the_settings() -> None:
    flags = ("--model_name", "m", "--llm_backend", "echo", "--init_chat_prompt", "Be kind.", "--speed", "1.25")
    plain = turned(*flags, "--language", "de", "--stream_batch_sentences", "4", "--first_utterance_ms", "150")
    assert plain.writing == llm.Request(
        model="m", messages=(text("system", "Be kind."),), reasoning=llm.Reasoning(disabled=True)
    )
    assert plain.speaking == tts.Request(text="", voice="hum", speed=1.25, language="de")
    assert (plain.language, plain.user_role, plain.ask_for_language, plain.images) == ("de", "user", False, ())
    assert (plain.pacing.batch_sentences, plain.pacing.first_utterance_seconds) == (4, 0.15)
    assert plain.audio is None


def test_roles_are_those_of_the_settings() -> None:
    plain = turned("--init_chat_role", "developer", "--user_role", "human", "--enable_lang_prompt")
    assert plain.writing.messages[0].role == "developer"
    assert (plain.user_role, plain.ask_for_language) == ("human", True)


def test_instructions_replace_the_prompt_of_the_settings() -> None:
    assert turned(instructions="Rhyme.").writing.messages == (text("system", "Rhyme."),)
    assert turned(instructions="").writing.messages == ()


def test_sampling_arrives_as_it_was_sent() -> None:
    sampling = turned(
        temperature=0.0, top_p=0.0, stop="END", seed=0, frequency_penalty=-2.0, presence_penalty=2.0
    ).writing.sampling
    assert sampling == llm.Sampling(
        temperature=0.0, top_p=0.0, stop=("END",), seed=0, frequency_penalty=-2.0, presence_penalty=2.0
    )
    assert sampling.temperature is not None
    assert turned(stop=["a", "b"]).writing.sampling.stop == ("a", "b")
    assert turned().writing.sampling == llm.Sampling()
    assert turned(max_output_tokens=7).writing.max_output_tokens == 7


def test_reasoning_of_the_request_goes_before_that_of_the_settings() -> None:
    flags = ("--responses_api_reasoning_effort", "low", "--llm_backend", "chat-completions", "--model_name", "m")
    assert turned(*flags).writing.reasoning.effort == "low"
    assert turned(*flags, reasoning_effort="high").writing.reasoning.effort == "high"


def test_tools_and_their_choice_arrive() -> None:
    clock = {"type": "function", "name": "clock", "description": "Tells the time."}
    nested = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    asked = turned(tools=[clock, nested], tool_choice={"type": "function", "name": "clock"}, stream_format="sse")
    assert asked.writing.tools == (
        llm.Tool(name="clock", description="Tells the time."),
        llm.Tool(name="weather", parameters={"type": "object"}),
    )
    assert asked.writing.tool_choice == llm.NamedTool(name="clock")
    assert turned(tools=[clock], tool_choice="required", stream_format="sse").writing.tool_choice == "required"


@pytest.mark.parametrize("voice", [*OPENAI_VOICES, {"id": "nova"}, "hum", {"id": "hum"}])
def test_voices_in_all_forms_are_the_engines(voice: Any) -> None:
    assert turned(voice=voice).speaking.voice == "hum"


def test_how_to_speak_arrives() -> None:
    speaking = turned(speed=0.25, speech_instructions="Whisper.", language="Portuguese").speaking
    assert (speaking.speed, speaking.instructions, speaking.language) == (0.25, "Whisper.", "pt")
    assert turned("--language", "de", language="pt-BR").language == "pt"


def test_images_come_by_address_and_as_files() -> None:
    one, two = "https://example.com/1.png", "data:image/png;base64,AAAA"
    file = Upload(data=b"\x89PNG", content_type="image/png")
    inline = llm.Image(url="data:image/png;base64," + base64.b64encode(b"\x89PNG").decode())
    assert turned(image=one).images == (llm.Image(url=one),)
    assert turned(image=[one, two]).images == (llm.Image(url=one), llm.Image(url=two))
    assert turned(images=[file, file]).images == (inline, inline)
    assert turned(image=one, images=[file]).images == (llm.Image(url=one), inline)


def recording(files: list[Upload] | None = None, **fields: Any) -> bytes | None:
    return translate.recording_of(msgspec.convert(fields, SpeechToSpeechRequest), files or [])


def test_the_recording_is_the_file_or_the_base64() -> None:
    file = Upload(data=b"RIFF", content_type="audio/wav")
    assert recording([file]) == b"RIFF"
    assert recording(input_audio={"data": base64.b64encode(b"RIFF").decode()}) == b"RIFF"
    assert recording(input_audio={"data": ""}) == b""
    wrapped = base64.encodebytes(bytes(200)).decode()
    assert recording(input_audio={"data": wrapped.replace("\n", "\r\n")}) == bytes(200)
    answered = [{"role": "tool", "tool_call_id": "c", "content": "noon"}]
    assert recording(messages=answered) is None
    assert recording([file], messages=answered) == b"RIFF"
    with pytest.raises(InvalidRequest, match="Missing required parameter: 'file'"):
        recording(messages=[*answered, {"role": "assistant", "content": "It is noon."}])


@pytest.mark.parametrize("broken", ["UklGR", "U", "UklGRg=a", "_-8=", "höhö", "data:audio/wav;base64,UklGRg=="])
def test_broken_base64_is_told_in_one_sentence_that_fits(broken: str) -> None:
    with pytest.raises(InvalidRequest, match="this is no base64") as refusal:
        recording(input_audio={"data": broken})
    assert refusal.value.param == "input_audio.data"


def test_what_the_wire_does_not_show_is_no_event() -> None:
    hidden = (
        Started(),
        tts.AudioChunk(pcm=b"xx"),
        llm.ReasoningDelta(text="hm"),
        llm.ToolCallStarted(call_id="c", name="n"),
        llm.ToolCallDelta(call_id="c", arguments="{"),
    )
    assert [translate.event_of(event, ENDING) for event in hidden] == [None] * 5


def test_the_last_event_tells_reason_usage_and_times() -> None:
    usage = llm.Usage(input_tokens=3, output_tokens=4, cached_tokens=1)
    timings = Timings(stt=0.1, llm_first=0.02, tts_first=0.0034567, first_audio=0.2, total=1.5)
    said = text("assistant", "Hi.")
    done = translate.event_of(
        answer.AnswerFinished(text="Hi.", message=said, reason="length", usage=usage, timings=timings), ENDING
    )
    assert msgspec.to_builtins(done) == {
        "type": "speech.audio.done",
        "response_id": "resp_1",
        "conversation_id": "conv_1",
        "finish_reason": "length",
        "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
        "timings": {
            "stt_ms": 100.0,
            "llm_first_ms": 20.0,
            "tts_first_ms": 3.5,
            "first_audio_ms": 200.0,
            "total_ms": 1500.0,
        },
    }
    nothing = llm.Message(role="assistant", parts=())
    silent = answer.AnswerFinished(text="", message=nothing, reason="stop", usage=None, timings=NEVER)
    bare = translate.event_of(silent, ENDING)
    assert isinstance(bare, schema.AudioDone)
    assert (bare.usage, bare.timings.stt_ms, bare.timings.total_ms) == (None, None, 500.0)


def test_what_a_summary_cost_is_part_of_the_usage() -> None:
    ending = msgspec.structs.replace(ENDING, compaction=llm.Usage(input_tokens=100, output_tokens=20))
    usage = llm.Usage(input_tokens=3, output_tokens=4)
    done = translate.event_of(
        answer.AnswerFinished(text="Hi.", message=text("assistant", "Hi."), reason="stop", usage=usage, timings=NEVER),
        ending,
    )
    assert isinstance(done, schema.AudioDone)
    assert msgspec.to_builtins(done.usage) == {
        "input_tokens": 103,
        "output_tokens": 24,
        "total_tokens": 127,
        "compaction_tokens": 120,
    }


@pytest.mark.parametrize("character", ["a", "é", "语", "🙂", "\r", " ", ","])
def test_a_long_transcript_is_cut_at_a_character(character: str) -> None:
    size = len(translate.transcript_headers(character)["x-transcript"])
    fitting = math.floor(1500 / size)
    whole = translate.transcript_headers(character * fitting)
    assert whole.keys() == {"x-transcript"}
    assert unquote(whole["x-transcript"], errors="strict") == character * fitting
    cut = translate.transcript_headers(character * (fitting + 1))
    assert cut["x-transcript-truncated"] == "true"
    assert unquote(cut["x-transcript"], errors="strict") == character * fitting
    assert cut["x-transcript"].isascii()
    assert cut["x-transcript"].isprintable()


def test_ignored_parameters_are_listed_as_tokens() -> None:
    assert translate.ignored_headers([]) == {}
    assert translate.ignored_headers(["top_k", "a b\r\n", "名"]) == {
        "x-ignored-parameters": "top_k, a%20b%0D%0A, %E5%90%8D"
    }


def test_only_stages_that_are_over_are_in_the_headers() -> None:
    timings = Timings(stt=0.1234, llm_first=None, tts_first=0.01, first_audio=None, total=0.9876)
    assert translate.timing_headers(timings) == {
        "openai-processing-ms": "988",
        "server-timing": "stt;dur=123.4, tts_first;dur=10.0",
    }
