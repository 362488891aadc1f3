"""Pure: use as it is booked, and as records on the wire."""

from collections.abc import Mapping

import msgspec

from gateway.access.caller import Caller
from gateway.access.usage import Place, Use
from gateway.api.usage.schema import Amounts, UsageQuery, UsageRecord


def records_of(used: Mapping[Place, Use], caller: Caller, query: UsageQuery) -> list[UsageRecord]:
    """What ``caller`` may see of ``used`` and asked for, the oldest day first."""
    total: dict[tuple[str, str, str], Use] = {}
    speculative: dict[tuple[str, str, str], Use] = {}
    for place, use in used.items():
        if _is_seen(place, caller) and query.key in {None, place.key} and query.day in {None, place.day}:
            where = place.day, place.key, place.route
            total[where] = total.get(where, Use()) + use
            if place.speculative:
                speculative[where] = use
    return [_record(where, total[where], speculative.get(where, Use())) for where in sorted(total)]


def _is_seen(place: Place, caller: Caller) -> bool:
    return caller.admin or place.key == caller.name


def _record(where: tuple[str, str, str], total: Use, speculative: Use) -> UsageRecord:
    day, key, route = where
    return UsageRecord(
        id=f"{day}/{key}/{route}",
        day=day,
        key=key,
        route=route,
        speculative=_amounts(speculative),
        **msgspec.structs.asdict(_amounts(total)),
    )


def _amounts(use: Use) -> Amounts:
    """``use`` to the millisecond."""
    fields = msgspec.structs.asdict(use)
    return Amounts(**{name: round(value, 3) if name.endswith("seconds") else value for name, value in fields.items()})
