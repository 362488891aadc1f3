"""What is known of a turn while the user speaks."""


class SpokenTurn:
    """A turn that will be the item ``item_id``, with the audio from ``start_ms`` on.

    ``told``: the client knows that it is spoken. ``end_ms``: its audio ends there, and was taken for the item.
    ``deltas`` are the words so far that the client was not shown yet. ``voiced_ms`` is how long a voice was heard.
    """

    def __init__(self, item_id: str, start_ms: int) -> None:
        self.item_id = item_id
        self.start_ms = start_ms
        self.end_ms: int | None = None
        self.told = False
        self.deltas: list[str] = []
        self.voiced_ms = 0
        self._voice_since: int | None = None

    @property
    def heard(self) -> bool:
        """Whether a voice was heard: not in a turn that the client alone begins and ends."""
        return self.voiced_ms > 0 or self._voice_since is not None

    def voice_from(self, at_ms: int) -> None:
        """A voice is heard from ``at_ms`` on."""
        if self._voice_since is None:
            self._voice_since = at_ms

    def voice_to(self, at_ms: int) -> None:
        """No voice is heard from ``at_ms`` on."""
        self.voiced_ms = self.voiced_until(at_ms)
        self._voice_since = None

    def voiced_until(self, at_ms: int) -> int:
        """How long a voice was heard before ``at_ms``."""
        return self.voiced_ms + (0 if self._voice_since is None else max(0, at_ms - self._voice_since))
