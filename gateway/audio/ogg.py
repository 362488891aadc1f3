"""Splits chained Ogg files: recordings that were put one after the other in one file, which is lawful Ogg."""

import re
from collections.abc import Iterator
from itertools import pairwise

_FIRST_PAGE = re.compile(rb"OggS\x00[\x02\x03\x06\x07]")
"""A page whose header says that a stream begins with it."""

_HEADER_BYTES = 27


def links(data: bytes) -> Iterator[bytes]:
    """Each link of a chained Ogg file by itself; the whole file when it has one link.

    The streams of one link, such as sound and pictures, all begin before the first of them goes on: a first page right
    after another first page belongs to the same link.
    """
    starts: list[int] = []
    previous_end = 0
    for page in _FIRST_PAGE.finditer(data):
        if page.start() != previous_end or not starts:
            starts.append(page.start())
        segments = data[page.start() + _HEADER_BYTES - 1 : page.start() + _HEADER_BYTES]
        table = data[page.start() + _HEADER_BYTES : page.start() + _HEADER_BYTES + sum(segments)]
        previous_end = page.start() + _HEADER_BYTES + len(table) + sum(table)
    # What comes before the first page, or has none because of damage, is not lost.
    for start, end in pairwise([0, *starts[1:], len(data)]):
        yield data[start:end]
