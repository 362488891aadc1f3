"""Every registered adapter passes every check of the contract."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from adapters import registry
from adapters.contract.checks import CHECKS, Rig
from tests.contract import llm_rigs, speech_rigs

# By stage and name: an engine of each stage may have the same name.
RIGS: dict[str, Callable[[], AbstractAsyncContextManager[Rig]]] = {
    f"{stage} {name}": rig
    for stage, rigs in (("llm", llm_rigs.RIGS), ("stt", speech_rigs.RECOGNISERS), ("tts", speech_rigs.SYNTHESISERS))
    for name, rig in rigs.items()
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", RIGS)
async def test_contract(name: str, check: Callable[[Rig], Awaitable[None]]) -> None:
    async with RIGS[name]() as rig:
        await check(rig)


def test_every_registered_engine_has_a_rig() -> None:
    streaming: tuple[registry.Stage, ...] = ("llm", "stt", "tts")
    assert set(RIGS) == {f"{stage} {name}" for stage in streaming for name in registry.names(stage)}
