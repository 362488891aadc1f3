"""Tell by its bytes, never by its name, what an uploaded file is and whether it was cut off."""

import re
import struct
from collections.abc import Iterator
from itertools import islice

_LARGEST_BELIEVED = 0x1000_0000
"""Bytes. A writer that streams cannot know the length of its file: it writes 0 or a number that nobody uploads, such as
2,000,000,000, 0x7FFFF000 or 0xFFFFFFFF, and the length is unknown."""

_MOST_PARTS = 100_000
"""Chunks or boxes that are looked at: ten minutes of MP4 with a fragment for each frame have 60,000."""

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

_MP3_RATES = re.escape(bytes(rates for rates in range(0x10, 0xF0) if rates & 0xC < 0xC))
_MP3_HEADER = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][%s]" % _MP3_RATES)
"""How a frame of MP3 begins: MPEG 2.5, 2 or 1, layer III, with or without a checksum, a bit rate, a sample rate."""

_MP3_KBITS = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MP3_KBITS_MPEG_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MP3_HERTZ = (44_100, 48_000, 32_000)
_MP3_FRAMES = 3
"""So many in a row are an MP3: two bytes that look like the beginning of one are in any file."""

_MP3_SEARCHED = 4096
"""Bytes among which they begin; the longest frame has 1,441."""


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
    # A stream that was cut begins within a frame, others with zeros.
    frames = (match.start() for match in _MP3_HEADER.finditer(data, 0, _MP3_SEARCHED))
    return "mp3" if tagged or any(_is_mp3(data, start) for start in frames) else None


def _is_mp3(data: bytes, start: int) -> bool:
    """Whether frames of MP3 of one version and sample rate begin at ``start``, one behind the other."""
    kinds = set[tuple[int, int]]()
    for _ in range(_MP3_FRAMES):
        if not _MP3_HEADER.match(data, start):
            return False
        version, rates = data[start + 1] >> 3 & 3, data[start + 2]  # 0: MPEG 2.5, 2: MPEG 2, 3: MPEG 1
        kinds.add((version, rates & 0xC))
        kbits = (_MP3_KBITS_MPEG_1 if version == 3 else _MP3_KBITS)[(rates >> 4) - 1]
        hertz = _MP3_HERTZ[rates >> 2 & 3] // (4, 0, 2, 1)[version]
        start += (144_000 if version == 3 else 72_000) * kbits // hertz + (rates >> 1 & 1)
    return len(kinds) == 1


def cut_off(data: bytes, demuxer: str) -> bool:
    """Whether the file says how long it is (WAV, AIFF, MP4) and at least a twentieth of that part is missing."""
    match demuxer:
        case "wav" | "aiff":
            chunk = sound_chunk(data)
            parts = iter([chunk] if chunk else [])
        case "mov":
            parts = _boxes(data)
        case _:
            return False
    return any(start + size - len(data) > size // 20 for start, size in islice(parts, _MOST_PARTS))


def sound_chunk(data: bytes, *, most_parts: int = _MOST_PARTS) -> tuple[int, int] | None:
    """The start and size in bytes of the chunk of a RIFF or IFF file that holds the samples.

    The size is the declared one, or all that follows where that is a placeholder. ``None`` if the chunk is not among
    the first ``most_parts``.
    """
    header = struct.Struct(">4sI" if data[:4] == b"FORM" else "<4sI")
    position = 12
    for _ in range(most_parts):
        if position + header.size > len(data):
            break
        name, size = header.unpack_from(data, position)
        position += header.size
        if name in {b"data", b"SSND"}:
            return position, size if 0 < size < _LARGEST_BELIEVED else len(data) - position
        position += size + size % 2
    return None


def _boxes(data: bytes) -> Iterator[tuple[int, int]]:
    """The start and declared size of each outermost box of an MP4 file; a size of 0 reaches to the end."""
    position = 0
    while position + 8 <= len(data):
        (size,) = struct.unpack_from(">I", data, position)
        if size == 1 and position + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, position + 8)
        if not 8 <= size < _LARGEST_BELIEVED:
            return
        yield position, size
        position += size
