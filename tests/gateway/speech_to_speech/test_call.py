"""What a request says of its conversation, and what the settings say of how much is remembered."""

from typing import Any

import msgspec
import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.conversation.continuation import Wanted
from gateway.conversation.remembering import Call
from gateway.engines import ServedRoute
from gateway.settings.load import load
from gateway.speech_to_speech import translate
from gateway.speech_to_speech.call import call_of, wanted_of
from gateway.speech_to_speech.schema import SpeechToSpeechRequest
from tests.gateway.serving import scripted_engines


def wire(**fields: Any) -> SpeechToSpeechRequest:
    return msgspec.convert(fields, SpeechToSpeechRequest)


def called(*flags: str, model: Any = None, **fields: Any) -> Call:
    engines = scripted_engines(**({"llm": model} if model else {}))
    served = ServedRoute(route=load(flags, {}).routes[0], engines=engines)
    request = wire(**fields)
    return call_of(request, translate.turn_of(request, [], served), served)


def text(role: str, words: str) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=words),))


def test_a_bare_request_begins_a_conversation_that_is_kept() -> None:
    assert wanted_of(wire()) == Wanted(keep=True)
    assert wanted_of(wire(store=None)) == Wanted(keep=True)
    assert wanted_of(wire(store=False)) == Wanted(keep=False)


def test_a_conversation_is_named_in_two_ways() -> None:
    assert wanted_of(wire(conversation="c")) == wanted_of(wire(conversation={"id": "c"})) == Wanted(conversation="c")


RESULT = {"role": "tool", "tool_call_id": "c1", "content": "noon"}


@pytest.mark.parametrize(
    ("fields", "adds"),
    [
        ({"conversation": "c", "messages": [RESULT]}, True),
        ({"previous_response_id": "r", "messages": [RESULT, RESULT]}, True),
        ({"messages": [RESULT]}, False),
        ({"conversation": "c", "messages": []}, False),
        ({"conversation": "c", "messages": [{"role": "user", "content": "Hi."}, RESULT]}, False),
        ({"conversation": "c"}, False),
    ],
)
def test_only_results_beside_an_id_are_added(fields: dict[str, Any], adds: bool) -> None:
    assert wanted_of(wire(**fields)).adds_results is adds


@pytest.mark.parametrize("messages", [[], [{"role": "user", "content": "Hi."}]])
def test_a_history_beside_an_answers_id_is_refused(messages: list[dict[str, str]]) -> None:
    with pytest.raises(InvalidRequest, match="tool results only"):
        wanted_of(wire(previous_response_id="r", messages=messages))


def test_instructions_stand_in_place_of_the_prompt_and_empty_ones_too() -> None:
    flags = ("--init_chat_prompt", "Be kind.", "--init_chat_role", "developer")
    plain, told, empty = called(*flags), called(*flags, instructions="Rhyme."), called(*flags, instructions="")
    assert (plain.instructions, plain.prompt) == (None, text("developer", "Be kind."))
    assert (told.instructions, told.prompt) == (text("developer", "Rhyme."), None)
    assert (empty.instructions, empty.prompt) == (None, None)
    assert called("--init_chat_prompt", "").prompt is None


def test_how_much_is_remembered_comes_from_the_settings_and_the_model() -> None:
    policy = called("--chat_size", "9", "--compact_history", "false", "--user_role", "human").policy
    assert (policy.chat_size, policy.compact, policy.writer.keep, policy.writer.user_role) == (9, False, 4, "human")
    assert called("--chat_size", "1").policy.writer.keep == 1
    knowing = scripted.Scripted(llm.Info(context_tokens=2048), scripted.answering("Yes."))
    assert called(model=knowing).policy.writer.context_tokens == 2048
    assert called("--context_tokens", "512", model=knowing).policy.writer.context_tokens == 512
    assert called().policy.writer.context_tokens is None


def test_only_audio_must_be_heard() -> None:
    assert called().must_speak
    assert not called(stream_format="sse").must_speak
