"""The file that ``ask`` writes the spoken answer to."""

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import soundfile

from adapters.contract.audio import SAMPLE_BYTES
from gateway.audio.encode import FORMATS, OUTPUT_RATE
from gateway.audio.whole_file import LENGTH_IN_HEADER
from gateway.settings.model import SettingsError

UNWRITABLE = (OSError, soundfile.LibsndfileError)
"""What a full disk, or a place where nothing may be written, raises."""


class NoAnswer(Exception):
    """The answer did not come whole, or could not be written; the message is one line."""


class AnswerFile:
    """Where the answer is written while it arrives; the ending of its name says in which format.

    It is written beside ``path`` and renamed when it is whole: an older answer survives a failure. For a format whose
    header tells its length the wire carries plain PCM, its ``wire_format``. Making and entering it raise
    ``SettingsError``; writing and leaving raise ``NoAnswer`` when the disk is full.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._format = self._path.suffix.removeprefix(".").lower()
        if self._format not in FORMATS:
            raise SettingsError(f"Cannot tell the format of {path!r}; its name must end in .{', .'.join(FORMATS)}.")
        try:
            folder, taken = self._path.parent.is_dir(), self._path.is_dir()
        except OSError as error:  # a name that is too long, for one
            raise SettingsError(self._refusal(error)) from None
        if not folder:
            raise SettingsError(f"Cannot write {path!r}: there is no folder {str(self._path.parent)!r}.")
        if taken:
            raise SettingsError(f"Cannot write {path!r}: it is a folder; name a file.")
        self._part = self._path.with_name(f".speech-to-speech-{os.getpid()}.part")
        self.wire_format = "pcm" if self._format in LENGTH_IN_HEADER else self._format
        self._written = 0
        self._split = b""
        self._file: BinaryIO | soundfile.SoundFile

    def __enter__(self) -> Self:
        try:
            self._part.touch()  # its error says what is wrong, libsndfile's does not
            if self._format in LENGTH_IN_HEADER:
                container = {"format": self._format.upper(), "subtype": "PCM_16"}
                self._file = soundfile.SoundFile(str(self._part), "w", OUTPUT_RATE, 1, **container)
            else:
                self._file = self._part.open("wb")
        except UNWRITABLE as error:
            raise SettingsError(self._refusal(error)) from None
        return self

    def write(self, data: bytes) -> None:
        """Add to the answer."""
        try:
            if isinstance(self._file, soundfile.SoundFile):
                data = self._split + data
                whole = len(data) // SAMPLE_BYTES * SAMPLE_BYTES
                self._split = data[whole:]  # a slice may end within a sample
                data = data[:whole]
                self._file.buffer_write(data, "int16")
            else:
                self._file.write(data)
            self._written += len(data)
        except UNWRITABLE as error:
            raise NoAnswer(self._refusal(error)) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        whole = error is None and self._written > 0
        try:
            self._file.close()
            if whole:
                self._part.replace(self._path)
        except UNWRITABLE as failure:
            if error is None:
                raise NoAnswer(self._refusal(failure)) from None
        finally:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)

    def _refusal(self, error: Exception) -> str:
        reason = error.strerror if isinstance(error, OSError) else "the disk may be full"
        return f"Cannot write {str(self._path)!r}: {reason}."

    def summary(self) -> str:
        """One line about the file, for the terminal."""
        if not self._written:
            return "There was nothing to say, so no file was written."
        if self.wire_format == "pcm":
            return f"wrote:  {self._path} ({self._written / (SAMPLE_BYTES * OUTPUT_RATE):.1f} s)"
        return f"wrote:  {self._path} ({self._written} bytes)"
