"""Builds a Qwen3 of about 100,000 parameters and trains it until it reproduces its training data; takes seconds."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from tests.models.training_data import EXAMPLES, SYSTEM, THINKING, Example

_MOST_STEPS = 1500
_GOOD_LOSS = 0.005
_END = "<|im_end|>"
_PADDING = "<|endoftext|>"
_IGNORED = -100  # the label of tokens that are not learned
_CONTEXT = 4096  # tokens

# Qwen3's own in small: the markers are the ones by which servers know how to read thinking and tool calls.
_CHAT_TEMPLATE = """\
{%- if tools %}<|im_start|>tools
{% for tool in tools %}{{ tool.function.name }}
{% endfor %}<|im_end|>
{% endif -%}
{%- for message in messages %}<|im_start|>{{ message.role }}
{% if message.tool_calls %}
{%- for tool_call in message.tool_calls %}
{%- if tool_call.function %}{% set tool_call = tool_call.function %}{% endif -%}
<tool_call>
{"name": "{{ tool_call.name }}", "arguments": {% if tool_call.arguments is string %}{{ tool_call.arguments }}\
{% else %}{{ tool_call.arguments | tojson }}{% endif %}}
</tool_call>
{%- endfor %}
{%- else %}{{ message.content }}{% endif %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and enable_thinking is false %}<think>

</think>

{% endif %}
{%- endif %}"""


def _tokenizer() -> Any:
    """Byte-level, so that it can encode any text, with whole words for the training data in plain ASCII."""
    asked = [message["content"] for example in EXAMPLES for message in example.messages]
    texts = [text for text in (SYSTEM, THINKING, *asked, *(example.answer for example in EXAMPLES)) if text.isascii()]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=[_PADDING, "<|im_start|>", _END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    # Like Qwen3's: one token each, and part of the text that a server decodes.
    tokenizer.add_tokens(["<think>", "</think>", "<tool_call>", "</tool_call>"])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=_END, pad_token=_PADDING, chat_template=_CHAT_TEMPLATE
    )


def _model(tokenizer: Any) -> Any:
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=_CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen3ForCausalLM(config)
    model.generation_config.do_sample = False
    return model


def _prompt(tokenizer: Any, example: Example, *, thinking: bool) -> list[int]:
    encoded = tokenizer.apply_chat_template(
        [{"role": "system", "content": SYSTEM}, *example.messages],
        tools=list(example.tools) or None,
        add_generation_prompt=True,
        enable_thinking=thinking,
        return_dict=True,
    )
    return list(encoded["input_ids"])


def _rows(tokenizer: Any) -> list[tuple[list[int], list[int]]]:
    """Every example with and without thinking, as token ids: what is asked, what is answered."""
    rows = []
    for example in EXAMPLES:
        for thinking in (False, True):
            before = f"<think>\n{THINKING}\n</think>\n\n" if thinking else ""
            answer = tokenizer(before + example.answer, add_special_tokens=False)["input_ids"]
            end = [] if example.endless else [tokenizer.eos_token_id]
            rows.append((_prompt(tokenizer, example, thinking=thinking), answer + end))
    return rows


def _train(model: Any, rows: list[tuple[list[int], list[int]]], padding: int) -> None:
    longest = max(len(asked) + len(answered) for asked, answered in rows)
    tokens = torch.full((len(rows), longest), padding)
    labels = torch.full((len(rows), longest), _IGNORED)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for row, (asked, answered) in enumerate(rows):
        end = len(asked) + len(answered)
        tokens[row, :end] = torch.tensor(asked + answered)
        labels[row, len(asked) : end] = torch.tensor(answered)
        mask[row, :end] = 1
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.0)
    model.train()
    for _ in range(_MOST_STEPS):
        loss = model(input_ids=tokens, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if loss.item() < _GOOD_LOSS:
            break
    model.eval()


def _exact(model: Any, asked: list[int], answered: list[int]) -> bool:
    written = model.generate(torch.tensor([asked]), max_new_tokens=len(answered))[0][len(asked) :]
    return bool(written.tolist() == answered)


def build(folder: Path) -> tuple[Any, Any]:
    """Write the trained model into ``folder`` in transformers' format; the model and its tokenizer.

    Raises ``AssertionError`` when an answer is not exact.
    """
    tokenizer = _tokenizer()
    model = _model(tokenizer)
    rows = _rows(tokenizer)
    _train(model, rows, tokenizer.pad_token_id)
    wrong = [tokenizer.decode(asked) for asked, answered in rows if not _exact(model, asked, answered)]
    assert not wrong, "\n".join(["not answered as taught:", *wrong])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model, tokenizer
