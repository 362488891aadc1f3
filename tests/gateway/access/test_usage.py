"""The ledger: use adds up by key, day and route, and is forgotten after its days."""

import time

from gateway.access.usage import DAY_SECONDS, Ledger, Place, Use, day_of


def test_days_are_those_of_utc() -> None:
    assert day_of(0) == "1970-01-01"
    assert day_of(86_399.9) == "1970-01-01"
    assert day_of(86_400) == "1970-01-02"


def test_use_adds_up_and_what_is_speculative_is_apart() -> None:
    ledger = Ledger(31)
    today = day_of(time.time())
    place, guess = Place(day=today, key="a", route="m"), Place(day=today, key="a", route="m", speculative=True)
    ledger.add(place, Use(turns=1, input_tokens=5, audio_seconds=0.5))
    ledger.add(guess, Use(turns=1, output_tokens=2))
    ledger.add(place, Use(turns=1, output_tokens=3, audio_seconds=1.5, speech_characters=7, speech_seconds=2.5))
    assert ledger.all() == {
        place: Use(
            turns=2, input_tokens=5, output_tokens=3, audio_seconds=2.0, speech_characters=7, speech_seconds=2.5
        ),
        guess: Use(turns=1, output_tokens=2),
    }


def test_only_the_last_days_are_kept() -> None:
    ledger, now = Ledger(2), time.time()
    places = [Place(day=day_of(now - back * DAY_SECONDS), key="a", route="m") for back in (3, 2, 1, 0)]
    for place in places:
        ledger.add(place, Use(turns=1))
    assert set(ledger.all()) == set(places[2:])
    assert ledger.days(now) == [places[3].day, places[2].day]
