"""What the worker process of the guard does.

Some regular expressions take for ever with some texts, and Python holds its lock meanwhile; only a process can be
ended.
"""

import re

import msgspec

from adapters.blocking import Send, Work
from adapters.contract.guard import Request


class Patterns(msgspec.Struct, frozen=True, kw_only=True):
    """The regular expressions, which differ between capital and small letters unless they ``ignore_case``."""

    patterns: tuple[str, ...]
    ignore_case: bool

    def compiled(self) -> list[re.Pattern[str]]:
        """All of them. Raises ``re.error``."""
        return [re.compile(pattern, re.IGNORECASE if self.ignore_case else 0) for pattern in self.patterns]


def matcher(patterns: str) -> Work:
    """In the worker: the function that answers a ``Request`` with the numbers of the patterns that match it."""
    compiled = msgspec.json.decode(patterns, type=Patterns).compiled()

    def answer(job: bytes, _send: Send) -> bytes:
        request = msgspec.msgpack.decode(job, type=Request)
        whole, passed = request.before + request.text, len(request.before)
        found = [number for number, each in enumerate(compiled, start=1) if _ends_after(each, whole, passed)]
        return msgspec.msgpack.encode(found)

    return answer


def _ends_after(pattern: re.Pattern[str], text: str, passed: int) -> bool:
    """Whether ``pattern`` matches something in ``text`` that does not end in the part that has passed."""
    return any(match.end() > passed and match.group() for match in pattern.finditer(text))
