"""The worker's side of the embedded recogniser: loads pocketsphinx's decoder and turns PCM into words."""

import re
from collections.abc import Callable, Iterator

import msgspec

from adapters.contract import audio, stt

SAMPLE_RATE = 16_000
# Shorter than any word, and too short for the decoder's first frames.
MIN_SECONDS = 0.1


def recogniser() -> Callable[[bytes], Iterator[bytes]]:
    """Load the model; the returned function answers PCM with ``b""`` at once and then with the encoded words."""
    from pocketsphinx import Decoder  # noqa: PLC0415 - loaded in the workers only

    decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")

    def recognise(pcm: bytes) -> Iterator[bytes]:
        yield b""
        words: list[stt.Word] = []
        if audio.seconds(pcm, SAMPLE_RATE) >= MIN_SECONDS:
            # Without this, the level of the last speaker would affect the recognition of this one.
            decoder.reinit_feat()
            decoder.start_utt()
            try:
                decoder.process_raw(pcm[: len(pcm) // 2 * 2], full_utt=True)
            finally:
                decoder.end_utt()
            segments = [(s.word, s.start_frame, s.end_frame) for s in decoder.seg() or ()]
            words = spoken_words(segments, decoder.config["frate"])
        yield msgspec.msgpack.encode(words)

    return recognise


def spoken_words(segments: list[tuple[str, int, int]], frame_rate: int) -> list[stt.Word]:
    """The decoder's segments (label, first and last frame) as words, without silences, noises and ``a(2)`` marks."""
    return [
        stt.Word(text=re.sub(r"\(\d+\)$", "", label), start=first / frame_rate, end=(last + 1) / frame_rate)
        for label, first, last in segments
        if not label.startswith(("<", "[", "+"))
    ]
