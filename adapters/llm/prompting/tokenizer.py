"""What a backend in this process does with a tokenizer of Hugging Face's: render the chat template, read tokens."""

import copy
from typing import Any

from adapters.contract import llm
from adapters.llm.prompting import chat_template


class ChatTokenizer:
    """The ``tokenizer`` of a model of the engine ``adapter``, with another chat ``template`` than its own if given.

    ``ends`` are the tokens that end an answer, ``special`` the names of those that are no text. With ``images``
    messages are written for a processor.
    """

    def __init__(
        self, tokenizer: Any, adapter: str, *, ends: tuple[int, ...], template: str | None = None, images: bool = False
    ) -> None:
        self._tokenizer = tokenizer
        self._adapter = adapter
        self._template = template
        self._images = images
        self.ends = ends
        # For the event loop, which decodes while other threads encode: one cannot do both ("Already borrowed").
        self._decoder = copy.deepcopy(tokenizer)
        added = (token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
        self.special = frozenset((*tokenizer.all_special_tokens, *added))

    def decode(self, tokens: list[int]) -> str:
        """The text of ``tokens``, special ones included; called on the event loop only."""
        text: str = self._decoder.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def rendered(self, request: llm.Request) -> str:
        """The prompt for ``request``. Raises ``InvalidRequest`` when the template refuses it, and ``Unsupported``."""
        messages = chat_template.messages(request, images=self._images, special=self.special)
        try:
            text: str = self._tokenizer.apply_chat_template(
                messages,
                chat_template=self._template,
                tools=chat_template.tools(request),
                add_generation_prompt=True,
                tokenize=False,
                **chat_template.template_options(request),
            )
        except Exception as error:
            raise chat_template.refused(error, self._adapter) from error
        return text
