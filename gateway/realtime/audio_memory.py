"""The audio that all sessions of this process keep, within one bound: what each may keep alone is much together."""

from adapters.contract.errors import TooLong


class AudioMemory:
    """Room for ``megabytes`` of audio; half is kept for what is not committed yet: else nobody could speak any more.

    There the newest turn of a session stays as well that a model is to hear and that finds no other room.
    """

    def __init__(self, megabytes: int) -> None:
        self._megabytes = megabytes
        self.free = megabytes * 1024 * 1024
        """Bytes that are left."""
        self._reserve = self.free // 2

    @property
    def spare(self) -> int:
        """Bytes that are left for recordings of what is over; negative where some are in the other half."""
        return self.free - self._reserve

    def take(self, size: int) -> None:
        """Take ``size`` bytes, or give them back when negative. Raises ``TooLong`` when they are not left."""
        if size > self.free:
            raise TooLong(
                f"All sessions together keep {self._megabytes} megabytes of audio, which is the most; commit or clear "
                "yours, or try again shortly.",
                param="audio",
                code="input_audio_buffer_full",
            )
        self.free -= size
