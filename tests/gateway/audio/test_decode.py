"""Whatever was recorded is decoded; whatever was not, or is broken, is refused in a sentence."""

import io
import struct
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from adapters.contract.errors import InvalidRequest, TooLong
from gateway.audio.decode import decode, decode_blocks
from gateway.audio.encode import Encoder, wav_header

RATE = 48_000
SECONDS = 2
TONE = np.sin(np.arange(RATE * SECONDS) / RATE * 2 * np.pi * 440) * 0.3


def with_soundfile(container: str, subtype: str, channels: int = 2) -> bytes:
    file = io.BytesIO()
    columns = np.repeat(TONE[:, None], channels, axis=1)
    soundfile.write(file, columns, RATE, format=container, subtype=subtype)
    return file.getvalue()


def with_ffmpeg(container: str, codec: Any, **options: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options) as output:
        stream = output.add_stream(codec, rate=RATE)
        stream.layout = "stereo"
        frame = av.AudioFrame.from_ndarray((np.repeat(TONE, 2) * 32767).astype("<i2")[None], "s16", "stereo")
        frame.sample_rate = RATE
        frame.pts = 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def silent_film() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        output.mux(stream.encode(None))
    return file.getvalue()


RECORDINGS: dict[str, Callable[[], bytes]] = {
    "wav": lambda: with_soundfile("WAV", "PCM_16"),
    "wav mono": lambda: with_soundfile("WAV", "PCM_16", 1),
    "wav 8 bit": lambda: with_soundfile("WAV", "PCM_U8"),
    "wav 24 bit": lambda: with_soundfile("WAV", "PCM_24"),
    "wav float": lambda: with_soundfile("WAV", "FLOAT"),
    "wav double": lambda: with_soundfile("WAV", "DOUBLE"),
    "wav µ-law": lambda: with_soundfile("WAV", "ULAW"),
    "wav extensible, six channels": lambda: with_soundfile("WAVEX", "PCM_24", 6),
    "rf64": lambda: with_soundfile("RF64", "PCM_16"),
    "aiff": lambda: with_soundfile("AIFF", "PCM_16"),
    "flac": lambda: with_soundfile("FLAC", "PCM_24"),
    "vorbis": lambda: with_soundfile("OGG", "VORBIS"),
    "au": lambda: with_soundfile("AU", "PCM_16"),
    "caf": lambda: with_soundfile("CAF", "PCM_16"),
    "mp3": lambda: with_ffmpeg("mp3", "libmp3lame"),
    "mp3 without a tag": lambda: with_ffmpeg("mp3", "libmp3lame", id3v2_version="0", write_xing="0"),
    "aac": lambda: with_ffmpeg("adts", "aac"),
    "m4a": lambda: with_ffmpeg("mp4", "aac"),
    "m4a in fragments": lambda: with_ffmpeg("mp4", "aac", movflags="frag_keyframe+empty_moov"),
    "webm": lambda: with_ffmpeg("webm", "libopus"),
    "webm live": lambda: with_ffmpeg("webm", "libopus", live="1"),
    "opus": lambda: with_ffmpeg("ogg", "libopus"),
}


def whole(data: bytes, *, sample_rate: int = 16_000, max_seconds: float = 60) -> bytes:
    return b"".join(decode_blocks(data, sample_rate=sample_rate, max_seconds=max_seconds))


def refusal(data: bytes, max_seconds: float = 60) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        whole(data, max_seconds=max_seconds)
    assert caught.value.param == "audio"
    return caught.value


def assert_is_the_tone(pcm: bytes) -> None:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    assert len(samples) / 16_000 == pytest.approx(SECONDS, abs=0.06)
    assert np.argmax(np.abs(np.fft.rfft(samples))) * 16_000 / len(samples) == pytest.approx(440, abs=2)
    assert np.sqrt((samples**2).mean()) == pytest.approx(0.3 * 32768 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("recording", RECORDINGS)
def test_it_decodes(recording: str) -> None:
    assert_is_the_tone(whole(RECORDINGS[recording]()))


WRITABLE = [
    (container, subtype)
    for container in ("WAV", "AIFF")
    for subtype in soundfile.available_subtypes(container)
    if subtype not in {"MPEG_LAYER_III", "DWVW_12"}  # these two soundfile itself cannot write
]
READ_BY_NOBODY = {"DWVW_16", "DWVW_24"}


@pytest.mark.parametrize(("container", "subtype"), WRITABLE)
def test_every_codec_of_wav_and_aiff_is_decoded_or_refused(container: str, subtype: str) -> None:
    file = with_soundfile(container, subtype, channels=1)
    if subtype in READ_BY_NOBODY:
        assert refusal(file).message.startswith("Invalid file format")
    else:
        assert_is_the_tone(whole(file))


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0xFFFF_FFFF - 36])
def test_a_streamed_wav_has_no_true_size(size: int) -> None:
    file = with_soundfile("WAV", "PCM_16")
    at = file.index(b"data") + 4
    assert_is_the_tone(whole(file[:at] + struct.pack("<I", size) + file[at + 4 :]))


def test_our_own_streamed_flac_is_not_taken_for_truncated() -> None:
    encoder = Encoder("flac", sample_rate=16_000)
    file = encoder.feed(bytes(64_000)) + encoder.finish()
    assert len(whole(file)) == 64_000


def test_channels_are_averaged_and_loud_floats_clipped() -> None:
    file = io.BytesIO()
    soundfile.write(file, np.tile([[1.5, 1.5]], (1600, 1)), 16_000, format="WAV", subtype="FLOAT")
    assert set(np.frombuffer(whole(file.getvalue()), "<i2")) == {32767}
    file = io.BytesIO()
    soundfile.write(file, np.tile([[0.5, -0.5]], (1600, 1)), 16_000, format="WAV", subtype="FLOAT")
    assert set(np.frombuffer(whole(file.getvalue()), "<i2")) == {0}


