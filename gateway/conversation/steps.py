"""The way of a conversation: its answers and edits, and which of its messages each of them added."""

import msgspec


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of ``route``, or an edit by a client (without a route), stored ``at`` a Unix time under ``id``.

    ``messages`` is how many it added to the turns, of which some may be gone, and ``opening`` how many to the opening;
    earlier releases did not note that.
    """

    id: str
    at: int
    route: str = ""
    messages: int | None = None
    opening: int = 0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The number of a step, its messages in the opening and in the turns, and whether some of them are gone."""

    step: int
    opening: slice
    turns: slice
    is_cut: bool


def place_of(id_: str, steps: tuple[Step, ...], messages: int, opening: int) -> Place | None:
    """Where the step ``id_`` of ``steps`` is, which end with so many ``messages`` in the turns, and in the ``opening``.

    It is counted from the end, as the oldest messages may be gone; ``None`` before a step that is not counted.
    """
    for number in range(len(steps) - 1, -1, -1):
        step = steps[number]
        if step.messages is None:
            return None
        start, opening_start = messages - (step.messages or 0), opening - step.opening
        if step.id == id_:
            return Place(
                step=number,
                opening=slice(max(0, opening_start), max(0, opening)),
                turns=slice(max(0, start), max(0, messages)),
                is_cut=start < 0,
            )
        messages, opening = start, opening_start
    return None
