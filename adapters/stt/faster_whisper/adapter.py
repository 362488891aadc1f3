"""The recogniser ``faster-whisper``: one Whisper by CTranslate2 in this process for all sessions."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from adapters.blocking import Batch
from adapters.contract.description import EngineDescription
from adapters.contract.errors import AdapterError
from adapters.local import requirements, weights
from adapters.stt.faster_whisper import loader
from adapters.stt.faster_whisper.errors import ADAPTER, load_error
from adapters.stt.local_options import LocalOptions
from adapters.stt.local_recogniser import LocalRecogniser
from adapters.stt.recognition import ModelFacts, Recognised, RecognitionRequest


class FasterWhisper(LocalRecogniser):
    """Whisper in all its sizes; the model is a size (``base``), a hub id, or a folder."""

    class Options(LocalOptions, frozen=True, kw_only=True):
        """Which model, on which device, and how it is computed."""

        stt_compute_type: Annotated[
            Annotated[str, Meta(min_length=1)] | None,
            Meta(description="CTranslate2's type of computation; when unset int8 on a CPU, the model's own on a GPU."),
        ] = None
        stt_beam_size: Annotated[
            int, Meta(ge=1, le=20, description="Hypotheses that are followed; more is slower and slightly better.")
        ] = 1
        stt_short_windows: Annotated[
            bool,
            Meta(description="Compute short recordings in windows of their length, not of 30 s: several times faster."),
        ] = True

    description = EngineDescription(rank=30, model_option="stt_model", loads_weights=True)

    def __init__(self, options: Options) -> None:
        self._options = options
        self._folder = Path()
        super().__init__(adapter=ADAPTER, max_parallel=options.stt_max_parallel)

    def preflight(self) -> None:
        """Check the packages, the device and the model. Raises ``BadOption``."""
        requirements.check_installed(
            "--stt faster-whisper", "faster-whisper", "faster_whisper", "ctranslate2", "huggingface_hub"
        )
        loader.check_device(self._options.stt_device, self._options.stt_compute_type)
        loader.check_model(self._model())

    async def warm_up(self) -> None:
        """Load the model, and download it first if it is not here. Raises ``Unavailable``, ``UpstreamError``."""
        self._folder = await weights.fetch(loader.source(self._model()), adapter=ADAPTER)
        await super().warm_up()

    def _model(self) -> str:
        return self._options.stt_model or loader.default_model(self._options.stt_device)

    def _load(self) -> tuple[Batch[RecognitionRequest, Recognised], ModelFacts]:
        from adapters.stt.faster_whisper import batched, decoding  # noqa: PLC0415 - they import the library

        options = self._options
        model = loader.load_model(self._folder, device=options.stt_device, compute_type=options.stt_compute_type)
        decoder = decoding.WindowDecoder(model, beam_size=options.stt_beam_size, short=options.stt_short_windows)
        return batched.WindowBatch(decoder, options.stt_max_parallel), decoder.facts

    def _load_error(self, error: Exception) -> AdapterError:
        return load_error(self._model(), error)
