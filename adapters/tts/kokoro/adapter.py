"""The engine ``kokoro``: the Kokoro model, an ONNX file and a file of voices, in worker processes."""

from pathlib import Path

import msgspec

from adapters.contract import tts
from adapters.contract.description import EngineDescription
from adapters.local.weights import Source
from adapters.tts.kokoro.model_files import find_model, source
from adapters.tts.kokoro.voices import ADAPTER, VoiceTable
from adapters.tts.model_option import Model
from adapters.tts.phrase_synthesiser import PhraseSynthesiser, Voices


class Kokoro(PhraseSynthesiser):
    """Text to speech, phrase by phrase; the first letter of a voice is its language, and ``+`` between voices mixes.

    The phonemiser, and the espeak-ng that it uses, are under the GPL, version 3; they run in processes of their own.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Which model."""

        tts_model: Model = None

    description = EngineDescription(rank=20, loads_weights=True)

    def __init__(self, options: Options) -> None:
        self._model = options.tts_model
        # It takes the marks in numbers, times and amounts for the ends of sentences.
        info = tts.Info(sample_rate=24_000, voices=(), default_voice="")
        super().__init__(adapter=ADAPTER, package="kokoro_onnx", info=info)

    def _source(self) -> Source:
        return source(self._model)

    def _find(self, place: Path) -> Voices:
        files = find_model(place)
        table = VoiceTable(files.names)
        info = msgspec.structs.replace(
            self._info,
            voices=table.names,
            default_voice=table.default,
            aliases=table.aliases,
            voice_languages=table.languages,
        )
        return Voices(files=(files.model, files.voices, files.vocabulary), info=info, speaker=table.speaker)
