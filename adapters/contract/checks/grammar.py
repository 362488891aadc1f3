"""The grammars of the stages: which events a stream may have, and in which order."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from adapters.contract import llm, stt, tts
from adapters.contract.audio import SAMPLE_BYTES
from adapters.contract.engine import Started

Grammar = Callable[[Sequence[Any]], None]


def _frame(events: Sequence[Any], finished: type) -> Sequence[Any]:
    assert len(events) >= 2, f"a stream has at least Started and Finished, got {events!r}"
    assert isinstance(events[0], Started), f"the first event is Started, got {events[0]!r}"
    assert isinstance(events[-1], finished), f"the last event is Finished, got {events[-1]!r}"
    between = events[1:-1]
    assert not any(isinstance(event, Started | finished) for event in between), "Started and Finished come once"
    return between


def llm_grammar(events: Sequence[Any]) -> None:
    """Pieces are not empty, tool calls begin, grow and end in order and reassemble, usage is there."""
    names: dict[str, str] = {}
    arguments: dict[str, str] = {}
    for event in _frame(events, llm.Finished):
        match event:
            case llm.TextDelta() | llm.ReasoningDelta():
                assert event.text, "a delta is never empty"
            case llm.ToolCallStarted():
                assert event.call_id not in names, f"call {event.call_id!r} started twice"
                names[event.call_id], arguments[event.call_id] = event.name, ""
            case llm.ToolCallDelta():
                arguments[event.call_id] += event.arguments
            case llm.ToolCallFinished():
                assert event.name == names.pop(event.call_id), "a call keeps its name"
                assert event.arguments == arguments[event.call_id], "the deltas joined are the arguments"
                assert event.invalid or _is_object(event.arguments), "what is no JSON object is reported as invalid"
            case _:
                raise AssertionError(f"{event!r} is no event of a language model")
    assert not names, f"calls {sorted(names)} never finished"
    assert events[-1].usage is not None, "usage is present"


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(arguments), dict)
    except msgspec.DecodeError:
        return False


def stt_grammar(events: Sequence[Any]) -> None:
    """Stable text only grows and begins the one final transcript, which comes last."""
    between = _frame(events, stt.Finished)
    assert between, "there is a final transcript"
    final = between[-1]
    assert isinstance(final, stt.FinalTranscript), f"the transcript ends with the final one, got {final!r}"
    stable = ""
    for event in between[:-1]:
        assert isinstance(event, stt.PartialTranscript), f"only partial transcripts come before, got {event!r}"
        assert event.stable.startswith(stable), "stable text only grows"
        stable = event.stable
    assert final.text.startswith(stable), "stable text begins the final one"


def tts_grammar(events: Sequence[Any]) -> None:
    """Chunks are whole samples and never empty."""
    for event in _frame(events, tts.Finished):
        assert isinstance(event, tts.AudioChunk), f"{event!r} is no event of a synthesiser"
        assert event.pcm, "a chunk is never empty"
        assert len(event.pcm) % SAMPLE_BYTES == 0, "a chunk holds whole samples"
