"""The names of the voices of OpenAI's speech API, which clients send to any synthesiser."""

OPENAI_VOICES = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "sage",
    "shimmer",
    "verse",
    "marin",
    "cedar",
    "fable",
    "onyx",
    "nova",
)
"""The 13 names in OpenAI's API and SDKs."""
