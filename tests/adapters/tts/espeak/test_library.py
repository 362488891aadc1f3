"""The espeak-ng library itself."""

from adapters.tts.espeak import library
from tests.support.workers import speech


def test_the_inventory_has_languages_with_other_names_and_variants() -> None:
    inventory = library.inventory()
    assert inventory.sample_rate == 22_050
    languages = {language.name: language for language in inventory.languages}
    assert languages["de"].identifier == "gmw/de"
    assert languages["en-us"].other_names["en"] > 0
    assert {"f1", "m3", "Annie"} <= inventory.variants


def test_phonemes_are_spoken_and_not_spelled() -> None:
    word, phonemes, letters = [len(speech(text, "gmw/en-US")) for text in ("hello", "[[h@l'oU]]", "h@l'oU")]
    assert abs(phonemes - word) < word / 10
    assert letters > 1.5 * word


def test_only_very_slow_speech_has_to_be_stretched() -> None:
    assert [library.stretch(speed) for speed in (4.0, 1.0, 0.5)] == [1.0, 1.0, 1.0]
    assert 0.5 < library.stretch(0.25) < 0.6
