"""A surface: one folder of ``gateway/api``, as the application mounts it."""

from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    """``name`` is what keys call it, ``handlers`` are its routes, ``wire_types`` the types it describes."""

    name: str
    handlers: tuple[HTTPRouteHandler | WebsocketRouteHandler, ...]
    wire_types: tuple[Any, ...] = ()
