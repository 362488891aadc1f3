"""Wire types of the health surface."""

import msgspec


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: str


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Loading, ready, failed or stopping as a whole; and every route by its name."""

    status: str
    models: dict[str, str]
