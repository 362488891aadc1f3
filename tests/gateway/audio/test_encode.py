"""Every format streams early, decodes to what went in and is free of seams."""

import io
import json
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from gateway.audio.decode import decode
from gateway.audio.encode import FORMATS, OUTPUT_RATE, Encoder, wav_header

RATE = 22_050
SECONDS = 2
CODED = [name for name in FORMATS if name != "pcm"]


def tone() -> bytes:
    samples = np.sin(np.arange(RATE * SECONDS) / RATE * 2 * np.pi * 440) * 9000
    return samples.astype("<i2").tobytes()


def encoded(name: str, pcm: bytes, step: int = RATE // 100 * 2) -> bytes:
    encoder = Encoder(name, sample_rate=RATE)
    blocks = [encoder.feed(pcm[start : start + step]) for start in range(0, len(pcm), step)]
    blocks.append(encoder.finish())
    encoder.close()
    return b"".join(blocks)


def assert_is_the_tone(pcm: bytes, rate: int, seconds: float = SECONDS) -> None:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    assert len(samples) / rate == pytest.approx(seconds, abs=0.1)
    loudest = np.argmax(np.abs(np.fft.rfft(samples))) * rate / len(samples)
    assert loudest == pytest.approx(440, abs=2)
    assert np.sqrt((samples**2).mean()) == pytest.approx(9000 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("name", CODED)
def test_our_own_decoder_reads_it_back(name: str) -> None:
    file = encoded(name, tone())
    assert_is_the_tone(b"".join(decode(file, sample_rate=16_000, max_seconds=60)), 16_000)


def test_pcm_is_the_samples_alone_and_never_half_of_one() -> None:
    encoder = Encoder("pcm", sample_rate=RATE)
    pcm = tone()
    blocks = [encoder.feed(pcm[start : start + 246]) for start in range(0, len(pcm), 246)] + [encoder.finish()]
    assert all(len(block) % 2 == 0 for block in blocks)
    assert_is_the_tone(b"".join(blocks), OUTPUT_RATE)


@pytest.mark.parametrize(
    ("name", "container", "codec"),
    [
        ("mp3", "mp3", "mp3float"),
        ("opus", "ogg", "libopus"),
        ("aac", "aac", "aac"),
        ("flac", "flac", "flac"),
        ("wav", "wav", "pcm_s16le"),
    ],
)
def test_it_is_the_container_and_codec_that_the_content_type_says(name: str, container: str, codec: str) -> None:
    with av.open(io.BytesIO(encoded(name, tone())), "r") as file:
        stream = file.streams.audio[0]
        assert file.format.name == container
        assert stream.codec_context.name in {codec, codec.removeprefix("lib"), codec.removesuffix("float")}
        assert stream.rate == (48_000 if name == "opus" else OUTPUT_RATE)
        assert stream.channels == 1


@pytest.mark.parametrize("name", ["wav", "mp3", "opus"])
def test_soundfile_reads_it_back(name: str) -> None:
    samples, rate = soundfile.read(io.BytesIO(encoded(name, tone())), dtype="int16")
    assert_is_the_tone(samples.astype("<i2").tobytes(), rate)


@pytest.mark.parametrize(
    ("name", "milliseconds"), [("mp3", 100), ("opus", 70), ("aac", 140), ("flac", 160), ("wav", 70), ("pcm", 70)]
)
def test_the_first_bytes_come_early(name: str, milliseconds: int) -> None:
    encoder = Encoder(name, sample_rate=RATE)
    samples = RATE * milliseconds // 1000
    first = b"".join(encoder.feed(tone()[start * 2 : (start + 100) * 2]) for start in range(0, samples, 100))
    encoder.close()
    assert first


def test_the_first_frame_of_mp3_waits_for_no_other() -> None:
    encoder = Encoder("mp3", sample_rate=OUTPUT_RATE)
    assert encoder.feed(tone()[: OUTPUT_RATE * 2 * 60 // 1000])
    encoder.close()


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_keep_coming_in_time(name: str) -> None:
    encoder = Encoder(name, sample_rate=RATE)
    step = RATE // 5 * 2
    pcm = tone()
    sizes = [len(encoder.feed(pcm[start : start + step])) for start in range(0, len(pcm), step)]
    encoder.close()
    assert all(sizes)


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_comes_before_there_is_sound(name: str) -> None:
    encoder = Encoder(name, sample_rate=RATE)
    assert encoder.feed(b"") == b""
    assert encoder.feed(b"\0\0") == b""
    encoder.close()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("size", [0, 2, 2000, 20_000])
def test_closing_early_and_twice_is_harmless(name: str, size: int) -> None:
    encoder = Encoder(name, sample_rate=RATE)
    encoder.feed(bytes(size))
    encoder.close()
    encoder.close()


@pytest.mark.parametrize("name", FORMATS)
def test_it_makes_no_difference_when_the_codec_was_opened(name: str) -> None:
    files = []
    for early in (True, False):
        encoder = Encoder(name, sample_rate=OUTPUT_RATE)
        if early:
            encoder.open()
        files.append(encoder.feed(tone()) + encoder.finish())
        encoder.close()
    assert len(files[0]) == len(files[1])
    assert name == "opus" or files[0] == files[1]  # an Ogg stream has a random number, and checksums over it


def test_a_lossless_format_has_as_many_samples_and_no_more() -> None:
    with av.open(io.BytesIO(encoded("flac", tone())), "r") as file:
        samples = b"".join(frame.to_ndarray().tobytes() for frame in file.decode(audio=0))
    assert len(samples) == len(encoded("pcm", tone()))


@pytest.mark.parametrize(
    ("name", "is_headed"),
    [("mp3", False), ("opus", False), ("aac", False), ("flac", True), ("wav", True), ("pcm", False)],
)
def test_an_answer_without_sound_is_no_more_than_a_header(name: str, is_headed: bool) -> None:
    file = encoded(name, b"")
    assert len(file) < 200
    assert bool(file) is is_headed


def test_a_streamed_wav_declares_an_unknown_size() -> None:
    file = encoded("wav", tone())
    assert file[:4] + file[8:16] == b"RIFFWAVEfmt "
    assert file[4:8] == file[40:44] == b"\xff\xff\xff\xff"
    assert len(file) == 44 + SECONDS * OUTPUT_RATE * 2


def test_a_whole_wav_has_a_true_header() -> None:
    file = wav_header(OUTPUT_RATE, 4800) + bytes(4800)
    info = soundfile.info(io.BytesIO(file))
    assert (info.frames, info.samplerate, info.channels, info.subtype) == (2400, OUTPUT_RATE, 1, "PCM_16")
    assert int.from_bytes(file[4:8], "little") == len(file) - 8


def test_an_unknown_format_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Encoder("wma", sample_rate=RATE)


@pytest.mark.parametrize("name", CODED)
def test_ffprobe_agrees(name: str, tmp_path: Path) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("needs ffprobe")
    path = tmp_path / f"answer.{FORMATS[name].extension}"
    path.write_bytes(encoded(name, tone()))
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(path)]
    (stream,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    assert (stream["codec_type"], stream["channels"]) == ("audio", 1)
