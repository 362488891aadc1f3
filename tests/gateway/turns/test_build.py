"""A request is laid over the settings of its route, field by field; what cannot be is refused by the field's name."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unsupported
from adapters.tts.openai_voices import OPENAI_VOICES
from gateway.access.caller import ANYONE
from gateway.conversation.conversation import Languages
from gateway.conversation.history import ConversationRef
from gateway.engines.route import ServedRoute
from gateway.pipeline.listen import RecordingFinished, TranscriptFinished
from gateway.settings.load import load
from gateway.turns.build import TurnPlan, build_turn, ignored_fields
from gateway.turns.request import TurnRequest
from tests.support.server import scripted_engines

GERMAN = TranscriptFinished(text="Hallo", language="de", seconds=1.0)
UNKNOWN = TranscriptFinished(text="Hallo", language=None, seconds=1.0)
RECORDED = RecordingFinished(recording=llm.Audio(data=b"RIFF", format="wav"), seconds=1.0)
PICTURE = llm.Image(url="https://example.com/cat.png")
NOTHING = Languages()
RESULT = llm.Message(role="tool", parts=(llm.ToolResult(call_id="c1", output="noon"),))


def route(*flags: str, **engines: Any) -> ServedRoute:
    return ServedRoute(route=load(flags, {}).routes[0], engines=scripted_engines(**engines))


def built(*flags: str, model: Any = None, **fields: Any) -> TurnPlan:
    return build_turn(TurnRequest(caller=ANYONE, **fields), route(*flags, **({"llm": model} if model else {})))


def text(role: str, words: str) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=words),))


def test_a_bare_request_takes_everything_from_the_settings() -> None:
    flags = ("--model_name", "m", "--llm_backend", "echo", "--init_chat_prompt", "Be kind.", "--speed", "1.25")
    plan = built(*flags, "--language", "de", "--stream_batch_sentences", "4", "--first_utterance_ms", "150")
    assert plan.generation.request(()) == llm.Request(model="m", messages=(), reasoning=llm.Reasoning(disabled=True))
    assert plan.style is not None
    delivery = plan.style.delivery(plan.languages(None, NOTHING))
    assert (delivery.voice, delivery.speed, delivery.voice_language) == ("hum", 1.25, "de")
    assert (plan.language, plan.usual_language, plan.user_role) == (None, "de", "user")
    assert (plan.reply_in_language, plan.images) == (False, ())
    assert (plan.pacing.batch_sentences, plan.pacing.first_utterance_seconds) == (4, 0.15)
    assert plan.audio is None
    assert plan.conversation == ConversationRef()


def test_roles_are_those_of_the_settings() -> None:
    plan = built("--init_chat_role", "developer", "--user_role", "human", "--enable_lang_prompt")
    assert (plan.prompt_role, plan.prompt and plan.prompt.role) == ("developer", "developer")
    assert (plan.user_role, plan.reply_in_language) == ("human", True)


def test_instructions_stand_in_place_of_the_prompt_and_empty_ones_too() -> None:
    flags = ("--init_chat_prompt", "Be kind.", "--init_chat_role", "developer")
    plain, told, empty = built(*flags), built(*flags, instructions="Rhyme."), built(*flags, instructions="")
    assert (plain.instructions, plain.prompt) == (None, text("developer", "Be kind."))
    assert (told.instructions, told.prompt) == (text("developer", "Rhyme."), None)
    assert (empty.instructions, empty.prompt) == (None, None)
    assert built("--init_chat_prompt", "").prompt is None


def test_what_is_said_of_writing_arrives_as_it_is() -> None:
    sampling = llm.Sampling(temperature=0.0, top_p=0.0, stop=("END",), seed=0)
    tools = (llm.Tool(name="clock"),)
    plan = built(sampling=sampling, max_output_tokens=7, tools=tools, tool_choice=llm.NamedTool(name="clock"))
    request = plan.generation.request((text("user", "Hi."),))
    assert (request.sampling, request.max_output_tokens, request.tools) == (sampling, 7, tools)
    assert (request.tool_choice, request.messages) == (llm.NamedTool(name="clock"), (text("user", "Hi."),))


def test_a_choice_of_tools_needs_tools() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        built(tool_choice="auto")
    assert refusal.value.param == "tool_choice"


def test_reasoning_of_the_request_goes_before_that_of_the_settings() -> None:
    flags = ("--responses_api_reasoning_effort", "low", "--llm_backend", "chat-completions", "--model_name", "m")
    assert built(*flags).generation.reasoning.effort == "low"
    assert built(*flags, reasoning_effort="high").generation.reasoning.effort == "high"


@pytest.mark.parametrize("voice", [*OPENAI_VOICES, "hum"])
def test_every_voice_of_openai_is_one_of_the_engine(voice: str) -> None:
    style = built(voice=voice).style
    assert style is not None
    assert style.voice == "hum"


def test_how_to_speak_arrives_and_what_the_engine_cannot_do_is_known_beforehand() -> None:
    request = TurnRequest(caller=ANYONE, speed=0.25, speech_instructions="Whisper.", language="Portuguese")
    plan = build_turn(request, route())
    assert plan.style is not None
    delivery = plan.style.delivery(plan.languages(None, NOTHING))
    assert (delivery.speed, delivery.instructions, delivery.voice_language) == (0.25, "Whisper.", "pt")
    assert built("--language", "de", language="pt-BR").language == "pt"
    assert ignored_fields(request, route()) == ("speech_instructions",)
    assert ignored_fields(TurnRequest(caller=ANYONE), route()) == ()


@pytest.mark.parametrize(("field", "value"), [("language", "Klingon"), ("voice", "nobody")])
def test_what_nobody_knows_is_refused_by_its_field(field: str, value: str) -> None:
    with pytest.raises(InvalidRequest, match=value) as refusal:
        built(**{field: value})
    assert refusal.value.param == field


async def silence(_rate: int) -> AsyncGenerator[bytes, None]:
    yield b""


def test_the_question_is_what_was_heard_with_the_images() -> None:
    plan = built("--user_role", "human", images=(PICTURE, PICTURE), audio=silence)
    (asked,) = plan.question(GERMAN, NOTHING).message
    assert asked == llm.Message(role="human", parts=(llm.Text(text="Hallo"), PICTURE, PICTURE))
    assert plan.question(RECORDED, NOTHING).message[0].parts == (RECORDED.recording, PICTURE, PICTURE)
    assert plan.question(None, NOTHING).message == (llm.Message(role="human", parts=(PICTURE, PICTURE)),)
    assert built().question(None, NOTHING).message == ()


@pytest.mark.parametrize(
    ("listened", "language", "named"),
    [
        (GERMAN, None, "German"),
        (GERMAN, "fr", "German"),
        (UNKNOWN, "fr", "French"),
        (UNKNOWN, None, None),
        (RECORDED, "fr", "French"),
    ],
)
def test_the_reply_is_asked_for_in_the_language_heard_and_that_is_not_remembered(
    listened: Any, language: str | None, named: str | None
) -> None:
    plan = built("--enable_lang_prompt", language=language, audio=silence)
    question = plan.question(listened, Languages(asked="ja", voice="ja"))
    hint = (llm.Text(text=f"Please reply to my message in {named}."),) if named else ()
    (message,) = question.message
    assert question.hinted((text("user", "before"), message)) == (
        text("user", "before"),
        llm.Message(role="user", parts=(*message.parts, *hint)),
    )


def test_after_a_result_the_reply_is_asked_for_where_the_question_was() -> None:
    question = built("--enable_lang_prompt").question(None, Languages(asked="de"))
    assert question.message == ()
    asked = (text("user", "Wie spät ist es?"), text("assistant", "Moment."), RESULT)
    hinted = llm.Message(role="user", parts=(*asked[0].parts, llm.Text(text="Please reply to my message in German.")))
    assert question.hinted(asked) == (hinted, *asked[1:])
    assert question.hinted(asked[1:]) == asked[1:], "there is no question to add it to"


@pytest.mark.parametrize(
    ("flags", "listened", "voice", "text_language"),
    [
        ((), GERMAN, None, "de"),
        (("--enable_lang_prompt",), GERMAN, "de", "de"),
        (("--enable_lang_prompt", "--language", "fr"), GERMAN, "fr", "fr"),
        (("--language", "fr"), UNKNOWN, "fr", "fr"),
        ((), UNKNOWN, None, None),
    ],
)
def test_the_voice_follows_the_language_that_is_set_or_asked_for(
    flags: tuple[str, ...], listened: Any, voice: str | None, text_language: str | None
) -> None:
    plan = built(*flags, audio=silence)
    assert plan.style is not None
    delivery = plan.style.delivery(plan.languages(listened, Languages(asked="ja", voice="ja")))
    assert (delivery.voice_language, delivery.text_language) == (voice, text_language)


@pytest.mark.parametrize(
    ("heard", "voice", "expected"),
    [("de", None, "hum+loud"), ("fr", None, "hum"), (None, None, "hum"), ("de", "hum", "hum")],
    ids=["its voice", "no voice of it", "unknown", "the client named one"],
)
def test_the_language_heard_chooses_the_voice(heard: str | None, voice: str | None, expected: str) -> None:
    plan = built("--voices_by_language", '{"de": "hum+loud"}', audio=object(), voice=voice)
    assert plan.style is not None
    listened = TranscriptFinished(text="Hallo", language=heard, seconds=1.0)
    assert plan.style.delivery(plan.languages(listened, NOTHING)).voice == expected


@pytest.mark.parametrize(
    ("flags", "expected"),
    [((), Languages(asked="de", voice="fr")), (("--enable_lang_prompt",), Languages(asked="de", voice="fr"))],
)
def test_a_language_that_was_heard_before_is_that_of_the_question(flags: tuple[str, ...], expected: Languages) -> None:
    plan = built(*flags, heard_language="de")
    assert plan.languages(None, Languages(asked="fr", voice="fr")) == expected
    hint = plan.question(None, NOTHING).hint
    assert hint == (llm.Text(text="Please reply to my message in German.") if flags else None)


@pytest.mark.parametrize(
    ("flags", "language", "before", "expected"),
    [
        ((), None, Languages(asked="de"), Languages(asked="de")),
        ((), None, Languages(asked="de", voice="de"), Languages(asked="de", voice="de")),
        (("--language", "fr"), None, Languages(asked="de", voice="de"), Languages(asked="de", voice="de")),
        (("--language", "fr"), None, NOTHING, Languages(asked="fr", voice="fr")),
        (("--enable_lang_prompt",), None, Languages(asked="de"), Languages(asked="de", voice="de")),
        ((), "it", Languages(asked="de", voice="de"), Languages(asked="it", voice="it")),
    ],
)
def test_without_a_recording_the_languages_are_those_of_the_turn_before(
    flags: tuple[str, ...], language: str | None, before: Languages, expected: Languages
) -> None:
    assert built(*flags, language=language).languages(None, before) == expected


@pytest.mark.parametrize(
    ("ref", "adds"),
    [
        (ConversationRef(conversation="c", history=(RESULT,)), True),
        (ConversationRef(previous_response="r", history=(RESULT, RESULT)), True),
        (ConversationRef(history=(RESULT,)), False),
        (ConversationRef(conversation="c", history=()), False),
        (ConversationRef(conversation="c", history=(text("user", "Hi."), RESULT)), False),
        (ConversationRef(conversation="c"), False),
    ],
)
def test_only_results_beside_an_id_are_added(ref: ConversationRef, adds: bool) -> None:
    assert built(conversation=ref).conversation.adds_results is adds


@pytest.mark.parametrize("history", [(), (text("user", "Hi."),)])
def test_a_history_beside_an_answers_id_is_refused(history: tuple[llm.Message, ...]) -> None:
    with pytest.raises(InvalidRequest, match="tool results only") as refusal:
        built(conversation=ConversationRef(previous_response="r", history=history))
    assert refusal.value.param == "messages"


def test_a_turn_follows_an_answer_or_belongs_to_a_conversation() -> None:
    with pytest.raises(InvalidRequest, match="Mutually exclusive"):
        built(conversation=ConversationRef(previous_response="r", conversation="c"))


def test_how_much_is_remembered_comes_from_the_settings_and_the_model() -> None:
    policy = built("--chat_size", "9", "--compact_history", "false", "--user_role", "human").policy
    assert (policy.chat_size, policy.compact, policy.writer.keep, policy.writer.user_role) == (9, False, 4, "human")
    assert built("--chat_size", "1").policy.writer.keep == 1
    knowing = scripted.Scripted(llm.Info(context_tokens=2048), scripted.answering("Yes."))
    assert built(model=knowing).policy.writer.context_tokens == 2048
    assert built("--context_tokens", "512", model=knowing).policy.writer.context_tokens == 512
    assert built().policy.writer.context_tokens is None


def test_json_is_asked_only_of_a_model_that_can_promise_it() -> None:
    answer = llm.JsonAnswer(schema={"type": "object"})
    with pytest.raises(Unsupported, match="--llm_backend echo cannot promise an answer in JSON") as caught:
        built("--llm_backend", "echo", json_answer=answer)
    assert caught.value.param == "json_answer"
    model = scripted.language_model(scripted.answering("{}"))
    model.info = llm.Info(json_answers=True)
    request = built(model=model, json_answer=answer, parallel_tool_calls=False, extra={"user": "u"}).generation.request(
        ()
    )
    assert (request.json_answer, request.parallel_tool_calls, request.extra) == (answer, False, {"user": "u"})


def test_an_answer_that_is_not_spoken_has_no_style_and_ignores_its_description() -> None:
    assert built(spoken=False, voice="no such voice").style is None
    assert ignored_fields(TurnRequest(caller=ANYONE, spoken=False, speech_instructions="Whisper."), route()) == (
        "speech_instructions",
    )


def test_a_literal_request_has_no_prompt_and_no_reasoning_setting_of_the_gateway() -> None:
    plan = built("--responses_api_reasoning_effort", "low", literal=True)
    assert (plan.prompt, plan.generation.reasoning) == (None, llm.Reasoning(shown=True))
    asked = built("--responses_api_reasoning_effort", "low", literal=True, reasoning_effort="high")
    assert asked.generation.reasoning == llm.Reasoning(effort="high", shown=True)
