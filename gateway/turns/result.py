"""The events of a turn, from joining its conversation to its outcome."""

import msgspec

from adapters.contract import llm
from gateway.pipeline.answer import Answered
from gateway.pipeline.listen import Listened
from gateway.pipeline.screening import Screening
from gateway.telemetry.outcome import TurnOutcome


class ConversationJoined(msgspec.Struct, frozen=True, kw_only=True, tag="conversation_joined"):
    """Earlier turns of the conversation are over; ``conversation_id`` is ``None`` when the turn is not to be kept."""

    conversation_id: str | None


class ConversationKept(msgspec.Struct, frozen=True, kw_only=True, tag="conversation_kept"):
    """The answer is complete and the next turn may follow; ``conversation_id`` is ``None`` when it was not stored.

    ``compaction`` is the cost of a summary of earlier turns that this turn is the first to use.
    """

    conversation_id: str | None
    compaction: llm.Usage | None


class TurnFinished(msgspec.Struct, frozen=True, kw_only=True, tag="turn_finished"):
    """The end of a turn that did not fail; last."""

    reason: llm.FinishReason
    outcome: TurnOutcome


TurnEvent = ConversationJoined | Listened | Screening | Answered | ConversationKept | TurnFinished
"""There is a ``Screening`` where the guards flagged something of what the model is to read."""
