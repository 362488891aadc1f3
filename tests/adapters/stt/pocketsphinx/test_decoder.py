"""The segments of the decoder as words."""

from adapters.contract import stt
from adapters.stt.pocketsphinx.decoder import spoken_words


def test_segments_lose_what_is_not_a_word() -> None:
    segments = [
        ("<s>", 0, 9),
        ("[NOISE]", 10, 19),
        ("a(2)", 20, 29),
        ("<sil>", 30, 34),
        ("dragon", 35, 79),
        ("</s>", 80, 81),
    ]
    assert spoken_words(segments, 100) == [
        stt.Word(text="a", start=0.2, end=0.3),
        stt.Word(text="dragon", start=0.35, end=0.8),
    ]
