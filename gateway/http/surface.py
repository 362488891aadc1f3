"""A surface: one folder of ``gateway/api``, as the application mounts it."""

from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    """``name``: what it is called in metrics, traces and the log. ``handlers``: its routes.

    ``wire_types``: the types that its part of the API description refers to.
    """

    name: str
    handlers: tuple[HTTPRouteHandler, ...]
    wire_types: tuple[Any, ...] = ()
