"""What an engine in this process does with a Hugging Face tokenizer: render the chat template, decode tokens."""

import copy
from typing import Any

from adapters.contract import llm
from adapters.llm.prompting import chat_template


class ChatTokenizer:
    """The ``tokenizer`` of a model of the engine ``adapter``; ``template`` replaces its own chat template if given.

    ``ends`` are the tokens that end an answer, ``special`` the names of the special tokens that no ordinary text
    contains. With ``images``, messages are written for a processor.
    """

    def __init__(
        self, tokenizer: Any, adapter: str, *, ends: tuple[int, ...], template: str | None = None, images: bool = False
    ) -> None:
        self._tokenizer = tokenizer
        self._adapter = adapter
        self._template = template
        self._images = images
        self.ends = ends
        # For the event loop, which decodes while threads encode: one tokenizer cannot do both ("Already borrowed").
        self._decoder = copy.deepcopy(tokenizer)
        added = (token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
        self.special = frozenset(filter(_is_distinct, (*tokenizer.all_special_tokens, *added)))

    def decode(self, tokens: list[int]) -> str:
        """The text of ``tokens``, with special tokens and with spaces untouched; called on the event loop only."""
        text: str = self._decoder.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def render(self, request: llm.Request) -> str:
        """The prompt for ``request``. Raises ``InvalidRequest`` when the template refuses it, and ``Unsupported``."""
        messages = chat_template.messages(request, images=self._images, special=self.special)
        try:
            return self._apply(messages, request)
        except Exception as error:
            single = chat_template.single_calls(messages)
            if single is None:
                raise chat_template.template_error(error, self._adapter) from error
        try:
            return self._apply(single, request)
        except Exception as error:
            raise chat_template.template_error(error, self._adapter) from error

    def _apply(self, messages: list[dict[str, Any]], request: llm.Request) -> str:
        text: str = self._tokenizer.apply_chat_template(
            messages,
            chat_template=self._template,
            tools=chat_template.tools(request),
            add_generation_prompt=True,
            tokenize=False,
            **chat_template.template_options(request),
        )
        return text


def _is_distinct(token: str) -> bool:
    """Whether a special token can be told from ordinary text by its name: some are plain letters or spaces."""
    return len(token) > 2 and not token.replace(" ", "").isalnum()
