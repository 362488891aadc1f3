"""Finds Piper's voice files, and the voice among them for a name and a language as clients write them."""

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

import msgspec

from adapters.contract.errors import InvalidRequest, Unsupported
from adapters.options import BadOption
from adapters.tts.openai_voices import OPENAI_VOICES
from adapters.tts.phrase_workers import Speaker

ADAPTER = "piper"
_PHONEMISERS = ("espeak", "text")  # those that piper-tts brings along


class _Audio(msgspec.Struct, frozen=True):
    sample_rate: int


class _Espeak(msgspec.Struct, frozen=True):
    voice: str


class _Language(msgspec.Struct, frozen=True):
    family: str


class _Config(msgspec.Struct, frozen=True):
    """What is read of a voice's JSON."""

    audio: _Audio
    espeak: _Espeak
    language: _Language | None = None
    num_speakers: int = 1
    speaker_id_map: dict[str, int] = {}
    phoneme_type: str = "espeak"


class VoiceFile(msgspec.Struct, frozen=True, kw_only=True):
    """One voice file: ``language`` is ISO 639-1; ``speakers`` has their names and numbers, empty for a single one."""

    name: str
    path: str
    sample_rate: int
    language: str
    speakers: Mapping[str, int]

    @property
    def voices(self) -> tuple[str, ...]:
        """The names of its voices: the file's own, and with ``+`` and a speaker."""
        return (self.name, *(f"{self.name}+{speaker}" for speaker in self.speakers))


def find_voices(path: Path) -> tuple[VoiceFile, ...]:
    """The voice files of a folder or one file, sorted by name. Raises ``BadOption``."""
    model = str(path)
    if not path.exists():
        raise BadOption(
            f"--tts_model {model!r} does not exist; give an .onnx file of a Piper voice, a folder, or a voice's name, "
            "such as en_US-ljspeech-medium."
        )
    files = sorted(path.glob("*.onnx")) if path.is_dir() else [path]
    if not files:
        raise BadOption(f"--tts_model {model!r} is a folder without an .onnx file; put a Piper voice there.")
    found = tuple(_read(file) for file in files)
    for voice in found:
        if voice.sample_rate != found[0].sample_rate:
            raise BadOption(
                f"--tts_model {model!r} has voices of different sample rates: {found[0].name} of "
                f"{found[0].sample_rate} Hz, {voice.name} of {voice.sample_rate} Hz; keep those of one rate there."
            )
    return found


def _read(file: Path) -> VoiceFile:
    beside = Path(f"{file}.json")
    if not beside.is_file():
        raise BadOption(f"The Piper voice {str(file)!r} lacks its description; put {beside.name} beside it.")
    try:
        config = msgspec.json.decode(beside.read_bytes(), type=_Config)
    except (OSError, msgspec.DecodeError) as error:
        raise BadOption(f"{str(beside)!r} is not the description of a Piper voice; download it again.") from error
    if config.phoneme_type not in _PHONEMISERS:
        raise BadOption(
            f"The Piper voice {file.stem!r} needs the phonemiser {config.phoneme_type!r}, which is not supported; "
            "choose another voice."
        )
    return VoiceFile(
        name=file.stem,
        path=str(file),
        sample_rate=config.audio.sample_rate,
        # Older descriptions have the voice of espeak-ng only, whose name begins with a language.
        language=config.language.family if config.language else config.espeak.voice.partition("-")[0],
        speakers=config.speaker_id_map if config.num_speakers > 1 else {},
    )


class VoiceTable:
    """The voices of all files; the first one speaks when none is named, OpenAI's names are spread over its language."""

    def __init__(self, files: tuple[VoiceFile, ...]) -> None:
        self.default = files[0].name
        self.languages = {name: file.language for file in files for name in file.voices}
        alike = [file for file in files if file.language == files[0].language]
        # A file with speakers is also its first speaker: that one would be there twice.
        different = [name for file in alike for name in file.voices[1:] or file.voices]
        self.aliases = dict(zip(OPENAI_VOICES, cycle(different), strict=False))

    def speaker(self, name: str | None, language: str | None) -> Speaker:
        """Who is meant; ``language`` decides where no voice of this engine is named.

        Raises ``InvalidRequest`` for a voice and ``Unsupported`` for a language that there is not.
        """
        if name in self.languages:
            return Speaker(voice=name)
        if name and name.lower() not in self.aliases:
            raise InvalidRequest(
                f"There is no voice {name!r}; take 'alloy' or another of OpenAI's names, or one of: {self._choices()}.",
                adapter=ADAPTER,
                param="voice",
                code="invalid_value",
            )
        meant = self.aliases[name.lower()] if name else self.default
        if language is None:
            return Speaker(voice=meant)
        code = language.lower().partition("-")[0]
        fitting = [voice for voice, spoken in self.languages.items() if spoken == code]
        if not fitting:
            raise Unsupported(
                f"No voice of --tts_model speaks {language!r}, only {', '.join(sorted(set(self.languages.values())))}.",
                adapter=ADAPTER,
                param="language",
            )
        return Speaker(voice=meant if meant in fitting else fitting[0])

    def _choices(self) -> str:
        names = list(self.languages)
        return ", ".join(names[:10]) + (" and others" if len(names) > 10 else "")
