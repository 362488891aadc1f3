"""An engine that a test has loaded, fail to load, or lack something."""

from adapters.options import BadOption


class Loading:
    """``lacks`` is what ``preflight`` says, ``error`` what loading raises; ``lives`` notes what was done with it."""

    def __init__(self, *, lacks: str = "", error: Exception | None = None) -> None:
        self.lacks, self.error = lacks, error
        self.lives: list[str] = []

    def preflight(self) -> None:
        if self.lacks:
            raise BadOption(self.lacks)

    async def warm_up(self) -> None:
        self.lives.append("loaded")
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        self.lives.append("closed")
