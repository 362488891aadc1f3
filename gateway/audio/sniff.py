"""Tell by its bytes, never by its name, what an uploaded file is and whether it was cut off."""

import struct
from collections.abc import Iterator

_STREAMED = 0x7FFF_0000
"""From this size on a chunk's length is a placeholder that a streaming writer left."""

_MOST_BESIDE_SAMPLES = 1024
"""Bytes of a plain WAV that may be something else than samples."""

_MOV_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_MAGIC = {
    b"fLaC": "flac",
    b"OggS": "ogg",
    b"\x1aE\xdf\xa3": "matroska",
    b".snd": "au",
    b"caff": "caf",
    b"#!AM": "amr",
    b"\x00\x00\x01\xba": "mpeg",
}
_FORMS = {
    (b"RIFF", b"WAVE"): "wav",
    (b"RF64", b"WAVE"): "wav",
    (b"RIFF", b"AVI "): "avi",
    (b"FORM", b"AIFF"): "aiff",
    (b"FORM", b"AIFC"): "aiff",
}


def demuxer(data: bytes) -> str | None:
    """The one FFmpeg demuxer that may read ``data``, None if it is no known recording.

    Only formats that hold their own samples are known: none that names other files or addresses (playlists, sdp).
    """
    if data[4:8] in _MOV_BOXES:
        return "mov"
    form = _FORMS.get((data[:4], data[8:12]))
    return form or _MAGIC.get(data[:4]) or _tagged_or_bare(data)


def _tagged_or_bare(data: bytes) -> str | None:
    """FLAC, ADTS or MPEG audio, maybe behind an ID3 tag."""
    start = 0
    tagged = data[:3] == b"ID3" and len(data) >= 10
    if tagged:
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    if data[start : start + 4] == b"fLaC":
        return "flac"
    sync = data[start : start + 2]
    if len(sync) == 2 and sync[0] == 0xFF and sync[1] & 0xE0 == 0xE0:
        return "aac" if sync[1] & 0xF6 == 0xF0 else "mp3"
    return "mp3" if tagged else None


def is_plain(data: bytes) -> bool:
    """Whether this is a WAV as most programs write it: 16 bit PCM, mono or stereo, at 8 kHz or more, and little else.

    Its bytes bound the work of decoding it: no codec, no long way to the target rate, no thousands of tiny chunks.
    """
    if len(data) < 36 or (data[:4], data[8:16]) != (b"RIFF", b"WAVEfmt "):
        return False
    codec, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data, 20)
    samples = sum(min(size, len(data) - start) for start, size in _sound_chunk(data[:_MOST_BESIDE_SAMPLES]))
    usual = (codec, bits) == (1, 16) and channels in {1, 2} and rate >= 8_000
    return usual and len(data) - samples <= _MOST_BESIDE_SAMPLES


def cut_off(data: bytes, demuxer: str) -> bool:
    """Whether the file says how long it is (WAV, AIFF, MP4) and at least a twentieth of that part is missing."""
    match demuxer:
        case "wav" | "aiff":
            parts = _sound_chunk(data)
        case "mov":
            parts = _boxes(data)
        case _:
            return False
    return any(size < _STREAMED and start + size - len(data) > size // 20 for start, size in parts)


def _sound_chunk(data: bytes) -> Iterator[tuple[int, int]]:
    """The start and declared size of the chunk of a RIFF or IFF file that holds the samples, if it has one."""
    header = struct.Struct(">4sI" if data[:4] == b"FORM" else "<4sI")
    position = 12
    while position + header.size <= len(data):
        name, size = header.unpack_from(data, position)
        position += header.size
        if name in {b"data", b"SSND"}:
            yield position, size
            return
        position += size + size % 2


def _boxes(data: bytes) -> Iterator[tuple[int, int]]:
    """The start and declared size of each outermost box of an MP4 file; a size of 0 reaches to the end."""
    position = 0
    while position + 8 <= len(data):
        (size,) = struct.unpack_from(">I", data, position)
        if size == 1 and position + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, position + 8)
        if size < 8:
            return
        yield position, size
        position += size
