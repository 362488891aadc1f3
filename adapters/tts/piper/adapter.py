"""The engine ``piper``: voices of the Piper project, one ONNX file and its JSON each, in worker processes."""

from pathlib import Path

import msgspec

from adapters.contract import tts
from adapters.contract.description import EngineDescription
from adapters.local.weights import Source
from adapters.tts.model_option import Model
from adapters.tts.phrase_synthesiser import PhraseSynthesiser, Voices
from adapters.tts.piper.source import source
from adapters.tts.piper.voices import ADAPTER, VoiceTable, find_voices


class Piper(PhraseSynthesiser):
    """Text to speech, phrase by phrase; the voices are named by their files, with ``+`` and a speaker if they have any.

    Piper is under the GPL, version 3; it and the espeak-ng inside it run in processes of their own.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Which voices."""

        tts_model: Model = None

    description = EngineDescription(rank=30, loads_weights=True)

    def __init__(self, options: Options) -> None:
        self._model = options.tts_model
        # The espeak-ng inside reads numbers in the voice's language; "[[" and "]]" enclose IPA.
        info = tts.Info(sample_rate=22_050, voices=(), default_voice="", reads=frozenset({"numbers"}), phonemes=True)
        super().__init__(adapter=ADAPTER, package="piper", info=info)

    def _source(self) -> Source:
        return source(self._model)

    def _find(self, place: Path) -> Voices:
        files = find_voices(place)
        table = VoiceTable(files)
        info = msgspec.structs.replace(
            self._info,
            sample_rate=files[0].sample_rate,
            voices=tuple(table.languages),
            default_voice=table.default,
            aliases=table.aliases,
            voice_languages=table.languages,
        )
        return Voices(files=tuple(file.path for file in files), info=info, speaker=table.speaker)
