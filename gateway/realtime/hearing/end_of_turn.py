"""Judges whether somebody who pauses has ended their turn: how long the pause must be, given its sound and its words.

``silence_needed_ms`` is the rule; ``TurnJudge`` has the sound judged by a model, when one is set. ``Listener`` asks
both in every pause of a session with ``semantic_vad``.
"""

import logging
from collections.abc import Mapping

from adapters.blocking import SerialThread
from adapters.contract.turn_end import TurnEndDetector
from gateway.realtime.hearing.audio_format import AudioFormat
from gateway.realtime.hearing.spoken_ending import Ending, ending

LIMITS_MS: Mapping[str, float] = {"low": 8000.0, "medium": 4000.0, "auto": 4000.0, "high": 2000.0}
"""By eagerness, how long a pause lasts at most."""

JUDGED_AFTER_MS = 200.0
"""Silence that the model gets to hear: with less of it an end does not sound like one, with more anything does."""

ENDED_BY_SOUND_MS = 250.0
"""The pause when it sounds like an end, and the words do not contradict."""

BY_WORDS_MS: Mapping[Ending | None, float] = {"closed": 500.0, "unclear": 800.0, None: 1000.0}
"""The pause, where nobody has judged the sound, by what the words end with; ``None``: no words are known yet."""

ENDED = 0.5
"""The probability from which a turn sounds ended."""

MAX_WAITING = 4
"""Judgements that may wait for the model: later ones would come when they are of no use any more."""

_log = logging.getLogger(__name__)


class TurnEvidence:
    """What is known of a turn in its pause: ``sound``, the probability that it sounds ended, and what its words say."""

    def __init__(self) -> None:
        self.sound: float | None = None
        self.words: Ending | None = None

    def hear(self, text: str, language: str | None) -> None:
        """The words so far are ``text``."""
        self.words = ending(text, language)


def silence_needed_ms(evidence: TurnEvidence, limit_ms: float) -> float:
    """How long the pause has to be before the turn has ended; never longer than ``limit_ms``."""
    if evidence.words == "open":
        return limit_ms
    if evidence.sound is None:
        return min(BY_WORDS_MS[evidence.words], limit_ms)
    return ENDED_BY_SOUND_MS if evidence.sound >= ENDED else limit_ms


class TurnJudge:
    """Has ``engine`` judge the sound of pauses in a thread, one after the other; without one nothing is judged."""

    def __init__(self, engine: TurnEndDetector | None) -> None:
        self._engine = engine
        self._thread = SerialThread("end of turn")

    @property
    def is_available(self) -> bool:
        """Whether sound is judged, and there is room for one more."""
        return self._engine is not None and self._thread.waiting < MAX_WAITING

    @property
    def window_ms(self) -> float:
        """How much of the end of a turn is judged."""
        return self._engine.window_seconds * 1000 if self._engine is not None else 0.0

    async def probability(self, data: bytes, audio_format: AudioFormat) -> float | None:
        """How probably a turn is over whose audio ends with ``data``; ``None`` if that cannot be told."""
        if not self.is_available:
            return None
        try:
            return await self._thread.call(self._judge, data, audio_format)
        except Exception as error:  # noqa: BLE001 - the words and the time decide then
            _log.error("The end of a turn cannot be judged by its sound: %s.", type(error).__name__)
            return None

    def _judge(self, data: bytes, audio_format: AudioFormat) -> float:
        assert self._engine is not None, "it is available"
        return self._engine.probability(audio_format.pcm(data, self._engine.sample_rate))
