"""Estimates what of the spoken answers a client has played, and so what its user can have heard."""

import msgspec

from gateway.pipeline.playhead import SpokenText
from gateway.realtime.protocol.session_config import AudioOutput


class Interrupted(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was broken off; ``rest`` of what was written was not heard."""

    rest: str
    output: AudioOutput


class SpokenItem:
    """The audio of one answer that was sent: how long it plays, and what text is spoken in it."""

    def __init__(self) -> None:
        self._text = SpokenText()
        self.sent_ms = 0.0

    def sent(self, ms: float, begins: str | None) -> None:
        """``ms`` more audio were sent; with ``begins`` the utterance of that text begins."""
        if begins is not None or not self.sent_ms:
            if self.sent_ms:
                self._text.complete()
            self._text.begin(begins or "")
        self._text.made(ms / 1000)
        self.sent_ms += ms

    def finish(self) -> None:
        """All audio of the answer was sent."""
        if self.sent_ms:
            self._text.complete()

    def text_within(self, ms: float) -> str:
        """The text that is spoken in the first ``ms``."""
        return self._text.within(ms / 1000)


class PlaybackEstimate:
    """The client is taken to play what it is sent one after the other, without a break while something is left.

    Times (``now``) are monotonic seconds. Answers beside the conversation are not counted.
    """

    def __init__(self) -> None:
        self._items: dict[str, SpokenItem] = {}
        self._last: str | None = None
        self._ends_at = 0.0

    def sent(self, item_id: str, ms: float, begins: str | None, now: float) -> None:
        """``ms`` of the audio of an item were sent."""
        self._items.setdefault(item_id, SpokenItem()).sent(ms, begins)
        self._last = item_id
        self._ends_at = max(self._ends_at, now) + ms / 1000

    def item(self, item_id: str) -> SpokenItem | None:
        """What was sent of an item, if anything."""
        return self._items.get(item_id)

    def remaining(self, now: float) -> float:
        """Seconds until all that was sent is played."""
        return max(0.0, self._ends_at - now)

    def playing(self, now: float) -> str | None:
        """The item that is being played."""
        return self._last if self.remaining(now) > 0 else None

    def heard_ms(self, item_id: str, now: float) -> int:
        """How much of an item can have been heard by now."""
        spoken = self._items.get(item_id)
        if spoken is None:
            return 0
        left = self.remaining(now) if item_id == self._last else 0.0
        return max(0, round(spoken.sent_ms - left * 1000))

    def stop(self, now: float) -> None:
        """The client stops playing."""
        self._ends_at = now

    def forget(self, item_id: str) -> None:
        """The item is no more part of the conversation."""
        self._items.pop(item_id, None)
        if self._last == item_id:
            self._last = None
