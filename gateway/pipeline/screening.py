"""Screening stage: what a model is to read is judged by the guards before it does."""

from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import TypeVar, cast

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.engines.guards import ActiveGuard
from gateway.pipeline.guarded_answer import guarded_answer
from gateway.settings.guard_table import GuardRules
from gateway.telemetry.timings import Stopwatch

PartT = TypeVar("PartT", bound=llm.Part)

REMOVED = "[removed]"
"""What a model is given in place of a text that was flagged, unless there is a sentence for that."""


class Screening(msgspec.Struct, frozen=True, kw_only=True):
    """What the guards think of a prompt.

    ``substitutes`` stand in place of the texts that are their keys, in what the model is given and in what is
    remembered. With an ``answer`` the model is not asked, and that is said. ``guards`` flagged what is new; one of them
    may have it ``refused``.
    """

    substitutes: Mapping[str, str] = {}
    answer: str | None = None
    guards: tuple[str, ...] = ()
    refused: bool = False

    def applied(self, messages: tuple[llm.Message, ...]) -> tuple[llm.Message, ...]:
        """``messages`` with the substitutes."""
        if not self.substitutes:
            return messages
        return tuple(
            msgspec.structs.replace(
                message,
                parts=tuple(map(self.part, message.parts)),
                reasoning=self.substitutes.get(message.reasoning or "", message.reasoning),
            )
            for message in messages
        )

    def part(self, part: PartT) -> PartT:
        """``part``, or its substitute."""
        substitute: llm.Part = part
        match part:
            case llm.Text():
                substitute = llm.Text(text=self.substitutes.get(part.text, part.text))
            case llm.ToolResult():
                output = self.substitutes.get(part.output, part.output)
                substitute = llm.ToolResult(call_id=part.call_id, output=output)
            case _:
                pass
        return cast(PartT, substitute)


NOTHING_FLAGGED = Screening()


def rejected() -> InvalidRequest:
    """The refusal of a request in which a guard flagged something."""
    return InvalidRequest(
        "Your request was rejected by the safety system of this server.", code="content_policy_violation"
    )


async def screen(
    messages: tuple[llm.Message, ...], guards: Sequence[ActiveGuard], exempt: Collection[str]
) -> Screening:
    """Have ``guards`` judge ``messages``, the last of which are to be answered; ``exempt`` are texts of the operator.

    What is new, after the last words of the assistant, leads to the action of the guard that flags it; what is older
    was answered before, and is only removed. Of several guards the first one that does not let the turn go on decides,
    but all are asked: what any of them flags must not be remembered. Raises ``Unavailable`` for a guard that fails.
    """
    first_new = max((number + 1 for number, each in enumerate(messages) if _is_said(each)), default=0)
    new = [text for text in dict.fromkeys(_texts(messages[first_new:])) if text not in exempt]
    old = [text for text in dict.fromkeys(_texts(messages[:first_new])) if text not in exempt and text not in new]
    substitutes: dict[str, str] = {}
    flagging: dict[str, None] = {}
    ending: GuardRules | None = None
    for guard in guards:
        for text in new:
            if text in substitutes or not await guard.flagged([text]):
                continue
            flagging[guard.rules.name] = None
            if guard.rules.action == "replace":
                substitutes[text] = guard.rules.sentence
            else:
                substitutes[text], ending = REMOVED, ending or guard.rules
        substitutes |= dict.fromkeys(await guard.flagged(old), REMOVED)
    return Screening(
        substitutes=substitutes,
        answer=ending.sentence if ending is not None and ending.action == "stop" else None,
        guards=tuple(flagging),
        refused=ending is not None and ending.action == "refuse",
    )


async def screen_text(text: str, guards: Sequence[ActiveGuard]) -> Screening:
    """Have ``guards`` judge a text that is to be spoken as it is; ``answer`` is what is said in its place."""
    flagging = [guard for guard in guards if await guard.flags(text)]
    if not flagging:
        return NOTHING_FLAGGED
    names = tuple(guard.rules.name for guard in flagging)
    if any(guard.rules.action == "refuse" for guard in flagging):
        return Screening(guards=names, refused=True)
    async with aclosing(guarded_answer(_written(text), flagging, Stopwatch())) as events:
        said = [event.text async for event in events if isinstance(event, llm.TextDelta)]
    return Screening(guards=names, answer="".join(said))


async def _written(text: str) -> AsyncGenerator[llm.Event, None]:
    yield llm.TextDelta(text=text)
    yield llm.Finished(reason="stop", usage=None)


def _is_said(message: llm.Message) -> bool:
    return message.role == "assistant" and any(isinstance(part, llm.Text) and part.text for part in message.parts)


def _texts(messages: tuple[llm.Message, ...]) -> Iterator[str]:
    for message in messages:
        if message.reasoning:
            yield message.reasoning
        for part in message.parts:
            match part:
                case llm.Text(text=text) | llm.ToolResult(output=text) if text.strip():
                    yield text
                case _:
                    pass
