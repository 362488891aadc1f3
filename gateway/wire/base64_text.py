"""Base64 of megabytes, piece by piece: other threads have their turn between two pieces, which take a millisecond."""

import base64

PIECE = 192 * 1024
"""Bytes at once, or characters; a multiple of 3 and of 4."""


def encoded(data: bytes) -> str:
    """``data`` as base64."""
    pieces = (base64.b64encode(data[start : start + PIECE]) for start in range(0, len(data), PIECE))
    return b"".join(pieces).decode()


def decoded(text: str) -> bytes:
    """The bytes in ``text``, in which there may be line breaks. Raises ``ValueError`` when it is not base64."""
    data = bytearray()
    rest = ""
    for start in range(0, len(text), PIECE):
        piece = rest + "".join(text[start : start + PIECE].split())
        last = start + PIECE >= len(text)
        whole = len(piece) if last else (len(piece) - 1) // 4 * 4
        data += base64.b64decode(piece[:whole], validate=True)
        rest = piece[whole:]
        if rest and piece[:whole].endswith("="):
            raise ValueError("there is more behind the padding")
    return bytes(data)
