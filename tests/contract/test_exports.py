"""The public names of the contract: listed here so that every change of them is deliberate; and types are shipped."""

import ast
import importlib
import inspect
import pkgutil
import types
from importlib.resources import files
from typing import get_type_hints

import pytest

import adapters.contract

EXPORTS = {
    "audio": "SAMPLE_BYTES seconds",
    "checks": (
        "CHECKS Check DETECTOR_CHECKS DetectorCheck DetectorRig Failure GUARD_CHECKS Grammar GuardCheck GuardRig Rig "
        "SYNTHESISER_CHECKS check_any_split llm_grammar read stt_grammar tts_grammar"
    ),
    "description": "ApiKeyVariable EngineDescription",
    "engine": "Engine HealthReporting Preflight Started UpstreamReporting UpstreamState failure_of",
    "errors": (
        "AdapterError InvalidRequest Overloaded TimedOut TooLong Unavailable UnknownModel Unsupported UpstreamError"
    ),
    "guard": "Guard Request Verdict",
    "llm": (
        "Audio Event FinishReason Finished Image Info JsonAnswer LONGEST_CALL_ID LanguageModel Message NamedTool "
        "Opaque Part Reasoning ReasoningDelta Request Sampling Text TextDelta Tool ToolCall ToolCallDelta "
        "ToolCallFinished ToolCallStarted ToolChoice ToolResult Usage"
    ),
    "passthrough": "Forwarded PassEvent PassRequest Passed Passthrough Relay WireProtocol protocol_of",
    "probe": "Probe ProbeReport Probed",
    "request_context": "RequestContext current_request",
    "stt": "Event FinalTranscript Finished Info PartialTranscript Recogniser Request Segment Word",
    "tts": "AudioChunk Event Finished Info Readable Request Synthesiser",
    "turn_end": "TurnEndDetector",
    "vad": "Detector Event Meter Metering SpeechStarted SpeechStopped VoiceActivity",
}
"""By module of ``adapters.contract``; what engines and their tests import from it, and nothing else."""


def public(module: types.ModuleType) -> set[str]:
    """The names of ``__all__``, or else those without an underscore that the module defines itself."""
    if hasattr(module, "__all__"):
        return set(module.__all__)
    names: set[str] = set()
    for node in ast.parse(inspect.getsource(module)).body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return {name for name in names if not name.startswith("_")}


def test_every_module_is_listed() -> None:
    assert {module.name for module in pkgutil.iter_modules(adapters.contract.__path__)} == set(EXPORTS)


@pytest.mark.parametrize("name", EXPORTS)
def test_public_names(name: str) -> None:
    module = importlib.import_module(f"adapters.contract.{name}")
    assert sorted(public(module)) == sorted(EXPORTS[name].split())
    for exported in EXPORTS[name].split():
        value = getattr(module, exported)
        if inspect.isclass(value) or inspect.isfunction(value):
            get_type_hints(value, include_extras=True)
            assert inspect.getdoc(value)


@pytest.mark.parametrize("package", ["adapters", "gateway"])
def test_types_are_shipped(package: str) -> None:
    assert (files(package) / "py.typed").is_file()
