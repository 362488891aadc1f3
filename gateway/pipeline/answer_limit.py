"""Ends an answer that does not end: after so many characters the model's stream is closed."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from adapters.contract import llm


async def limited_answer(writing: AsyncGenerator[llm.Event, None], most: int) -> AsyncGenerator[llm.Event, None]:
    """The model's stream ``writing`` up to ``most`` characters of text and calls; cut there, it ends as ``length``.

    Calls that are cut are finished as invalid. Raises what ``writing`` raises.
    """
    room = most
    calls: dict[str, _OpenCall] = {}
    async with aclosing(writing) as events:
        async for event in events:
            size = _size(event)
            if size > room:
                if (piece := _piece(event, room)) is not None:
                    _note(calls, piece)
                    yield piece
                break
            room -= size
            _note(calls, event)
            yield event
        else:
            return
    for call_id, call in calls.items():
        yield call.cut(call_id, most)
    yield llm.Finished(reason="length", usage=None)


class _OpenCall:
    """A call whose end was not seen yet."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.arguments: list[str] = []

    def cut(self, call_id: str, most: int) -> llm.ToolCallFinished:
        invalid = f"The answer was cut after {most} characters, in the arguments of this call."
        return llm.ToolCallFinished(call_id=call_id, name=self.name, arguments="".join(self.arguments), invalid=invalid)


def _note(calls: dict[str, _OpenCall], event: llm.Event) -> None:
    match event:
        case llm.ToolCallStarted():
            calls[event.call_id] = _OpenCall(event.name)
        case llm.ToolCallDelta() if event.call_id in calls:
            calls[event.call_id].arguments.append(event.arguments)
        case llm.ToolCallFinished():
            calls.pop(event.call_id, None)
        case _:
            pass


def _size(event: llm.Event) -> int:
    """Characters that ``event`` adds to the answer; a finished call repeats those of its deltas."""
    match event:
        case llm.TextDelta():
            return len(event.text)
        case llm.ToolCallStarted():
            return len(event.call_id) + len(event.name)
        case llm.ToolCallDelta():
            return len(event.arguments)
        case _:
            return 0


def _piece(event: llm.Event, room: int) -> llm.Event | None:
    """As much of ``event`` as ``room`` characters hold."""
    match event:
        case llm.TextDelta() if room:
            return msgspec.structs.replace(event, text=event.text[:room])
        case llm.ToolCallDelta() if room:
            return llm.ToolCallDelta(call_id=event.call_id, arguments=event.arguments[:room])
        case _:
            return None
