"""Whatever was recorded is decoded; whatever was not, or is broken, is refused in a sentence."""

import io
import struct
import tracemalloc
from collections.abc import Callable, Generator
from contextvars import copy_context

import av
import numpy as np
import pytest
import soundfile

from adapters.contract.errors import InvalidRequest, TooLong
from gateway.audio import ffmpeg
from gateway.audio.decode import decode
from gateway.audio.encode import Encoder, wav_header
from tests.support.recordings import encoded, packets, sound, tone

RATE = 48_000
SECONDS = 2
TONE = tone(SECONDS, RATE) / 32768


def with_soundfile(container: str, subtype: str, channels: int = 2) -> bytes:
    return sound(np.repeat(TONE[:, None], channels, axis=1), RATE, container, subtype)


def with_ffmpeg(container: str, codec: str, **options: str) -> bytes:
    return encoded(container, codec, layout="stereo", rate=RATE, seconds=SECONDS, **options)


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
    "wav 64 bit": lambda: with_ffmpeg("wav", "pcm_s64le"),
    "mov 64 bit float": lambda: with_ffmpeg("mov", "pcm_f64le"),
    "wav extensible, six channels": lambda: with_soundfile("WAVEX", "PCM_24", 6),
    "wav, 24 channels": lambda: with_soundfile("WAV", "PCM_16", 24),
    "rf64": lambda: with_soundfile("RF64", "PCM_16"),
    "aiff": lambda: with_soundfile("AIFF", "PCM_16"),
    "alac": lambda: with_ffmpeg("ipod", "alac"),
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
    return b"".join(decode(data, sample_rate=sample_rate, max_seconds=max_seconds))


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
    # soundfile itself cannot write the first two; FFmpeg reads the last one as G.726, too loud by a third.
    if subtype not in {"MPEG_LAYER_III", "DWVW_12", "G721_32"}
]
READ_BY_NOBODY = {"DWVW_16", "DWVW_24", "NMS_ADPCM_16", "NMS_ADPCM_24", "NMS_ADPCM_32"}


@pytest.mark.parametrize(("container", "subtype"), WRITABLE)
def test_every_codec_of_wav_and_aiff_is_decoded_or_refused(container: str, subtype: str) -> None:
    file = with_soundfile(container, subtype, channels=1)
    if subtype in READ_BY_NOBODY:
        assert refusal(file).message.startswith("Invalid file format")
    else:
        assert_is_the_tone(whole(file))


PLACEHOLDERS = [
    *(0, 0xFFFF_FFFF, 0xFFFF_FFFF - 36, 0xFFFF_F000, 0x8000_0000, 0x7FFF_FFFF, 0x7FFF_FFFF - 36, 0x7FFF_F000),
    *(0x7FFF_0000, 0x7F00_0000, 0x4000_0000, 2_000_000_000, 1_000_000_000, 999_999_999),
]


@pytest.mark.parametrize("size", PLACEHOLDERS)
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "ULAW"])
def test_a_streamed_wav_has_no_true_size(size: int, subtype: str) -> None:
    file = with_soundfile("WAV", subtype)
    at = file.index(b"data") + 4
    assert_is_the_tone(whole(file[:at] + struct.pack("<I", size) + file[at + 4 :]))


@pytest.mark.parametrize("size", [size for size in PLACEHOLDERS if size])
def test_a_streamed_aiff_has_no_true_size(size: int) -> None:
    file = with_soundfile("AIFF", "PCM_16")
    at = file.index(b"SSND") + 4
    assert_is_the_tone(whole(file[:at] + struct.pack(">I", size) + file[at + 4 :]))


@pytest.mark.parametrize("frames", [0, 2**36 - 1])
def test_a_streamed_flac_has_no_true_length(frames: int) -> None:
    file = bytearray(with_soundfile("FLAC", "PCM_16"))
    at = file.index(b"fLaC") + 8 + 13  # the length is the last 36 of the 64 bits that begin at byte 10
    file[at] = file[at] & 0xF0 | frames >> 32
    file[at + 1 : at + 5] = struct.pack(">I", frames & 0xFFFF_FFFF)
    assert_is_the_tone(whole(bytes(file)))


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


FIRST = [
    ("ogg", "libopus", "mono", 48_000),
    ("ogg", "libopus", "stereo", 48_000),
    ("ogg", "flac", "stereo", 44_100),
]


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("second", [*FIRST, ("vorbis",)])
def test_every_link_of_a_chained_ogg_is_heard(first: tuple[str, str, str, int], second: tuple[str, ...]) -> None:
    def link(container: str, codec: str = "", layout: str = "", rate: int = 0) -> bytes:
        if container == "vorbis":
            return sound(tone(1, 22_050), 22_050, "OGG", "VORBIS")
        return encoded(container, codec, layout=layout, rate=rate, seconds=1)

    assert_is_the_tone(whole(link(*first) + link(*second)))  # type: ignore[arg-type]  # a table of two kinds of rows


@pytest.mark.parametrize(
    ("container", "codec"), [("mp3", "libmp3lame"), ("adts", "aac"), ("webm", "libopus"), ("flac", "flac")]
)
def test_recordings_one_after_the_other_are_heard(container: str, codec: str) -> None:
    assert_is_the_tone(whole(encoded(container, codec, rate=RATE) * 2))


@pytest.mark.parametrize(
    ("container", "codec", "layout", "channels"),
    [("webm", "libopus", "7.1", 8), ("mov", "aac", "octagonal", 8), ("mov", "aac", "hexadecagonal", 16)],
)
def test_more_channels_than_can_be_read_safely_are_refused(
    container: str, codec: str, layout: str, channels: int
) -> None:
    error = refusal(encoded(container, codec, layout=layout, rate=RATE))
    assert f"The recording has {channels} channels" in error.message
    assert error.code == "invalid_value"


def test_seven_channels_are_read() -> None:
    assert_is_the_tone(whole(encoded("webm", "libopus", layout="6.1", rate=RATE, seconds=SECONDS)))


def test_a_huge_packet_is_converted_in_steps() -> None:
    file = packets("matroska", "pcm_u8", [bytes([200]) * 4_000_000], rate=48_000)
    tracemalloc.start()
    pcm = whole(file, max_seconds=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(pcm) == 4_000_000 // 3 * 2
    assert set(np.frombuffer(pcm, "<i2")[1000:-1000]) <= {18431, 18432, 18433}  # 72/128 of full scale
    assert peak < 30_000_000


def test_work_out_of_proportion_to_the_sound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def process_time() -> float:
        nonlocal now
        now += 0.001
        return now

    monkeypatch.setattr("time.process_time", process_time)
    assert_is_the_tone(whole(RECORDINGS["webm"]()))
    crumbs = packets("matroska", "pcm_s16le", [b"\x00\x10"] * 16_000)
    assert "takes more time or memory" in refusal(crumbs).message


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
    blocks = decode(hour, sample_rate=16_000, max_seconds=10)
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


def test_who_reads_a_recording_keeps_their_own_handling_of_numbers_that_are_none() -> None:
    own = np.geterr()
    blocks = ffmpeg.read(with_ffmpeg("mp3", "libmp3lame"), "mp3")
    next(blocks)
    assert np.geterr() == own
    assert isinstance(blocks, Generator)
    copy_context().run(blocks.close)  # as when they are left to the garbage collector
