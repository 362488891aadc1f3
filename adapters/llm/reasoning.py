"""When a model reasons before it answers, and the tags between which models write their reasoning; pure."""

from adapters.contract import llm

# The tags that open reasoning, and the tags that close it.
TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",  # Amazon Nova
    "<thought>": "</thought>",  # EXAONE, Gemini
    "<seed:think>": "</seed:think>",  # Seed-OSS
    "<longcat_think>": "</longcat_think>",  # LongCat
    "[THINK]": "[/THINK]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi-VL
    "<|think:start|>": "<|think:end|>",
    "<|open|>think<|sep|>": "<|close|>think<|sep|>",  # Kimi K3
    "<|channel>thought": "<channel|>",  # Gemma 4
}
CLOSING_TAGS = frozenset(TAGS.values())
# An answer may mention these as ordinary markup: they open reasoning only at the beginning of an answer.
OPENING_ONLY_AT_START = frozenset(("<thinking>", "<thought>"))


def is_enabled(reasoning: llm.Reasoning) -> bool:
    """Whether a request lets the model reason."""
    return not reasoning.disabled if reasoning.effort is None else reasoning.effort != "none"


def opened_by(prompt: str) -> str | None:
    """The tag that closes the reasoning that the end of ``prompt`` has opened; ``None`` when it opened none."""
    end = prompt[-100:].rstrip()
    return next((closing for tag, closing in TAGS.items() if end.endswith(tag)), None)
