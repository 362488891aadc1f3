"""Whatever a history is, its normal form is one that the strictest reader takes, and nothing of it is lost."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from adapters.contract import llm
from gateway.conversation.conversation import Conversation, opened
from gateway.conversation.normal_form import (
    EMPTY_RESULT,
    GO_ON,
    INTERRUPTED,
    NOT_ANSWERED,
    NOTHING_SAID,
    has_content,
    normal_form,
)

OPAQUE = llm.Opaque(route="r", data={})


def said(role: str, *texts: str) -> llm.Message:
    return llm.Message(role=role, parts=tuple(llm.Text(text=text) for text in texts))


def call(*call_ids: str, name: str = "clock", text: str | None = None) -> llm.Message:
    parts: list[llm.Part] = [] if text is None else [llm.Text(text=text)]
    parts += [llm.ToolCall(call_id=call_id, name=name, arguments="{}") for call_id in call_ids]
    return llm.Message(role="assistant", parts=tuple(parts))


def result(call_id: str, output: str = "noon") -> llm.Message:
    return llm.Message(role="tool", parts=(llm.ToolResult(call_id=call_id, output=output),))


U, A, S = said("user", "u"), said("assistant", "a"), said("system", "s")

CASES: dict[str, tuple[Sequence[llm.Message], Sequence[llm.Message]]] = {
    "what is lawful stays": (
        [S, U, call("1", "2"), result("1"), result("2"), A, U],
        [S, U, call("1", "2"), result("1"), result("2"), A, U],
    ),
    "several rounds of calls stay": (
        [U, call("1"), result("1"), call("2", text="b"), result("2")],
        [U, call("1"), result("1"), call("2", text="b"), result("2")],
    ),
    "a user after a result": (
        [U, call("1"), result("1"), said("user", "v")],
        [U, call("1"), result("1"), said("assistant", INTERRUPTED), said("user", "v")],
    ),
    "a call that got no result": (
        [U, call("1", "2"), result("2"), A, U],
        [U, call("1", "2"), result("1", NOT_ANSWERED), result("2"), A, U],
    ),
    "an empty result": ([U, call("1"), result("1", " \n")], [U, call("1"), result("1", EMPTY_RESULT)]),
    "results out of order": (
        [U, call("1", "2"), result("2", "b"), result("1", "a")],
        [U, call("1", "2"), result("1", "a"), result("2", "b")],
    ),
    "two results of one call": (
        [U, call("1"), result("1", "a"), result("1", "b")],
        [U, call("1"), result("1", "a\nb")],
    ),
    "a user who spoke before the result came": (
        [U, call("1"), said("user", "v"), result("1")],
        [U, call("1"), result("1"), said("assistant", INTERRUPTED), said("user", "v")],
    ),
    "a result that comes after a later answer": (
        [U, call("1"), U, A, result("1")],
        [
            *[U, call("1"), result("1", NOT_ANSWERED), said("assistant", INTERRUPTED), U, A],
            said("user", "Result of the tool clock: noon"),
        ],
    ),
    "a result without a call": ([result("9"), U], [said("user", "Result of a tool: noon", "u")]),
    "two users": ([said("user", "a"), said("user", "b")], [said("user", "a", "b")]),
    "two assistants": ([U, A, said("assistant", "b"), U], [U, said("assistant", "a", "b"), U]),
    "a text and its calls in two messages": (
        [U, A, call("1"), call("2"), result("1"), result("2")],
        [
            U,
            llm.Message(role="assistant", parts=(*A.parts, *call("1", "2").parts)),
            result("1"),
            result("2"),
        ],
    ),
    "white space alone": (
        [S, said("user", "u", "  "), said("assistant", " \n"), said("user", "v")],
        [S, said("user", "u", "v")],
    ),
    "an assistant that said nothing": (
        [U, llm.Message(role="assistant", parts=(OPAQUE,)), llm.Message(role="assistant", parts=()), U],
        [said("user", "u", "u")],
    ),
    "what a provider wants back stays with what it belongs to": (
        [U, llm.Message(role="assistant", parts=(*call("1").parts, OPAQUE), reasoning="hm"), result("1")],
        [U, llm.Message(role="assistant", parts=(*call("1").parts, OPAQUE), reasoning="hm"), result("1")],
    ),
    "system messages anywhere": (
        [said("developer", "d"), S, U, A, said("system", "t"), U],
        [said("developer", "d", "s", "t"), U, A, U],
    ),
    "a prompt in the role of the user": ([said("user", "Be brief."), U], [said("user", "Be brief.", "u")]),
    "a greeting": ([S, A, U], [S, said("user", NOTHING_SAID), A, U]),
    "an assistant at the end": ([U, A], [U, A, said("user", GO_ON)]),
    "nothing at all": ([], [said("user", NOTHING_SAID)]),
    "two calls of one id": (
        [U, call("1", "1"), result("1", "a"), result("1", "b"), call("1"), result("1", "c")],
        [U, call("1", "1_2"), result("1", "a"), result("1_2", "b"), call("1_3"), result("1_3", "c")],
    ),
    "a call without an id": ([U, call(""), result("")], [U, call("call"), result("call")]),
    "a name that no provider takes": (
        [U, call("1", name="get weather.now!"), result("1")],
        [U, call("1", name="get_weather_now_"), result("1")],
    ),
    "a call without a name": ([U, call("1", name=""), result("1")], [U, call("1", name="unknown"), result("1")]),
}


@pytest.mark.parametrize("case", CASES)
def test_every_fault_has_one_remedy(case: str) -> None:
    history, expected = CASES[case]
    assert normal_form(history) == tuple(expected)


def test_added_messages_have_the_role_of_the_users() -> None:
    assert normal_form([A], user_role="human") == (said("human", NOTHING_SAID), A, said("human", GO_ON))
    assert normal_form([said("human", "h"), said("user", "u")], user_role="human") == (said("human", "h", "u"),)


def test_a_model_that_knows_no_calls_is_told_of_them() -> None:
    history = [U, call("1", text="a"), result("1"), call("2"), result("2"), A, U]
    told = ("The tool clock was called with {}.", "Result of the tool clock: noon")
    assert normal_form(history, calls=False) == (U, A, said("user", *told, *told), A, U)


def test_a_name_among_the_tools_of_the_request_is_not_touched() -> None:
    history = [U, call("1", name="files.read"), result("1")]
    assert normal_form(history, tools=["files.read"]) == tuple(history)


def test_very_many_messages_take_no_longer_for_each() -> None:
    """With work that grows with the square of them, this takes minutes."""
    history = [U, call(*["1"] * 20_000), *[result("1")] * 20_000, *[A, S, U] * 20_000]
    assert len(normal_form(history)) == 3 + 20_000 + 40_000


TEXTS = st.sampled_from(["", " ", "\n\t", "\u3000"]) | st.integers(0, 10**9).map(lambda number: f"<{number}>")
IDS = st.sampled_from(["", "a", "b", "a_2"])
CALLS = st.builds(llm.ToolCall, call_id=IDS, name=st.sampled_from(["", "f", "g h"]), arguments=st.just("{}"))
RESULTS = st.builds(llm.ToolResult, call_id=IDS, output=TEXTS)
IMAGES = st.builds(llm.Image, url=st.integers(0, 10**9).map(lambda number: f"https://example.com/{number}"))
ROLES = st.sampled_from(["system", "developer", "user", "human", "assistant", "tool"])
ANY_MESSAGE = st.builds(
    llm.Message,
    role=ROLES,
    parts=st.lists(st.builds(llm.Text, text=TEXTS) | CALLS | RESULTS | IMAGES | st.just(OPAQUE), max_size=3).map(tuple),
)
HISTORIES = st.lists(ANY_MESSAGE, max_size=12)

MODEST = settings(derandomize=True, max_examples=200, deadline=None, database=None)


def check(messages: Sequence[llm.Message]) -> None:
    """Assert all that any provider asks of a prompt."""
    loose = list(messages)
    if loose[0].role in {"system", "developer"}:
        loose.pop(0)
    called: set[str] = set()
    waiting: list[str] = []
    role = "start"
    for message in loose:
        assert message.role in {"user", "human", "assistant", "tool"}
        assert has_content(message)
        assert all(part.text.strip() for part in message.parts if isinstance(part, llm.Text))
        speaker = "user" if message.role == "human" else message.role
        if speaker == "tool":
            (part,) = message.parts
            assert isinstance(part, llm.ToolResult)
            assert waiting.pop(0) == part.call_id
            assert part.output.strip()
        else:
            assert not waiting, "every call is answered before anybody speaks"
            follows = {"start": {"user"}, "user": {"assistant"}, "assistant": {"user"}, "tool": {"assistant"}}
            assert speaker in follows[role]
        for part in message.parts:
            if isinstance(part, llm.ToolCall):
                assert speaker == "assistant"
                assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", part.name)
                assert part.call_id not in called
                called.add(part.call_id)
                waiting.append(part.call_id)
            assert not isinstance(part, llm.Image) or speaker == "user"
        role = speaker
    assert not waiting
    assert role in {"user", "tool"}


def contents(messages: Sequence[llm.Message]) -> str:
    return repr([part for message in messages for part in message.parts])


def check_nothing_is_lost(before: Sequence[llm.Message], after: Sequence[llm.Message]) -> None:
    written = contents(after)
    for found in re.findall(r"<\d+>|https://example.com/\d+", contents(before)):
        assert found in written
    assert written.count("ToolCall(") == contents(before).count("ToolCall(")


@MODEST
@given(HISTORIES)
def test_any_history_becomes_lawful_and_loses_nothing(history: list[llm.Message]) -> None:
    form = normal_form(history)
    check(form)
    check_nothing_is_lost(history, form)
    assert normal_form(form) == form


class Talk:
    """A conversation that people, models and tools use in every way, and what it should still hold."""

    def __init__(self) -> None:
        self.conversation = Conversation(id="c")
        self.number = 0

    def text(self, role: str) -> llm.Message:
        self.number += 1
        return said(role, f"<{self.number}>")

    def do(self, action: str) -> None:
        conversation = self.conversation
        match action:
            case "turn":
                self.conversation = conversation.after((self.text("user"), self.text("assistant")))
            case "unheard":
                self.conversation = conversation.after((self.text("user"),))
            case "blank":
                self.conversation = conversation.after((self.text("user"), said("assistant", " ")))
            case "calls":
                self.number += 1
                calls = call(f"c{self.number}", f"d{self.number}")
                self.conversation = conversation.after((self.text("user"), calls))
            case "some results" | "all results":
                given = self._open_calls()[: 1 if action == "some results" else None]
                self.conversation = conversation.with_results(tuple(result(call_id) for call_id in given))
            case "answer to results":
                self.conversation = conversation.after((self.text("assistant"),))
            case "evict":
                self.conversation = conversation.without(1)
            case "compact":
                self.conversation = Conversation(id="c", summary="<0>", turns=conversation.turns[1:])
            case "outright":
                history = (self.text("system"), self.text("assistant"), self.text("user"), self.text("system"))
                self.conversation = opened(Conversation(id="c"), history)

    def _open_calls(self) -> list[str]:
        last = self.conversation.turns[-1].messages[-1] if self.conversation.turns else said("user")
        return [part.call_id for part in last.parts if isinstance(part, llm.ToolCall)]


ACTIONS = (
    *("turn", "unheard", "blank", "calls", "some results", "all results"),
    *("answer to results", "evict", "compact", "outright"),
)


@MODEST
@given(st.lists(st.sampled_from(ACTIONS), max_size=14), st.sampled_from(["system", "user", None]))
def test_any_course_of_a_conversation_can_go_on(actions: list[str], prompt_role: str | None) -> None:
    talk = Talk()
    for action in actions:
        talk.do(action)
        prompt = None if prompt_role is None else said(prompt_role, "Be brief.")
        before = (
            *talk.conversation.beginning(prompt, prompt_role or "system"),
            *(message for turn in talk.conversation.turns for message in turn.messages),
        )
        question = said("user", "and now?")
        form = normal_form((*before, question))
        check(form)
        check_nothing_is_lost(before, form)
        if form[-1] == question:  # not joined to what was said before
            longer = normal_form((*before, question, said("assistant", "well"), said("user", "good")))
            assert longer[: len(form)] == form, "a prompt cache holds"


def refuse(message: str) -> None:
    raise TemplateError(message)


def rendered(template: str, messages: Sequence[llm.Message]) -> str:
    """The messages through a chat template, as transformers renders them."""
    text: str = compiled(template).render(messages=[wire(message) for message in messages])
    return text


@cache
def compiled(template: str) -> Template:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = refuse
    return environment.from_string(template)


def wire(message: llm.Message) -> dict[str, Any]:
    content = "\n".join(part.text for part in message.parts if isinstance(part, llm.Text))
    calls = [{"name": part.name, "id": part.call_id} for part in message.parts if isinstance(part, llm.ToolCall)]
    results = [part.output for part in message.parts if isinstance(part, llm.ToolResult)]
    return {"role": message.role, "content": content or "".join(results)} | ({"tool_calls": calls} if calls else {})


# Each is written after the rules that the template of that family enforces, with as little markup as shows the text.
TEMPLATES = {
    "Mistral: users and assistants alternate, calls and results not counted": """
        {%- set start = 1 if messages[0].role == "system" else 0 %}
        {%- set turn = namespace(number=0) %}
        {{- messages[0].content if start }}
        {%- for message in messages[start:] %}
            {%- if message.role not in ["user", "assistant", "tool"] %}{{ raise_exception("unknown role") }}{% endif %}
            {%- if message.role != "tool" and message.tool_calls is not defined %}
                {%- if (message.role == "user") != (turn.number % 2 == 0) %}{{ raise_exception("order") }}{% endif %}
                {%- set turn.number = turn.number + 1 %}
            {%- endif %}
            {%- if not message.content and message.tool_calls is not defined %}{{ raise_exception("empty") }}{% endif %}
            {{- "[" ~ message.role ~ "]" ~ message.content }}
        {%- endfor %}""",
    "Mistral's API: which role may follow which": """
        {%- set after = {
            "start": ["system", "user"], "system": ["user", "assistant"], "user": ["assistant"],
            "assistant": ["user", "tool"], "tool": ["assistant", "tool"],
        } %}
        {%- set last = namespace(role="start", calls=0) %}
        {%- for message in messages %}
            {%- if message.role not in after[last.role] %}{{ raise_exception(message.role ~ last.role) }}{% endif %}
            {%- if message.role == "tool" %}
                {%- set last.calls = last.calls - 1 %}
            {%- elif last.calls != 0 %}{{ raise_exception("not as many results as calls") }}
            {%- endif %}
            {%- if message.tool_calls is defined %}{% set last.calls = message.tool_calls | length %}{% endif %}
            {%- set last.role = message.role %}
            {{- message.content }}
        {%- endfor %}
        {%- if last.role not in ["user", "tool"] %}{{ raise_exception("the last is not the user's") }}{% endif %}""",
    "Qwen 3.5: a system message is the first, and somebody asks": """
        {%- set asked = namespace(found=false) %}
        {%- for message in messages %}
            {%- if message.role == "system" and not loop.first %}{{ raise_exception("system is not first") }}{% endif %}
            {%- if message.role == "user" %}{% set asked.found = true %}{% endif %}
            {{- message.content }}
        {%- endfor %}
        {%- if not asked.found %}{{ raise_exception("no user query") }}{% endif %}""",
}

WITHOUT_TOOLS = """
    {%- set start = 1 if messages[0].role == "system" else 0 %}
    {{- messages[0].content if start }}
    {%- for message in messages[start:] %}
        {%- if (message.role == "user") != (loop.index0 % 2 == 0) %}{{ raise_exception("alternate") }}{% endif %}
        {{- message.content | trim }}
    {%- endfor %}"""
"""As Gemma and Llama 2 do it."""


@pytest.mark.parametrize("family", TEMPLATES)
@MODEST
@given(HISTORIES)
def test_strict_chat_templates_take_it(family: str, history: list[llm.Message]) -> None:
    plain = [
        llm.Message(role=message.role.replace("developer", "system").replace("human", "user"), parts=message.parts)
        for message in history
    ]
    form = [
        llm.Message(role=message.role, parts=(*message.parts, llm.Text(text="(picture)")))
        if any(isinstance(part, llm.Image) for part in message.parts)
        else message
        for message in normal_form(plain)
    ]
    written = rendered(TEMPLATES[family], form)
    for message in plain:
        for part in message.parts:
            assert not isinstance(part, llm.Text) or part.text.strip() in written


@MODEST
@given(HISTORIES)
def test_the_strictest_template_without_tools_takes_it(history: list[llm.Message]) -> None:
    plain = [
        llm.Message(role=message.role.replace("developer", "system").replace("human", "user"), parts=message.parts)
        for message in history
    ]
    form = normal_form(plain, calls=False)
    rendered(WITHOUT_TOOLS, form)
    assert "ToolCall(" not in contents(form)
    assert normal_form(form, calls=False) == form
    for found in re.findall(r"<\d+>", contents(plain)):
        assert found in contents(form)


def test_the_templates_are_strict() -> None:
    wrong = [U, U], [U, call("1"), result("1"), U], [U, A, S, U]
    for history, family in zip(wrong, TEMPLATES, strict=True):
        with pytest.raises(TemplateError):
            rendered(TEMPLATES[family], history)
    with pytest.raises(TemplateError):
        rendered(WITHOUT_TOOLS, [U, U])
