"""Refuses requests that a recogniser cannot meet, before any audio is taken."""

import re

from adapters.contract import stt
from adapters.contract.errors import Unsupported

_SHOWN = 10  # languages that a refusal names


def check(info: stt.Info, request: stt.Request, *, adapter: str, way_out: str) -> None:
    """Raise ``Unsupported`` for times or a translation that the engine has not; ``way_out`` says what to choose."""
    lacking = {
        "word_times": (request.word_times and not info.word_times, "gives no word times"),
        "segment_times": (request.segment_times and not info.segment_times, "gives no segment times"),
        "translate": (request.translate and not info.translation, "does not translate"),
    }
    for param, (lacks, what) in lacking.items():
        if lacks:
            raise Unsupported(f"The recogniser {what}; {way_out}.", adapter=adapter, param=param)


def known_language(info: stt.Info, language: str | None, *, adapter: str) -> str | None:
    """The code before the region (``de`` of ``de-AT``). Raises ``Unsupported`` for one that is not in ``info``."""
    if language is None:
        return None
    code = re.split("[-_]", language.lower())[0]
    known = info.languages
    if known is not None and code not in known:
        some = ", ".join(known[:_SHOWN]) + (" and others" if len(known) > _SHOWN else "")
        raise Unsupported(
            f"The recognition model does not understand {language!r}, only {some} (ISO 639-1).",
            adapter=adapter,
            param="language",
        )
    return code


def ignored(request: stt.Request, without_effect: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the parameters ``without_effect`` that the request sets, for ``Started.ignored``."""
    return tuple(name for name in without_effect if getattr(request, name) not in (None, ""))
