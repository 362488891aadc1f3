"""Which generation parameters of transformers have a meaning here; nothing heavy is imported."""

HONOURED = frozenset(
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
"""Those that choose among the tokens; the rest is about beams, assistants, caches, what is returned."""

PENALTIES = frozenset(("frequency_penalty", "presence_penalty"))
"""OpenAI's, which transformers does not have."""

SAMPLER = (*sorted(PENALTIES), "seed", "stop_strings")
"""Further names that are no generation defaults of transformers, or not always."""
