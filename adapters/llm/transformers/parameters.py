"""Which generation parameters of transformers have an effect here; imports nothing heavy."""

SUPPORTED = frozenset(
    (
        "bad_words_ids",
        "begin_suppress_tokens",
        "epsilon_cutoff",
        "eta_cutoff",
        "exponential_decay_length_penalty",
        "forced_bos_token_id",
        "forced_eos_token_id",
        "min_length",
        "min_p",
        "no_repeat_ngram_size",
        "remove_invalid_values",
        "renormalize_logits",
        "repetition_penalty",
        "sequence_bias",
        "suppress_tokens",
        "top_h",
        "top_k",
        "top_p",
        "typical_p",
        "watermarking_config",
    )
)
"""The parameters that affect which token is chosen; the others are about beams, assistants, caches and results."""

PENALTIES = frozenset(("frequency_penalty", "presence_penalty"))
"""OpenAI's parameters, which transformers does not have."""

ADDED = (*sorted(PENALTIES), "seed", "stop_strings")
"""Further parameters that are supported here, and are not in every ``GenerationConfig``."""
