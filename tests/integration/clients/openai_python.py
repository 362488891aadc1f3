"""Drives a gateway with the openai package of the environment that runs this, every route streamed and whole.

    python openai_python.py http://127.0.0.1:8765/v1 question.wav

Needs nothing but the package, so that any of its versions can run it. Prints one JSON object: the version, and for
every check ``"ok"`` or what went wrong.
"""

import asyncio
import base64
import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
from openai import BaseModel, OpenAI, Stream

ANSWER = "Hello there. How are you?"
"""What the model of the gateway under test answers to everything."""

HEARD = "what did you say"
"""What its recogniser hears in everything."""

TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]
FLAT_TOOLS: list[Any] = [{"type": "function", **tool["function"], "strict": False} for tool in TOOLS]
ASK: Any = [{"role": "user", "content": "Hi."}]
SPEECH: dict[str, Any] = {"model": "tts-1", "voice": "alloy", "input": "One sentence. Another one."}


def whole(value: Any) -> Any:
    """``value``, an object of the package, if all of it is as the package's own types say."""
    type(value).model_validate(value.to_dict(mode="python"), strict=True)
    return value


class Checks:
    """Everything that is checked: every public method is a check."""

    def __init__(self, base_url: str, recording: bytes) -> None:
        self._base_url = base_url
        self.ai = OpenAI(base_url=base_url, api_key="any", max_retries=0)
        self._recording = recording
        self._spoken = base64.b64encode(recording).decode()

    @property
    def _question(self) -> Any:
        audio = {"type": "input_audio", "input_audio": {"data": self._spoken, "format": "wav"}}
        return [{"role": "user", "content": [audio]}]

    def models(self) -> None:
        first = next(iter(self.ai.models.list()))
        assert whole(self.ai.models.retrieve(first.id)).id == first.id
        missing = error(openai.NotFoundError, lambda: self.ai.models.retrieve("org/none"))
        assert missing.code == "model_not_found", missing.code

    def speech(self) -> None:
        audio = self.ai.audio.speech.create(**SPEECH).content
        assert audio[:3] == b"ID3" or audio[0] == 0xFF, audio[:4]
        with self.ai.audio.speech.with_streaming_response.create(**SPEECH, response_format="pcm", speed=2.0) as answer:
            sizes = [len(chunk) for chunk in answer.iter_bytes(1024)]
        assert sum(sizes) % 2 == 0, sizes[-1]
        assert sum(sizes) > 10_000, sum(sizes)

    def speech_events(self) -> None:
        sse = self.ai.audio.speech.with_streaming_response.create(**SPEECH, response_format="pcm", stream_format="sse")
        with sse as answer:
            lines = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
        assert {line["type"] for line in lines[:-1]} == {"speech.audio.delta"}, lines
        assert lines[-1]["type"] == "speech.audio.done", lines[-1]
        assert set(lines[-1]["usage"]) == {"input_tokens", "output_tokens", "total_tokens"}, lines[-1]

    def speech_of_a_turn(self) -> None:
        asked = {**SPEECH, "input": "", "extra_body": {"input_audio": {"data": self._spoken, "format": "wav"}}}
        with self.ai.audio.speech.with_streaming_response.create(**asked, response_format="pcm") as answer:
            assert len(answer.read()) > 10_000
            assert answer.headers["x-transcript"], answer.headers

    def transcriptions(self) -> None:
        file = ("question.wav", self._recording)
        assert whole(self.ai.audio.transcriptions.create(model="whisper-1", file=file)).text == HEARD
        verbose: Any = self.ai.audio.transcriptions.create(
            model="whisper-1", file=file, response_format="verbose_json", timestamp_granularities=["word", "segment"]
        )
        assert [word.word for word in whole(verbose).words] == HEARD.split(), verbose
        assert verbose.segments[0].text.strip() == HEARD, verbose
        captions: Any = self.ai.audio.transcriptions.create(model="whisper-1", file=file, response_format="srt")
        assert "-->" in captions, captions
        plain: Any = self.ai.audio.transcriptions.create(model="whisper-1", file=file, response_format="text")
        assert plain.strip() == HEARD, plain
        refused = error(openai.BadRequestError, lambda: self.ai.audio.translations.create(model="whisper-1", file=file))
        assert refused.message, refused

    def transcription_events(self) -> None:
        file = ("question.wav", self._recording)
        events: Any = self.ai.audio.transcriptions.create(model="gpt-4o-transcribe", file=file, stream=True)
        seen = [whole(event) for event in events]
        assert "".join(event.delta for event in seen[:-1]) == seen[-1].text == HEARD, seen

    def chat(self) -> None:
        answer = whole(self.ai.chat.completions.create(model="gpt-4o", messages=ASK))
        assert answer.choices[0].message.content == ANSWER, answer
        chunks = self.ai.chat.completions.create(
            model="gpt-4o", messages=ASK, stream=True, stream_options={"include_usage": True}
        )
        seen = [whole(chunk) for chunk in chunks]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in seen if chunk.choices) == ANSWER, seen
        assert seen[-1].usage is not None, seen[-1]
        with self.ai.chat.completions.stream(model="gpt-4o", messages=ASK) as stream:
            final = stream.get_final_completion()
        assert final.choices[0].message.content == ANSWER, final

    def chat_tools(self) -> None:
        answer = whole(self.ai.chat.completions.create(model="gpt-4o", messages=ASK, tools=TOOLS))
        calls: Any = answer.choices[0].message.tool_calls
        assert (calls[0].function.name, answer.choices[0].finish_reason) == ("get_weather", "tool_calls"), answer
        with self.ai.chat.completions.stream(model="gpt-4o", messages=ASK, tools=TOOLS) as stream:
            streamed: Any = stream.get_final_completion().choices[0].message.tool_calls
        assert json.loads(streamed[0].function.arguments) == {"city": "Oslo"}, streamed

    def chat_audio(self) -> None:
        asked: dict[str, Any] = {
            "model": "gpt-4o-audio-preview",
            "messages": self._question,
            "modalities": ["text", "audio"],
        }
        answer = whole(self.ai.chat.completions.create(**asked, audio={"voice": "alloy", "format": "wav"}))
        sound = answer.choices[0].message.audio
        assert sound is not None
        assert sound.transcript == ANSWER, sound.transcript
        assert base64.b64decode(sound.data)[:4] == b"RIFF"
        chunks = self.ai.chat.completions.create(**asked, audio={"voice": "alloy", "format": "pcm16"}, stream=True)
        audio: list[Any] = [(chunk.to_dict()["choices"] or [{}])[0].get("delta", {}).get("audio") for chunk in chunks]
        pieces: list[Any] = [piece for piece in audio if piece]
        assert sum("id" in piece for piece in pieces) == 1, pieces[0]
        assert "".join(piece.get("transcript", "") for piece in pieces) == ANSWER
        assert len(base64.b64decode("".join(piece.get("data", "") for piece in pieces), validate=True)) > 10_000
        again = [*self._question, {"role": "assistant", "audio": {"id": sound.id}}, *ASK]
        self.ai.chat.completions.create(**{**asked, "messages": again}, audio={"voice": "alloy", "format": "wav"})

    def responses(self) -> None:
        answer = whole(self.ai.responses.create(model="gpt-4o", input="Hi."))
        assert answer.output_text == ANSWER, answer
        seen = [whole(event) for event in self.ai.responses.create(model="gpt-4o", input="Hi.", stream=True)]
        assert [event.sequence_number for event in seen] == list(range(len(seen))), seen
        assert (seen[0].type, seen[-1].type) == ("response.created", "response.completed"), seen
        with self.ai.responses.stream(model="gpt-4o", input="Go on.", previous_response_id=answer.id) as stream:
            final: Any = stream.get_final_response()
        assert final.output_text == ANSWER, final
        # The server that a response was passed on to knows nothing of the one before it; the gateway does.
        assert self.ai.responses.retrieve(final.id).previous_response_id == answer.id
        assert whole(self.ai.responses.retrieve(answer.id)).output_text == ANSWER
        items: Any = list(self.ai.responses.input_items.list(answer.id))
        assert items[0].content[0].text == "Hi.", items
        self.ai.responses.delete(answer.id)
        error(openai.NotFoundError, lambda: self.ai.responses.retrieve(answer.id))
        lost = error(
            openai.BadRequestError,
            lambda: self.ai.responses.create(model="m", input="?", previous_response_id="resp_0"),
        )
        assert lost.code == "previous_response_not_found", lost.code

    def responses_tools(self) -> None:
        answer: Any = self.ai.responses.create(model="gpt-4o", input="Hi.", tools=FLAT_TOOLS)
        call = next(item for item in answer.output if item.type == "function_call")
        assert json.loads(call.arguments) == {"city": "Oslo"}, answer
        result: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "Rain."}]
        after = self.ai.responses.create(model="gpt-4o", input=result, previous_response_id=answer.id)
        assert after.output_text == ANSWER, after

    def conversations(self) -> None:
        talk = self.ai.conversations.create(metadata={"topic": "tests"})
        self.ai.responses.create(model="gpt-4o", input="Hi.", conversation=talk.id)
        kinds = [item.type for item in self.ai.conversations.items.list(talk.id, order="asc")]
        assert kinds == ["message", "message"], kinds
        assert self.ai.conversations.delete(talk.id).deleted

    def speech_to_speech(self) -> None:
        form: Any = {"headers": {"Content-Type": "multipart/form-data"}}
        file = {"file": ("q.wav", self._recording, "audio/wav")}
        path, asked = "/audio/speech-to-speech", {"model": "s2s", "voice": "alloy"}
        answer = self.ai.post(path, cast_to=openai.HttpxBinaryResponseContent, body=asked, files=file, options=form)
        assert answer.content[:4] == b"RIFF"

        class Event(BaseModel):
            type: str

        asked = {**asked, "stream_format": "sse"}
        with self.ai.post(
            path, cast_to=Event, stream=True, stream_cls=Stream[Event], body=asked, files=file, options=form
        ) as events:
            types = [event.type for event in events]
        assert types[-1] == "speech.audio.done", types

    def errors(self) -> None:
        wrong: Any = {"model": "m", "messages": []}
        refused = error(openai.BadRequestError, lambda: self.ai.chat.completions.create(**wrong))
        assert (refused.param, refused.type) == ("messages", "invalid_request_error"), refused.body
        assert refused.request_id, refused
        long = {**SPEECH, "input": "a" * 5000}
        refused = error(openai.BadRequestError, lambda: self.ai.audio.speech.create(**long))
        assert refused.code == "string_above_max_length", refused.body

    def asynchronous(self) -> None:
        async def ask_once() -> str:
            async with openai.AsyncOpenAI(base_url=self._base_url, api_key="any") as other:
                chunks = await other.chat.completions.create(model="gpt-4o", messages=ASK, stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices])

        assert asyncio.run(ask_once()) == ANSWER


def error(kind: type[Any], call: Callable[[], Any]) -> Any:
    """The error of this kind that ``call`` raises."""
    try:
        call()
    except kind as raised:
        return raised
    raise AssertionError(f"no {kind.__name__}")


def main() -> None:
    """Run all checks and print what came of them."""
    found = {}
    checks = Checks(sys.argv[1], Path(sys.argv[2]).read_bytes())
    for name in [name for name in vars(Checks) if not name.startswith("_")]:
        try:
            getattr(checks, name)()
            found[name] = "ok"
        except Exception:  # noqa: BLE001  whatever it is, it is the result
            found[name] = traceback.format_exc(limit=-2)
    print(json.dumps({"version": openai.__version__, "checks": found}))


if __name__ == "__main__":
    main()
