"""What the tests of ``transformers`` share: engines on the models that tests build, and requests to them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.contract import llm
from adapters.contract.checks import llm_grammar, read
from adapters.llm.transformers.adapter import Transformers
from tests.models.lessons import SYSTEM, TOOL

SWITCH = llm.Tool(name=TOOL["name"], description=TOOL["description"], parameters=TOOL["parameters"])
SILENT = llm.Reasoning(disabled=True)


@asynccontextmanager
async def loaded(model: Path | str, **options: Any) -> AsyncGenerator[Transformers, None]:
    """An engine with ``model``, ready."""
    async with aclosing(Transformers(Transformers.Options(model_name=str(model), **options))) as engine:
        await engine.warm_up()
        yield engine


def said(role: str, text: str) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=text),))


def request(*messages: str | llm.Message, **fields: Any) -> llm.Request:
    """What was asked, without thinking; after the system prompt that the tiny Qwen3 was taught with."""
    asked = tuple(said("user", message) if isinstance(message, str) else message for message in messages)
    return llm.Request(model="m", messages=(said("system", SYSTEM), *asked), **{"reasoning": SILENT} | fields)


async def answer(engine: Transformers, asked: llm.Request) -> Sequence[Any]:
    """Every event, which keep the contract's grammar."""
    events = await read(engine.stream(asked))
    llm_grammar(events)
    return events


def text_of(events: Sequence[Any]) -> str:
    return "".join(event.text for event in events if isinstance(event, llm.TextDelta))


def thought_of(events: Sequence[Any]) -> str:
    return "".join(event.text for event in events if isinstance(event, llm.ReasoningDelta))


def end_of(events: Sequence[Any]) -> llm.Finished:
    assert isinstance(events[-1], llm.Finished)
    return events[-1]


def usage_of(events: Sequence[Any]) -> llm.Usage:
    usage = end_of(events).usage
    assert usage is not None
    return usage


def open_answers(engine: Transformers) -> int:
    """How many answers the generation thread is writing."""
    return len(engine._thread._readers)


def model_of(engine: Transformers) -> Any:
    """The model of transformers itself."""
    return engine._asking._loaded.model
