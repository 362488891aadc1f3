"""The errors of recordings that cannot be heard, in the words of OpenAI's API where it has some."""

from adapters.contract.errors import InvalidRequest, TooLong

_SUPPORTED = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")


def invalid(message: str, code: str = "invalid_value") -> InvalidRequest:
    """The recording is refused for the reason that ``message`` gives."""
    return InvalidRequest(message, param="audio", code=code)


def not_audio() -> InvalidRequest:
    """The file is not a recording in a known format."""
    return InvalidRequest(f"Invalid file format. Supported formats: {list(_SUPPORTED)}", param="audio")


def truncated() -> InvalidRequest:
    """The file ends before the end that it declares."""
    return invalid("The audio file is truncated: it holds less sound than it declares. Send the whole file.")


def too_short(minimum_seconds: float) -> InvalidRequest:
    """There is less sound than ``minimum_seconds``."""
    return invalid(
        f"Audio file is too short. Minimum audio length is {minimum_seconds:g} seconds.", code="audio_too_short"
    )


def too_long(most_seconds: float) -> TooLong:
    """There is more sound than ``most_seconds``."""
    return TooLong(
        f"The audio is longer than the {most_seconds:g} seconds this server takes: send a shorter recording.",
        param="audio",
        code="audio_too_long",
    )


def too_much_work() -> InvalidRequest:
    """Decoding takes too much time or memory, or ended the process that did it."""
    return invalid(
        "The audio file cannot be decoded: it is damaged, or decoding it takes more time or memory than this server "
        "allows. Send the recording as WAV, MP3, FLAC or Opus."
    )
