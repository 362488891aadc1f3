"""The worker's side of the embedded recogniser: loads pocketsphinx's decoder and turns PCM into words."""

import re
from collections.abc import Iterator

import msgspec
import numpy as np

from adapters.blocking import Send, Work
from adapters.contract import audio, stt

SAMPLE_RATE = 16_000
# Shorter than any word, and too short for the decoder's first frames.
MIN_SECONDS = 0.1

SILENT_LEVEL = 30
"""The highest sample, of 32,767, of audio in which nobody can be heard: the decoder hears words in it all the same."""

LEAST_SECONDS, MOST_SECONDS = 10, 20
"""Of what is decoded at once: a long recording is cut where it is quietest between these lengths."""

_PAUSE_SAMPLES = SAMPLE_RATE * 3 // 10
_PAUSE_STEP = SAMPLE_RATE // 100


def recogniser() -> Work:
    """Load the model; the returned function answers PCM with ``b""`` at once and then with the encoded words.

    The words of a long recording come part by part.
    """
    from pocketsphinx import Decoder  # noqa: PLC0415 - loaded in the workers only

    decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")

    def decoded(part: bytes, start: float) -> list[stt.Word]:
        # Without this, the level of the last speaker would affect the recognition of this one.
        decoder.reinit_feat()
        decoder.start_utt()
        try:
            decoder.process_raw(part, full_utt=True)
        finally:
            decoder.end_utt()
        segments = [(s.word, s.start_frame, s.end_frame) for s in decoder.seg() or ()]
        return spoken_words(segments, decoder.config["frate"], start)

    def recognise(pcm: bytes, send: Send) -> bytes:
        send(b"")
        start = 0.0
        for part in parts(pcm):
            words = [] if is_silent(part) else decoded(part, start)
            send(msgspec.msgpack.encode(words))
            start += audio.seconds(part, SAMPLE_RATE)
        return b""

    return recognise


def parts(pcm: bytes) -> Iterator[bytes]:
    """``pcm`` in parts that are decoded as a whole, which makes a third fewer errors than in small blocks."""
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2")
    while len(samples) > MOST_SECONDS * SAMPLE_RATE:
        energy = np.square(samples[LEAST_SECONDS * SAMPLE_RATE : MOST_SECONDS * SAMPLE_RATE].astype(np.float64))
        levels = np.convolve(energy, np.ones(_PAUSE_SAMPLES), "valid")[::_PAUSE_STEP]
        end = LEAST_SECONDS * SAMPLE_RATE + int(levels.argmin()) * _PAUSE_STEP + _PAUSE_SAMPLES // 2
        yield samples[:end].tobytes()
        samples = samples[end:]
    if len(samples) >= MIN_SECONDS * SAMPLE_RATE:
        yield samples.tobytes()


def is_silent(pcm: bytes) -> bool:
    """Whether there is no sound in ``pcm``."""
    return bool(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)).max(initial=0) <= SILENT_LEVEL)


def spoken_words(segments: list[tuple[str, int, int]], frame_rate: int, start: float) -> list[stt.Word]:
    """The decoder's segments (label, first and last frame) as words, without silences, noises and ``a(2)`` marks.

    Their first frame is ``start`` seconds from the start of the recording.
    """
    return [
        stt.Word(
            text=re.sub(r"\(\d+\)$", "", label),
            start=start + first / frame_rate,
            end=start + (last + 1) / frame_rate,
        )
        for label, first, last in segments
        if not label.startswith(("<", "[", "+"))
    ]
