"""Language models behind OpenAI's Responses API."""
