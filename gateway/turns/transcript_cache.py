"""Remembers what was said in recordings: clients of Chat Completions send those of earlier messages with every turn."""

import hashlib
from collections import OrderedDict

import msgspec

from adapters.blocking import call_in_turn
from gateway.pipeline.listen import TranscriptFinished

MOST_TRANSCRIPTS = 1024
"""Of ten minutes of speech, a transcript has about ten kilobytes."""

LARGE_BYTES = 256 * 1024
"""Recordings up to this size are digested within a millisecond; a thread would cost more."""


class TranscriptCache:
    """The transcripts of the ``most`` recordings that were heard last; it holds digests, and no recording."""

    def __init__(self, most: int = MOST_TRANSCRIPTS) -> None:
        self._most = most
        self._known: OrderedDict[bytes, TranscriptFinished] = OrderedDict()

    async def key(self, recording: bytes, route: str, language: str | None) -> bytes:
        """What stands for ``recording`` (a file) as the recogniser of ``route`` hears it in ``language``."""
        heard_as = f"{route}\n{language}".encode()
        if len(recording) > LARGE_BYTES:
            return await call_in_turn(_digest, recording, heard_as)
        return _digest(recording, heard_as)

    def get(self, key: bytes) -> TranscriptFinished | None:
        """The transcript, of which nothing had to be recognised again: it has no seconds."""
        if key not in self._known:
            return None
        self._known.move_to_end(key)
        return self._known[key]

    def put(self, key: bytes, transcript: TranscriptFinished) -> None:
        """Remember ``transcript``; the one that was not used for longest may have to go."""
        self._known[key] = msgspec.structs.replace(transcript, seconds=0.0)
        self._known.move_to_end(key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)


def _digest(recording: bytes, heard_as: bytes) -> bytes:
    digest = hashlib.blake2b(recording, digest_size=32)
    digest.update(heard_as)
    return digest.digest()
