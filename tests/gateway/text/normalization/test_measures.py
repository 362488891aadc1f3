"""Units, durations and rates: "m" is a minute behind hours, a slash behind a quantity is "per"."""

import pytest

from gateway.text.normalization.locale import locale_of
from gateway.text.normalization.measures import MeasureVerbalizer
from tests.gateway.text.normalization.spoken_text import spoken
from tests.gateway.text.normalization.test_characters import LANGUAGES


def measured(text: str, language: str = "en") -> str:
    measures = MeasureVerbalizer(locale_of(language))
    return measures.verbalize_lone_units(measures.verbalize(measures.verbalize_rates(text)))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("5 km, 1 km, 5-km", "5 kilometers, one kilometer, 5 kilometers"),
        ("2h 30m, 1h30m, 2 hr 30 min", "2 hours 30 minutes, one hour 30 minutes, 2 hours 30 minutes"),
        ("30m 15s, 5m30s", "30 minutes 15 sec, 5 minutes 30 sec"),
        ("1h 2m 3s", "one hour 2 minutes 3 sec"),
        ("30m, 5 m tall", "30 meters, 5 meters tall"),
        ("at 5 p.m. Then", "at 5 P M. Then"),
        ("in km/h, per km², m/s²", "in kilometers per hour, per square kilometer, meters per second squared"),
        ("5 s'il, 5m's", "5 s'il, 5m's"),
        ("100 km/h", "100 kilometers per hour"),
        ("5 mg/day, 5kWh/day", "5 milligrams per day, 5 kilowatt hours per day"),
        ("60 beats/min, 3 times/day", "60 beats per minute, 3 times per day"),
        ("$5/month, $5/mo. More", "$5 per month, $5 per month. More"),
        ("€10/kg, 5 $/person, $9/m²", "€10 per kilogram, 5 $ per person, $9 per square meter"),
        ("$3/person/day", "$3 per person per day"),
        ("50 Mbit/s", "50 megabits per second"),
        ("5 cats/dogs, 3/4, and/or", "5 cats/dogs, 3/4, and/or"),
    ],
)
def test_measures(written: str, said: str) -> None:
    assert measured(written).replace("seconds", "sec") == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_minutes_follow_hours_in_every_language(language: str) -> None:
    minutes, meters = spoken("2h 30min", language), spoken("30m", language)
    assert spoken("2h 30m", language) == spoken("2h30m", language) == minutes
    assert not minutes.endswith(meters)
    assert "m" not in minutes.split()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("written", ["20℃", "20°C", "20 °F", "20℉", "5‰", "5%", "90°", "5 km", "5㎏"])
def test_common_units_are_read_in_every_language(written: str, language: str) -> None:
    said = spoken(written, language)
    assert not set("℃℉°‰%㎏") & set(said)
    assert "kg" not in said.split()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rate_has_no_slash_in_any_language(language: str) -> None:
    for word in (*locale_of(language).rates, "kg" if language not in {"ta"} else "h"):
        assert "/" not in spoken(f"$5/{word}", language), word
