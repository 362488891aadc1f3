"""The documented generation parameters mean what their documentation says."""

import msgspec

from adapters.contract import llm
from adapters.llm.local_options import GenerationParameters
from adapters.llm.prompting.generation_settings import settings_for


def test_the_documented_defaults_are_those_that_hold() -> None:
    used = settings_for(llm.Request(model="m", messages=()), {})
    assert msgspec.structs.asdict(GenerationParameters()).items() <= msgspec.structs.asdict(used).items()
