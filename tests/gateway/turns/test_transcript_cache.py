"""Transcripts are found again by recording, recogniser and language, and only so many are held."""

from gateway.pipeline.listen import TranscriptFinished
from gateway.turns.transcript_cache import LARGE_BYTES, TranscriptCache

HEARD = TranscriptFinished(text="Hello.", language="en", seconds=2.0)


async def test_a_key_is_of_the_recording_and_how_it_is_heard() -> None:
    cache = TranscriptCache()
    large = bytes(LARGE_BYTES + 1)
    keys = [
        await cache.key(recording, route, language)
        for recording in (b"RIFF", large)
        for route in ("m", "n")
        for language in (None, "en")
    ]
    assert len(set(keys)) == len(keys)
    assert await cache.key(large, "m", "en") == keys[5]


async def test_what_was_not_used_for_longest_goes_first() -> None:
    cache = TranscriptCache(most=2)
    for key in (b"1", b"2"):
        cache.put(key, HEARD)
    assert cache.get(b"1") == TranscriptFinished(text="Hello.", language="en", seconds=0.0)
    cache.put(b"3", HEARD)
    assert [cache.get(key) is not None for key in (b"1", b"2", b"3")] == [True, False, True]
