"""What every synthesiser refuses: texts that are too long, and speeds that nobody understands."""

from adapters.contract import tts
from adapters.contract.errors import InvalidRequest, TooLong

MAX_CHARACTERS = 5_000
MIN_SPEED, MAX_SPEED = 0.25, 4.0


def check_limits(request: tts.Request, adapter: str) -> None:
    """Raise ``TooLong`` for more than 5,000 characters and ``InvalidRequest`` for a speed that is not 0.25 to 4."""
    if len(request.text) > MAX_CHARACTERS:
        raise TooLong(
            f"The text has {len(request.text)} characters, more than the {MAX_CHARACTERS} allowed; split it.",
            adapter=adapter,
            param="text",
            code="string_above_max_length",
        )
    if not MIN_SPEED <= request.speed <= MAX_SPEED:
        raise InvalidRequest(
            f"The speed {request.speed!r} is out of range; take one from 0.25 to 4.", adapter=adapter, param="speed"
        )
