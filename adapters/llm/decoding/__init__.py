"""From the text of a model to the events of the contract: reasoning, tool calls, special tokens, stop strings."""
