"""What of a conversation a turn's model is to read, and what the guards think of it."""

from adapters.contract import llm
from gateway.conversation.context_window import ContextWindow, LiteralWindow
from gateway.conversation.history import ConversationLease
from gateway.pipeline.screening import Screening, screen
from gateway.turns.build import TurnPlan
from gateway.turns.question import Question


def window_of(plan: TurnPlan, lease: ConversationLease, question: Question) -> ContextWindow | LiteralWindow:
    """The messages of which the longest end that fits is sent."""
    prompt = plan.instructions or (None if lease.conversation.outright else plan.prompt)
    beginning = lease.conversation.beginning(prompt, plan.prompt_role)
    turns, asked = lease.split(question.message)
    if plan.literal:
        earlier = (message for turn in turns for message in turn.messages)
        return LiteralWindow(messages=(*beginning, *earlier, *question.hinted(asked)))
    return ContextWindow(
        beginning=beginning,
        turns=turns,
        question=question.hinted(asked),
        user_role=plan.user_role,
        tools=plan.generation.tools,
        model=plan.engines.llm.info,
        tokens=plan.policy.writer.context_tokens,
        bytes_per_token=lease.conversation.bytes_per_token,
        max_output_tokens=plan.generation.max_output_tokens,
    )


async def screened(plan: TurnPlan, lease: ConversationLease, question: Question) -> Screening:
    """What the guards think of the messages, but for what the gateway itself says there.

    Raises ``Unavailable`` for a guard that fails.
    """
    own = (*(plan.prompt.parts if plan.prompt else ()), question.hint)
    exempt = [part.text for part in own if isinstance(part, llm.Text)]
    messages = window_of(plan, lease, question).longest().messages
    return await screen(messages, plan.guards.transcript, exempt)
