from typing import Any

import pytest

from adapters.contract import guard, llm
from adapters.contract.errors import Unavailable, UpstreamError
from gateway.pipeline.screening import NOTHING_FLAGGED, REMOVED, Screening, rejected, screen, screen_text
from tests.support.scripted_guard import ScriptedGuard, active


def message(role: str, *texts: str) -> llm.Message:
    return llm.Message(role=role, parts=tuple(llm.Text(text=text) for text in texts))


IMAGE = llm.Image(url="data:image/png;base64,AA==")
RESULT = llm.Message(role="tool", parts=(llm.ToolResult(call_id="c", output="a bad page"),))


async def screened(*messages: llm.Message, exempt: tuple[str, ...] = (), **rules: Any) -> Screening:
    return await screen(messages, [active(ScriptedGuard(), **rules)], exempt)


class TestWhatIsNew:
    async def test_nothing_is_flagged(self) -> None:
        found = await screened(message("system", "Be kind."), message("user", "Hello.", ""))
        assert found == NOTHING_FLAGGED
        messages = (message("user", "Hello."),)
        assert found.applied(messages) is messages

    async def test_the_request_is_refused(self) -> None:
        found = await screened(message("user", "A bad word."))
        assert found == Screening(substitutes={"A bad word.": REMOVED}, guards=("test",), refused=True)
        assert rejected().code == "content_policy_violation"

    async def test_a_sentence_is_the_answer(self) -> None:
        found = await screened(message("user", "A bad word."), action="stop", sentence="No.")
        assert (found.answer, found.guards, found.substitutes) == ("No.", ("test",), {"A bad word.": REMOVED})

    async def test_a_sentence_stands_in_place_of_the_text(self) -> None:
        messages = (llm.Message(role="user", parts=(llm.Text(text="A bad word."), IMAGE, llm.Text(text="Fine."))),)
        found = await screened(*messages, action="replace", sentence="Something rude.")
        assert found.answer is None
        [changed] = found.applied(messages)
        assert changed.parts == (llm.Text(text="Something rude."), IMAGE, llm.Text(text="Fine."))

    @pytest.mark.parametrize("role", ["user", "system", "developer"])
    async def test_whoever_says_it(self, role: str) -> None:
        assert (await screened(message(role, "A bad word."), message("user", "Hi."))).refused

    async def test_results_of_tools_are_judged(self) -> None:
        call = llm.Message(role="assistant", parts=(llm.ToolCall(call_id="c", name="f", arguments="{}"),))
        assert (await screened(message("user", "Read it."), call, RESULT)).refused
        found = await screened(message("user", "Read it."), call, RESULT, action="replace", sentence="gone")
        assert found.applied((RESULT,))[0].parts == (llm.ToolResult(call_id="c", output="gone"),)

    async def test_reasoning_that_a_client_sends_back_is_judged(self) -> None:
        thinking = llm.Message(role="assistant", parts=(), reasoning="a bad thought")
        assert (await screened(message("user", "Hi."), thinking)).refused
        found = await screened(message("user", "Hi."), thinking, action="replace", sentence="gone")
        assert [each.reasoning for each in found.applied((thinking, RESULT))] == ["gone", None]

    async def test_what_the_gateway_says_itself_is_not_judged(self) -> None:
        messages = (message("system", "No bad words."), message("user", "Hi."))
        assert (await screened(*messages)).refused
        assert not (await screened(*messages, exempt=("No bad words.",))).refused


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (("refuse", "stop"), {"refused": True}),
        (("stop", "refuse"), {"answer": "No."}),
        (("replace", "refuse"), {"refused": True}),
    ],
)
async def test_the_first_guard_that_ends_the_turn_decides_but_all_are_asked(
    actions: tuple[str, str], expected: dict[str, Any]
) -> None:
    rules = [{"name": action, "action": action, "sentence": "No."} for action in actions]
    guards = [active(ScriptedGuard(word), **each) for word, each in zip(("bad", "rude"), rules, strict=True)]
    messages = (message("user", "A bad word."), message("user", "Bad as bad can be."), message("user", "A rude word."))
    found = await screen(messages, guards, ())
    removed = [text for text, substitute in found.substitutes.items() if substitute == REMOVED]
    assert len(found.substitutes) == 3
    assert len(removed) == (1 if "replace" in actions else 3)
    assert found == Screening(substitutes=found.substitutes, guards=actions, **expected)


class TestWhatIsOlder:
    HISTORY = (message("user", "A bad word."), message("assistant", "I will not."), message("user", "Why?"))

    @pytest.mark.parametrize("action", ["refuse", "stop", "replace"])
    async def test_it_is_removed_and_leads_to_nothing(self, action: str) -> None:
        found = await screened(*self.HISTORY, action=action)
        assert found == Screening(substitutes={"A bad word.": REMOVED})
        assert found.applied(self.HISTORY)[0] == message("user", REMOVED)

    async def test_words_of_the_assistant_are_judged_too(self) -> None:
        found = await screened(message("user", "Hi."), message("assistant", "A bad word."), message("user", "What?"))
        assert found.substitutes == {"A bad word.": REMOVED}


async def test_a_guard_that_is_down_and_closed() -> None:
    async def down(_request: guard.Request) -> bool:
        raise UpstreamError("down")

    with pytest.raises(Unavailable):
        await screen((message("user", "Hi."),), [active(ScriptedGuard(judge=down))], ())
    opened = active(ScriptedGuard(judge=down), on_failure="open")
    assert await screen((message("user", "A bad word."),), [opened], ()) == NOTHING_FLAGGED


class TestTextToSpeak:
    TEXT = "This is fine. This is a bad thing, you know. Bye for now."

    @pytest.mark.parametrize(
        ("action", "expected"),
        [
            ("refuse", Screening(guards=("test",), refused=True)),
            ("stop", Screening(guards=("test",), answer="This is fine. No.")),
            ("replace", Screening(guards=("test",), answer="This is fine. No. Bye for now.")),
        ],
    )
    async def test_each_action(self, action: str, expected: Screening) -> None:
        tested = active(ScriptedGuard(), action=action, sentence="No.")
        assert await screen_text(self.TEXT, [tested]) == expected
        assert await screen_text("This is fine.", [tested]) == NOTHING_FLAGGED
