from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.errors import Unsupported
from adapters.llm.decoding.start_state import StartState
from adapters.llm.decoding.tool_call_parser import ToolCallParser
from adapters.llm.prompting.forced_call import forced_start

_TOOLS = (llm.Tool(name="weather", parameters={"type": "object"}), llm.Tool(name="time"))


def asked(**fields: Any) -> llm.Request:
    return llm.Request(model="m", messages=(), **fields)


_TEMPLATES = {
    "qwen": ("{% if tools %}<tool_call>{% endif %}", "{}}\n</tool_call>"),
    "coder": ("{% if tools %}<tool_call><function=x>{% endif %}", "</function>\n</tool_call>"),
    "mistral": ("{% if tools %}[AVAILABLE_TOOLS]{% endif %}[TOOL_CALLS]", "{}}]</s>"),
    "mistral 11": ("{% if tools %}[AVAILABLE_TOOLS]{% endif %}[TOOL_CALLS]x[ARGS]", "{}</s>"),
    "harmony": ("{% if tools %}<|start|>assistant<|channel|>{% endif %}", "{}<|call|>"),
    "llama": ('{% if tools %}<|python_tag|> {"name": x, "parameters": dictionary}{% endif %}', "{}}<|eot_id|>"),
    "unknown": ("{% for tool in tools %}{{ tool }}{% endfor %}", "{}}</tool_call>"),
}


@pytest.mark.parametrize(("template", "rest"), _TEMPLATES.values(), ids=_TEMPLATES.keys())
@pytest.mark.parametrize("thinks", [True, False])
class TestForced:
    def finished(self, begun: str, rest: str, *, thinks: bool) -> list[tuple[str, str, str | None]]:
        reader = ToolCallParser(StartState(inside=thinks), _TOOLS)
        events = [*reader.feed(begun), *reader.feed(rest), *reader.finish("stop")]
        assert not [event for event in events if isinstance(event, llm.TextDelta)]
        return [(e.name, e.arguments, e.invalid) for e in events if isinstance(e, llm.ToolCallFinished)]

    def test_a_named_tool_is_called(self, template: str, rest: str, thinks: bool) -> None:
        request = asked(tools=_TOOLS, tool_choice=llm.NamedTool(name="time"))
        begun = forced_start(request, template, "<|im_start|>assistant\n<think>\n" if thinks else "")
        assert begun
        assert self.finished(begun, rest, thinks=thinks) == [("time", "{}", None)]

    def test_any_tool_is_called(self, template: str, rest: str, thinks: bool) -> None:
        request = asked(tools=_TOOLS, tool_choice="required")
        one = asked(tools=_TOOLS[1:], tool_choice="required")
        named = asked(tools=_TOOLS, tool_choice=llm.NamedTool(name="time"))
        before = "<think>\n" if thinks else ""
        begun, named_begun = (
            forced_start(request, template, before),
            forced_start(named, template, before),
        )
        assert begun
        assert named_begun
        assert named_begun.startswith(f"{begun}time")
        assert forced_start(one, template, before) == named_begun

    def test_otherwise_the_choice_is_the_models(self, template: str, rest: str, thinks: bool) -> None:
        assert forced_start(asked(tools=_TOOLS, tool_choice="auto"), template, "") == ""
        assert forced_start(asked(tools=_TOOLS), template, "") == ""
        assert forced_start(asked(tools=_TOOLS, tool_choice="none"), "no word of them", "") == ""
        assert forced_start(asked(tool_choice="required"), "no word of them", "") == ""


def test_a_template_that_leaves_tools_out_is_found_out() -> None:
    with pytest.raises(Unsupported, match="takes no tools"):
        forced_start(asked(tools=_TOOLS), "{% for message in messages %}{{ message.content }}{% endfor %}", "")
