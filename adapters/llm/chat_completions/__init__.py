"""Language models behind OpenAI's Chat Completions API."""
