"""The recogniser ``openai``: a server with OpenAI's API for transcriptions."""
