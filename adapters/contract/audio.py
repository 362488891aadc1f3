"""PCM as it passes between stages: signed 16-bit little-endian, one channel."""

SAMPLE_BYTES = 2


def seconds(pcm: bytes | bytearray | memoryview, sample_rate: int) -> float:
    """The duration in seconds of ``pcm`` (s16le mono) at ``sample_rate`` Hz."""
    return len(pcm) / (SAMPLE_BYTES * sample_rate)
