"""Ranges are read as such; scores, codes, telephone numbers and subtractions are not."""

import pytest

from gateway.text.normalization.locale import locale_of
from gateway.text.normalization.ranges import RangeVerbalizer


def ranged(text: str, language: str = "en") -> str:
    ranges = RangeVerbalizer(locale_of(language))
    return ranges.verbalize(ranges.verbalize_names(text))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("3–5 km", "3 to 5 km"),
        ("3-5kg", "3 to 5kg"),
        ("20~30 seconds", "20 to 30 seconds"),
        ("20 – 30, 20 — 30", "20 to 30, 20 to 30"),
        ("5 - 10 kg", "5 to 10 kg"),
        ("1,000–2,500", "1,000 to 2,500"),
        ("1.5-2.5 l", "1.5 to 2.5 l"),
        ("-5–5", "-5 to 5"),
        ("−10–−5", "−10 to −5"),
        ("5kg–10kg, 5 °C - 10 °C", "5kg to 10kg, 5 °C to 10 °C"),
        ("$5–$10, $5 - $10", "$5 to $10, $5 to $10"),
        ("10%–20%, 10 % – 20 %", "10% to 20%, 10 % to 20 %"),
        ("9 a.m.–5 p.m., 9am - 5pm", "9 a.m. to 5 p.m., 9am to 5pm"),
        ("10:30–11:45", "10:30 to 11:45"),
        ("5th–7th", "5th to 7th"),
        ("A–Z, Q1–Q3", "A to Z, Q1 to Q3"),
        ("Mon–Fri, Jan.–Mar. 5", "Monday to Friday, January to March 5"),
        ("Mon., Tue. 5", "Monday, Tuesday 5"),
    ],
)
def test_ranges(written: str, said: str) -> None:
    assert ranged(written) == said


@pytest.mark.parametrize(
    "text",
    [
        "2-1",
        "10–5",
        "5 - 10?",
        "5 - 10 = -5",
        "12345-67890",
        "2024-10-03",
        "C–A",
        "T–R1",
        "a-b",
        "ISO 8601-1",
    ],
)
def test_what_is_no_range_is_kept(text: str) -> None:
    assert ranged(text) == text


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("de", "Mo.–Fr. 9–17", "Montag bis Freitag 9 bis 17"),
        ("de", "Di.–Do.", "Dienstag bis Donnerstag."),
        ("de", "Fr. 5. Mai", "Freitag 5. Mai"),
        ("fr", "lun.–ven.", "lundi à vendredi."),
        ("es", "lun.–vie. 9", "lunes a viernes 9"),
        ("it", "lun.-ven. 9", "lunedì a venerdì 9"),
        ("ja", "20~30", "20から30"),
        ("ru", "20~30", "20–30"),
        ("de", "1.000–2.000", "1.000 bis 2.000"),
    ],
)
def test_ranges_of_other_languages(language: str, written: str, said: str) -> None:
    assert ranged(written, language) == said
