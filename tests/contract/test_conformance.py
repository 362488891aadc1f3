"""Every registered adapter passes every check of the contract of its stage."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from adapters import registry
from adapters.contract.checks import (
    CHECKS,
    DETECTOR_CHECKS,
    GUARD_CHECKS,
    SYNTHESISER_CHECKS,
    Check,
    DetectorCheck,
    GuardCheck,
    Rig,
)
from tests.contract import guard_rigs, llm_rigs, speech_rigs, vad_rigs

RIGS: dict[registry.Stage, dict[str, Callable[[], AbstractAsyncContextManager[Rig]]]] = {
    "llm": llm_rigs.RIGS,
    "stt": speech_rigs.RECOGNISERS,
    "tts": speech_rigs.SYNTHESISERS,
}
CHECKS_OF: dict[registry.Stage, tuple[Check, ...]] = {"llm": CHECKS, "stt": CHECKS, "tts": SYNTHESISER_CHECKS}


@pytest.mark.parametrize(
    ("stage", "name", "check"),
    [
        pytest.param(stage, name, check, id=f"{stage} {name}-{check.__name__}")
        for stage, rigs in RIGS.items()
        for name in rigs
        for check in CHECKS_OF[stage]
    ],
)
async def test_contract(stage: registry.Stage, name: str, check: Check) -> None:
    async with RIGS[stage][name]() as rig:
        await check(rig)


@pytest.mark.parametrize("check", DETECTOR_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", vad_rigs.RIGS)
def test_contract_of_detectors(name: str, check: DetectorCheck) -> None:
    check(vad_rigs.RIGS[name]())


@pytest.mark.parametrize("check", GUARD_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", guard_rigs.RIGS)
async def test_contract_of_guards(name: str, check: GuardCheck) -> None:
    async with guard_rigs.RIGS[name]() as rig:
        await check(rig)


def test_every_registered_guard_has_a_rig() -> None:
    assert set(registry.names("guards")) == set(guard_rigs.RIGS)


def test_every_registered_engine_has_a_rig() -> None:
    rigs = RIGS | {"vad": vad_rigs.RIGS}
    assert {(stage, name) for stage, of_stage in rigs.items() for name in of_stage} == set(registry.engines())
