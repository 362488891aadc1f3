"""What callers are told of their limits, in OpenAI's words."""

import pytest

from gateway.access.standing import LimitReached, NothingAllowed, Standing, at_once_refusal, duration
from gateway.access.windows import Period, Quantity, Window


def window(quantity: Quantity, period: Period, limit: float, used: float) -> Window:
    return Window(quantity=quantity, period=period, limit=limit, previous=0, current=used, elapsed=20)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0s"), (0.0201, "21ms"), (1, "1s"), (1.2, "2s"), (60, "1m0s"), (359.5, "6m0s"), (86_400, "24h0m0s")],
)
def test_durations_are_written_as_openai_writes_them(seconds: float, written: str) -> None:
    assert duration(seconds) == written


def test_the_headers_tell_of_the_window_with_the_least_left() -> None:
    standing = Standing(
        own=(window("requests", "minute", 60, 10), window("requests", "day", 100, 95), window("tokens", "day", 9, 0)),
        everybody=(window("tokens", "minute", 1000, 997.5), window("audio_seconds", "day", 1, 1)),
    )
    assert standing.headers() == {
        "x-ratelimit-limit-requests": "100",
        "x-ratelimit-remaining-requests": "5",
        "x-ratelimit-reset-requests": "47h59m40s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "2",
        "x-ratelimit-reset-tokens": "1m40s",
    }
    assert Standing().headers() == {}


def test_a_spent_window_refuses_what_needs_it_and_nothing_else() -> None:
    standing = Standing(own=(window("tokens", "minute", 10, 12),), everybody=(window("audio_seconds", "day", 5, 5),))
    refusal = standing.refusal(("tokens",))
    assert isinstance(refusal, LimitReached)
    assert refusal.message == (
        "Rate limit reached for tokens per minute of this API key: limit 10, used 12. Please try again in 51s."
    )
    assert refusal.retry_after == pytest.approx(50, abs=0.1)
    assert "seconds of audio per day of all clients together" in str(standing.refusal(("audio_seconds",)))
    assert standing.refusal(("requests", "speech_seconds")) is None


def test_a_limit_of_nought_has_a_sentence_of_its_own() -> None:
    refusal = Standing(own=(window("tokens", "day", 0, 0),)).refusal(("tokens",))
    assert isinstance(refusal, NothingAllowed)
    assert refusal.message == "The limit of tokens per day of this API key is 0: none are allowed."
    assert refusal.retry_after is None
    assert isinstance(at_once_refusal(0, "turns", "this API key"), NothingAllowed)
    assert at_once_refusal(2, "sessions", "this API key").retry_after == 1.0
