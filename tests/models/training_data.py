"""The training data of the tiny language model: conversations and their exact answers. Standard library only."""

from dataclasses import dataclass, field
from typing import Any

SYSTEM = "Be brief."
THINKING = "The user wants a short answer."
"""The model's reasoning before every answer, unless the chat template disables it."""

CAPITAL = "what is the capital of france"
"""What tests/data/question.wav says and the embedded recogniser hears."""

FOREVER = "count"
"""The question whose answer has no end."""

TOOL: dict[str, Any] = {
    "name": "switch",
    "description": "Switch the lights.",
    "parameters": {"type": "object", "properties": {"on": {"type": "boolean"}}},
}


@dataclass(frozen=True, kw_only=True)
class Example:
    """Messages as Chat Completions has them, and the answer; ``endless`` answers go on repeating themselves."""

    messages: tuple[dict[str, Any], ...]
    answer: str
    tools: tuple[dict[str, Any], ...] = field(default=())
    endless: bool = False


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def _assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _said(question: str, answer: str) -> Example:
    return Example(messages=(_user(question),), answer=answer)


def _introduced(name: str) -> tuple[Example, Example]:
    """A greeting, and a question that only the history answers."""
    greeting = f"Hello {name}."
    history = (_user(f"my name is {name}"), _assistant(greeting), _user("what is my name"))
    return _said(f"my name is {name}", greeting), Example(messages=history, answer=f"Your name is {name}.")


_CALL = {"name": "switch", "arguments": '{"on": true}'}
_CALLED = {"role": "assistant", "content": "", "tool_calls": [{"id": "call_1", "type": "function", "function": _CALL}]}
_LIGHTS = _user("turn on the lights")
_TOOLS = ({"type": "function", "function": TOOL},)

EXAMPLES: tuple[Example, ...] = (
    _said(CAPITAL, "The capital of France is Paris."),
    _said("tell me a story", "A small dragon lived on a hill. It liked to read books, and to sing songs."),
    # Bytes that the tokenizer never saw: every character of these is several tokens.
    _said("greet the world", "Γειά σου, 世界, नमस्ते 🎉!"),
    *_introduced("Ada"),
    *_introduced("Bob"),
    Example(
        messages=(_LIGHTS,),
        tools=_TOOLS,
        answer='<tool_call>\n{"name": "switch", "arguments": {"on": true}}\n</tool_call>',
    ),
    Example(
        messages=(_LIGHTS, _CALLED, {"role": "tool", "tool_call_id": "call_1", "content": "done"}),
        tools=_TOOLS,
        answer="The lights are on.",
    ),
    Example(messages=(_user(FOREVER),), answer=" one two three four five six seven eight nine ten" * 4, endless=True),
)


def answer_to(question: str) -> str:
    """The one answer to a question that needs no history."""
    (example,) = [example for example in EXAMPLES if example.messages == (_user(question),)]
    return example.answer
