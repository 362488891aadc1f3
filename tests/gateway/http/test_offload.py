"""What takes long is done beside the event loop, what is short at once; errors come through."""

import threading

import pytest

from gateway.http.offload import LARGE_BYTES, offloaded


@pytest.mark.parametrize(("size", "beside"), [(0, False), (LARGE_BYTES, False), (LARGE_BYTES + 1, True)])
async def test_the_size_decides_where_it_is_done(size: int, beside: bool) -> None:
    thread = await offloaded(size, threading.get_ident)
    assert (thread != threading.get_ident()) == beside


@pytest.mark.parametrize("size", [0, LARGE_BYTES + 1])
async def test_an_error_is_raised_where_it_is_awaited(size: int) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await offloaded(size, int, "x")
