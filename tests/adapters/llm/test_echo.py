import pytest

from adapters.contract import llm
from adapters.contract.checks import read
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest, Unsupported
from adapters.llm.echo import Echo, EchoOptions


def said(role: str, *parts: llm.Part) -> llm.Message:
    return llm.Message(role=role, parts=parts)


def text(content: str) -> llm.Text:
    return llm.Text(text=content)


async def answer(*messages: llm.Message) -> list[str]:
    events = await read(Echo(EchoOptions()).stream(llm.Request(model="any", messages=messages)))
    return [event.text for event in events if isinstance(event, llm.TextDelta)]


@pytest.mark.parametrize("heard", ["hello there, world", "  two\n\nlines ", "一二三", "x"])
async def test_the_words_joined_are_what_was_heard(heard: str) -> None:
    assert "".join(await answer(said("user", text(heard)))) == heard


async def test_it_speaks_word_by_word() -> None:
    assert await answer(said("user", text("one two  three"))) == ["one", " two", "  three"]


async def test_it_repeats_the_last_thing_a_user_said() -> None:
    messages = said("user", text("first")), said("assistant", text("first")), said("caller", text("last"))
    assert await answer(*messages, said("developer", text("be brief"))) == ["last"]


@pytest.mark.parametrize(
    "last",
    [(), (said("user", text(" ")),), (said("tool", llm.ToolResult(call_id="c", output="42")),)],
)
async def test_without_text_it_says_so(last: tuple[llm.Message, ...]) -> None:
    with pytest.raises(InvalidRequest, match="no text"):
        await answer(said("system", text("be brief")), *last)


@pytest.mark.parametrize("part", [llm.Image(url="https://x/y.png"), llm.Audio(data=b"x", format="wav")])
async def test_it_takes_text_only(part: llm.Part) -> None:
    with pytest.raises(Unsupported, match="--llm_backend"):
        await answer(said("user", text("look"), part))


async def test_it_calls_no_tools() -> None:
    request = llm.Request(model="any", messages=(said("user", text("x")),), tools=(llm.Tool(name="f"),))
    with pytest.raises(Unsupported, match="--llm_backend"):
        await read(Echo(EchoOptions()).stream(request))


async def test_every_tuning_that_is_set_is_named_as_ignored() -> None:
    request = llm.Request(
        model="any",
        messages=(said("user", text("x")),),
        max_output_tokens=5,
        sampling=llm.Sampling(temperature=0.0, seed=1),
        reasoning=llm.Reasoning(effort="low", disabled=True),
    )
    events = await read(Echo(EchoOptions()).stream(request))
    assert events[0] == Started(ignored=("temperature", "seed", "max_output_tokens", "reasoning_effort"))
