"""Requests to a language model, and what the events of its answers say."""

from collections.abc import Sequence
from typing import Any

from adapters.contract import llm
from adapters.contract.checks import llm_grammar, read
from tests.models.training_data import SYSTEM, TOOL

SWITCH = llm.Tool(name=TOOL["name"], description=TOOL["description"], parameters=TOOL["parameters"])


def message(role: str, text: str) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=text),))


def request(*messages: str | llm.Message, **fields: Any) -> llm.Request:
    """A request without reasoning; texts are the user's. It begins with the system prompt of the tiny Qwen3."""
    asked = tuple(message("user", each) if isinstance(each, str) else each for each in messages)
    fields = {"reasoning": llm.Reasoning(disabled=True)} | fields
    return llm.Request(model="m", messages=(message("system", SYSTEM), *asked), **fields)


async def answer(engine: llm.LanguageModel, asked: llm.Request) -> Sequence[Any]:
    """Every event of an answer, checked against the contract's grammar."""
    events = await read(engine.stream(asked))
    llm_grammar(events)
    return events


def text_of(events: Sequence[Any]) -> str:
    return "".join(event.text for event in events if isinstance(event, llm.TextDelta))


def reasoning_of(events: Sequence[Any]) -> str:
    return "".join(event.text for event in events if isinstance(event, llm.ReasoningDelta))


def calls_of(events: Sequence[Any]) -> list[llm.ToolCallFinished]:
    return [event for event in events if isinstance(event, llm.ToolCallFinished)]


def end_of(events: Sequence[Any]) -> llm.Finished:
    assert isinstance(events[-1], llm.Finished)
    return events[-1]


def usage_of(events: Sequence[Any]) -> llm.Usage:
    usage = end_of(events).usage
    assert usage is not None
    return usage


def open_answers(engine: Any) -> int:
    """How many answers the thread of a local engine is generating."""
    return len(engine._thread._readers)
