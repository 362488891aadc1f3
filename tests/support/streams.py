"""Reads a stream to its end, and fails where it would wait for ever."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from adapters.contract import checks


async def read(stream: AsyncGenerator[Any, None]) -> list[Any]:
    """Every event of ``stream``, which is closed whatever happens."""
    async with asyncio.timeout(10):
        return await checks.read(stream)
