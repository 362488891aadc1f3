"""The measurement of the codecs still runs, and every format is faster than it is heard."""

import pytest

from gateway.audio.encode import FORMATS
from tests.bench import codecs


def test_every_format_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    codecs.main(["--quick"])
    printed = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in printed[2:]] == list(FORMATS)


def test_what_is_measured_is_the_whole_speech() -> None:
    costs = codecs.measure(1, 1)
    pcm = costs["pcm"]
    assert pcm.size / 2 / 24_000 == pytest.approx(pcm.speech, abs=0.01)
    assert costs["wav"].size == pcm.size + 44
    assert 0 < costs["opus"].size < costs["flac"].size < pcm.size
