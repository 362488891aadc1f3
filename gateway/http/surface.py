"""A surface: one folder of ``gateway/api``, as the application mounts it."""

from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    """``handlers``: its routes. ``wire_types``: the types that its part of the API description refers to."""

    handlers: tuple[HTTPRouteHandler | WebsocketRouteHandler, ...]
    wire_types: tuple[Any, ...] = ()
