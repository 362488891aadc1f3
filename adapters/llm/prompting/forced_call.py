"""Makes an answer start with a tool call, in the format of the model's chat template; pure."""

from adapters.contract import llm
from adapters.contract.errors import Unsupported
from adapters.llm import reasoning
from adapters.llm.prompting import chat_template


def forced_start(request: llm.Request, template: str, prompt: str) -> str:
    """The text that the answer must start with, so that it calls a tool; empty when the choice is the model's.

    ``template`` is the chat template and ``prompt`` what it has rendered: reasoning that it opened is closed first. The
    text is appended to the prompt before that is encoded, and read by ``OutputDecoder`` as the start of the answer.
    Raises ``Unsupported`` when the request has tools and the template takes none.
    """
    tools = chat_template.callable_tools(request)
    if not tools:
        return ""
    if not chat_template.takes_tools(template):
        raise Unsupported(
            "The chat template of this model takes no tools: leave them out, or choose a model that calls tools.",
            param="tools",
        )
    choice = request.tool_choice
    if isinstance(choice, llm.NamedTool):
        name = choice.name
    elif choice == "required":
        name = tools[0].name if len(tools) == 1 else ""
    else:
        return ""
    closing = reasoning.opened_by(prompt)
    return (f"{closing}\n\n" if closing else "") + _call_start(name, template)


def _call_start(name: str, template: str) -> str:
    """The beginning of a call in the format that ``template`` shows; without a ``name``, of a call to any tool."""
    if "<|channel|>" in template:  # Harmony
        start, named = "<|channel|>commentary to=functions.", f"{name} <|constrain|>json<|message|>"
    elif "[TOOL_CALLS]" in template and "[ARGS]" in template:
        start, named = "[TOOL_CALLS]", f"{name}[ARGS]"
    elif "[TOOL_CALLS]" in template:
        start, named = '[TOOL_CALLS][{"name": "', f'{name}", "arguments": '
    elif "<function=" in template:  # Qwen3-Coder
        start, named = "<tool_call>\n<function=", f"{name}>\n"
    elif "<tool_call>" not in template and ("<|python_tag|>" in template or '"parameters": dictionary' in template):
        start, named = '{"name": "', f'{name}", "parameters": '  # Llama 3
    else:
        start, named = '<tool_call>\n{"name": "', f'{name}", "arguments": '
    return start + named if name else start
