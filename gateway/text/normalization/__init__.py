"""Text normalization: turns one written utterance into the words that a speaker would say."""
