import asyncio

import pytest

from adapters.contract import guard
from adapters.guards.patterns.adapter import PatternGuard
from adapters.options import BadOption


async def test_a_pattern_that_takes_for_ever_holds_nothing_up_and_the_next_text_is_judged() -> None:
    tested = PatternGuard(PatternGuard.Options(patterns=("(a+)+$", "kill")))
    await tested.warm_up()
    try:
        ticks = 0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                judging = asyncio.ensure_future(tested.check(guard.Request(text="a" * 40 + "!")))
                while not judging.done():
                    ticks += 1
                    await asyncio.sleep(0.01)
        judging.cancel()
        await asyncio.wait([judging])
        assert ticks > 5  # the loop went on
        assert (await tested.check(guard.Request(text="kill"))) == guard.Verdict(
            flagged=True, categories=("pattern 2",)
        )
    finally:
        await tested.aclose()


@pytest.mark.parametrize(
    ("patterns", "why"),
    [
        ((), "needs 'patterns'"),
        (("ok", "(unclosed"), "'\\(unclosed' is not a regular expression"),
        (("a*",), "'a\\*' matches an empty text"),
        (("x" * 100_001,), "longer than 100,000 characters"),
    ],
)
def test_what_cannot_be_looked_for(patterns: tuple[str, ...], why: str) -> None:
    with pytest.raises(BadOption, match=why):
        PatternGuard(PatternGuard.Options(patterns=patterns))
