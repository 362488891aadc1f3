"""The engine ``openai``: any server with OpenAI's API for speech."""