@pytest.mark.parametrize("recording", ["wav", "wav float", "aiff", "flac", "m4a", "m4a in fragments"])
def test_a_truncated_file_is_named_so(recording: str) -> None:
    file = RECORDINGS[recording]()
    error = refusal(file[: len(file) // 2])
    assert error.message.startswith("The audio file is truncated: ")
    assert error.code == "invalid_value"


@pytest.mark.parametrize("recording", ["mp3", "webm", "opus", "aac"])
def test_formats_without_a_declared_length_give_what_is_there(recording: str) -> None:
    file = RECORDINGS[recording]()
    assert 0.2 < len(whole(file[: len(file) * 3 // 4])) / 32_000 < SECONDS


@pytest.mark.parametrize(
    "data",
    [
        b"Good morning, this is a letter.\n" * 100,
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
        b"\x89PNG\r\n\x1a\n" + bytes(300),
        b"ID3" + bytes(300),
        b"RIFF\x24\0\0\0WAVE",
        b"\0",
        bytes(5000),
        b"\xff\xfb" + bytes(5000),
    ],
)
def test_what_is_not_audio_is_refused(data: bytes) -> None:
    assert refusal(data).message == (
        "Invalid file format. Supported formats: "
        "['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', 'oga', 'ogg', 'wav', 'webm']"
    )


def test_an_empty_file_a_short_one_and_a_silent_film_are_refused() -> None:
    assert refusal(b"").message == "The audio file is empty."
    short = refusal(wav_header(16_000, 3000) + bytes(3000))
    assert (short.code, short.message) == (
        "audio_too_short",
        "Audio file is too short. Minimum audio length is 0.1 seconds.",
    )
    assert refusal(silent_film()).message == "The file has no audio track."


def test_a_tenth_of_a_second_is_long_enough() -> None:
    assert len(whole(wav_header(16_000, 3200) + bytes(3200))) == 3200


def test_hours_in_a_small_file_are_refused_at_the_limit_without_holding_them() -> None:
    encoder = Encoder("flac", sample_rate=24_000)
    hour = b"".join(encoder.feed(bytes(48_000)) for _ in range(1200)) + encoder.finish()
    tracemalloc.start()
    blocks = decode_blocks(hour, sample_rate=16_000, max_seconds=10)
    taken = 0

    def drain() -> None:
        nonlocal taken
        for block in blocks:
            taken += len(block)

    with pytest.raises(TooLong) as caught:
        drain()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken <= 10 * 32_000
    assert peak < 8_000_000
    assert (caught.value.code, caught.value.param) == ("audio_too_long", "audio")
    assert "10 seconds" in caught.value.message


def test_absurd_headers_are_refused() -> None:
    for rate in (1, 2_000_000_000):
        assert refusal(wav_header(rate, 100_000) + bytes(100_000)).message.startswith("Invalid file format")
    header = bytearray(wav_header(16_000, 262_144))
    header[22:24], header[32:34] = b"\xff\xff", b"\xff\xff"
    refusal(bytes(header) + bytes(262_144))


@pytest.mark.parametrize("recording", ["wav 24 bit", "flac", "vorbis", "mp3", "m4a", "webm", "aiff"])
def test_damage_gives_sound_or_a_refusal_and_nothing_on_the_terminal(
    recording: str, capfd: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(1)
    original = RECORDINGS[recording]()
    messages = []
    for reach in (40, 400, len(original)) * 8:
        damaged = bytearray(original)
        for at in random.integers(0, reach, size=10):
            damaged[at] = random.integers(256)
        try:
            whole(bytes(damaged))
        except InvalidRequest as error:
            messages.append(error.message)
    assert all(message.endswith((".", "]")) for message in messages)
    assert capfd.readouterr() == ("", "")


def test_blocks_are_a_quarter_of_a_second() -> None:
    sizes = [len(block) for block in decode_blocks(RECORDINGS["mp3"](), sample_rate=16_000, max_seconds=60)]
    assert set(sizes[:-1]) == {8000}
    assert 0 < sizes[-1] <= 8000


async def test_it_decodes_beside_the_event_loop() -> None:
    async with aclosing(decode(RECORDINGS["m4a"](), sample_rate=16_000, max_seconds=60)) as blocks:
        assert_is_the_tone(b"".join([block async for block in blocks]))


@pytest.mark.parametrize(("subtype", "beside"), [("PCM_16", False), ("IMA_ADPCM", True), ("PCM_U8", True)])
async def test_only_short_plain_wav_is_decoded_on_the_event_loop(subtype: str, beside: bool) -> None:
    """Whatever else is short may still be long work: IMA ADPCM holds four times the sound in its bytes."""
    file = with_soundfile("WAV", subtype, channels=1)
    assert len(file) < 262_144
    async with aclosing(decode(file, sample_rate=16_000, max_seconds=60)) as blocks:
        await anext(blocks)
        # The thread cannot be through: it runs four blocks ahead, and there are eight.
        assert any(thread.name == "iterate" for thread in threading.enumerate()) == beside


async def test_a_reader_may_leave_early() -> None:
    async with aclosing(decode(RECORDINGS["wav"](), sample_rate=16_000, max_seconds=60)) as blocks:
        assert await anext(blocks)


async def test_errors_reach_the_reader() -> None:
    async with aclosing(decode(RECORDINGS["wav"](), sample_rate=16_000, max_seconds=1)) as blocks:
        with pytest.raises(TooLong):
            async for _ in blocks:
                pass
