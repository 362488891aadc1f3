"""The documented generation parameters mean what their documentation says."""

import msgspec

from adapters.contract import llm
from adapters.llm.generation import generation
from adapters.llm.local import GenerationParameters


def test_the_documented_defaults_are_those_that_hold() -> None:
    used = generation({}, llm.Request(model="m", messages=()))
    assert msgspec.structs.asdict(GenerationParameters()).items() <= msgspec.structs.asdict(used).items()
