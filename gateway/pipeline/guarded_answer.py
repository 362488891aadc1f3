"""Guarding stage: what the model writes goes on a clause at a time, once the guards have let it pass."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from adapters.contract import llm
from adapters.contract.engine import Started
from gateway.engines.guards import LONGEST_BEFORE, ActiveGuard
from gateway.telemetry.timings import Stopwatch
from gateway.text.segmentation import punctuation
from gateway.text.segmentation.segmenter import SentenceSegmenter


class Guarded(msgspec.Struct, frozen=True, kw_only=True, tag="guarded"):
    """The guard of that name flagged something; what follows is what its action says."""

    guard: str


Written = llm.Event | Guarded


async def guarded_answer(
    writing: AsyncGenerator[llm.Event, None], guards: Sequence[ActiveGuard], watch: Stopwatch
) -> AsyncGenerator[Written, None]:
    """The model's stream ``writing`` as ``guards`` let it pass; one that is ended by a guard ends as content_filter.

    Reasoning is left out: nobody judges it. Calls wait until their arguments are whole and were judged. While a clause
    is judged, those before it are spoken. Raises what ``writing`` raises, and ``Unavailable`` for a guard that fails.
    """
    passage = _Passage(guards)
    async with aclosing(writing) as events:
        async for event in events:
            if not isinstance(event, Started | llm.Finished):
                watch.mark("llm_first_token")
            for piece in passage.pieces(event):
                async with aclosing(passage.judged(piece)) as passed:
                    async for each in passed:
                        yield each
                if passage.ended:
                    yield llm.Finished(reason="content_filter", usage=None)
                    return
            if isinstance(event, Started | llm.Finished):
                yield event


async def sentence_instead(sentence: str) -> AsyncGenerator[llm.Event, None]:
    """An answer that is ``sentence``, because the model may not be asked."""
    yield Started()
    yield llm.TextDelta(text=sentence)
    yield llm.Finished(reason="content_filter", usage=None)


_Calls = tuple[llm.ToolCallStarted | llm.ToolCallDelta | llm.ToolCallFinished, ...]


class _Passage:
    """What has passed so far, and what waits for its end."""

    def __init__(self, guards: Sequence[ActiveGuard]) -> None:
        self._guards = guards
        self._clauses = SentenceSegmenter(every_clause=True)
        self._before = ""
        self._refusal = False  # whether what waits is one
        self._calls: _Calls = ()
        self._open_calls: set[str] = set()
        self._replaced_by: ActiveGuard | None = None  # the clause before
        self._dropping = False  # the rest of a sentence of which a clause was replaced
        self.ended = False

    def pieces(self, event: llm.Event) -> list[llm.TextDelta | _Calls]:
        """The clauses and calls that ``event`` completes."""
        match event:
            case llm.TextDelta():
                before = self._rest() if event.refusal != self._refusal else []
                self._refusal = event.refusal
                return [*before, *self._told(self._clauses.feed(event.text))]
            case llm.ToolCallStarted() | llm.ToolCallDelta() | llm.ToolCallFinished():
                before = self._rest() if not self._calls else []
                self._calls += (event,)
                if isinstance(event, llm.ToolCallStarted):
                    self._open_calls.add(event.call_id)
                elif isinstance(event, llm.ToolCallFinished):
                    self._open_calls.discard(event.call_id)
                if self._open_calls:
                    return [*before]
                calls, self._calls = self._calls, ()
                return [*before, calls]
            case llm.Finished():
                return [*self._rest()]
            case _:
                return []

    def _rest(self) -> list[llm.TextDelta]:
        """The clauses up to here; what follows begins a new one."""
        rest = self._clauses.finish()
        self._clauses = SentenceSegmenter(every_clause=True)
        return self._told(rest)

    def _told(self, clauses: list[str]) -> list[llm.TextDelta]:
        return [llm.TextDelta(text=clause, refusal=self._refusal) for clause in clauses]

    async def judged(self, piece: llm.TextDelta | _Calls) -> AsyncGenerator[Written, None]:
        """What goes on of ``piece``; afterwards the answer may have ``ended``."""
        if self._dropping and isinstance(piece, llm.TextDelta):
            self._dropping = not _ends_sentence(piece.text)
            return
        if isinstance(piece, llm.TextDelta):
            text, before = piece.text, self._before
        else:
            text, before = "\n".join(call.arguments for call in piece if isinstance(call, llm.ToolCallFinished)), ""
        guard = await self._flagging(text, before)
        if guard is None:
            self._replaced_by = None
            if isinstance(piece, llm.TextDelta):
                self._before = (before + text)[-LONGEST_BEFORE:]
                yield piece
            else:
                for call in piece:
                    yield call
            return
        yield Guarded(guard=guard.rules.name)
        self.ended = guard.rules.action != "replace"
        if guard.rules.action != "refuse" and self._replaced_by is not guard:  # the sentence is said once in a row
            space = text[: len(text) - len(text.lstrip())] if isinstance(piece, llm.TextDelta) else " "
            yield llm.TextDelta(text=(space if self._before or self._replaced_by else "") + guard.rules.sentence)
        self._before, self._replaced_by = "", guard
        self._dropping = isinstance(piece, llm.TextDelta) and not _ends_sentence(text)

    async def _flagging(self, text: str, before: str) -> ActiveGuard | None:
        for guard in self._guards:
            if await guard.flags(text, before):
                return guard
        return None


def _ends_sentence(clause: str) -> bool:
    text = clause.rstrip().rstrip("".join(punctuation.CLOSERS))
    return not text or text[-1] in punctuation.TERMINATORS
