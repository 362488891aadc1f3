"""Names the route that a client probably meant when it asked for one that does not exist."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches

LONGEST_PATH = 200
"""Characters of a path that is compared: comparing takes time quadratic in the length."""

SIMILARITY = 0.7
"""From 0 to 1: below it two paths have little more than ``/v1/`` in common."""


def nearest_route(method: str, path: str, routes: Mapping[str, Collection[str]]) -> str | None:
    """The route most like ``path``, such as ``POST /v1/audio/speech``, with ``method`` if it takes that.

    ``routes`` maps each path to its methods. ``None`` when no route is like it.
    """
    if len(path) > LONGEST_PATH:
        return None
    for known in get_close_matches(path, routes, n=1, cutoff=SIMILARITY):
        return f"{method if method in routes[known] else min(routes[known])} {known}"
    return None
