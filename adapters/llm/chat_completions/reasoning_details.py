"""OpenRouter's ``reasoning_details``, which come in pieces and are sent back joined; pure."""

from typing import Any

from adapters.upstream import is_shallow

_TEXT_FIELDS = {"reasoning.text": "text", "reasoning.summary": "summary"}


class ReasoningDetails:
    """Collects the details of one answer: ``add`` every piece, then take all of them ``joined``."""

    def __init__(self) -> None:
        self._details: list[dict[str, Any]] = []
        self._texts: list[list[str]] = []  # of each detail

    def add(self, piece: dict[str, Any]) -> None:
        """Add a piece: a detail of its own, or more text of the last one."""
        if not is_shallow(piece):
            return
        field = _text_field(piece)
        last = self._details[-1] if self._details else {}
        if field is None or any(last.get(name) != piece.get(name) for name in ("type", "index")):
            self._details.append({})
            self._texts.append([])
        self._details[-1] |= {name: value for name, value in piece.items() if value is not None}
        if field and isinstance(text := piece.get(field), str):
            self._texts[-1].append(text)

    def joined(self) -> list[dict[str, Any]]:
        """The details, each with all of its text."""
        return [
            detail | ({field: "".join(texts)} if texts and (field := _text_field(detail)) else {})
            for detail, texts in zip(self._details, self._texts, strict=True)
        ]


def _text_field(detail: dict[str, Any]) -> str | None:
    kind = detail.get("type")
    return _TEXT_FIELDS.get(kind) if isinstance(kind, str) else None
