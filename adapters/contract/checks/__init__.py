"""The contract's conformance checks: plain asserts for any test runner; an engine passes every check of its stage.

A test gives each check of ``CHECKS`` (``SYNTHESISER_CHECKS`` for a synthesiser) a ``Rig``: one warm engine, and access
to what works behind it. Each check of ``DETECTOR_CHECKS`` gets a ``DetectorRig``, each of
``GUARD_CHECKS`` a ``GuardRig``. See ``adapters/contract/README.md``.
"""

from adapters.contract.checks.detectors import DETECTOR_CHECKS, DetectorCheck, DetectorRig
from adapters.contract.checks.grammar import Grammar, llm_grammar, stt_grammar, tts_grammar
from adapters.contract.checks.guards import GUARD_CHECKS, GuardCheck, GuardRig
from adapters.contract.checks.rig import Check, Failure, Rig, read
from adapters.contract.checks.splits import check_any_split
from adapters.contract.checks.streams import CHECKS
from adapters.contract.checks.synthesisers import SYNTHESISER_CHECKS

__all__ = [
    "CHECKS",
    "DETECTOR_CHECKS",
    "GUARD_CHECKS",
    "SYNTHESISER_CHECKS",
    "Check",
    "DetectorCheck",
    "DetectorRig",
    "Failure",
    "Grammar",
    "GuardCheck",
    "GuardRig",
    "Rig",
    "check_any_split",
    "llm_grammar",
    "read",
    "stt_grammar",
    "tts_grammar",
]
