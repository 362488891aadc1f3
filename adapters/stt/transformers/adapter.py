"""The recogniser ``transformers``: one model in this process for all sessions."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from adapters.blocking import Batch
from adapters.contract.description import EngineDescription
from adapters.contract.errors import AdapterError
from adapters.local import requirements
from adapters.local.pretrained import PretrainedModel
from adapters.stt.local_options import LocalOptions
from adapters.stt.local_recogniser import LocalRecogniser
from adapters.stt.recognition import ModelFacts, Recognised, RecognitionRequest
from adapters.stt.transformers.errors import ADAPTER, load_error

DEFAULT_MODEL = "openai/whisper-large-v3-turbo"


class TransformersRecogniser(LocalRecogniser):
    """Any model for automatic speech recognition that the pipeline of transformers takes: Whisper, CTC, transducers."""

    class Options(LocalOptions, frozen=True, kw_only=True):
        """Which model, on which device and in which precision."""

        stt_torch_dtype: Annotated[
            Literal["float32", "float16", "bfloat16"] | None,
            Meta(description="Precision of the weights; when unset the best that the device supports."),
        ] = None

    description = EngineDescription(model_option="stt_model", loads_weights=True)

    def __init__(self, options: Options) -> None:
        self._options = options
        self._folder = Path()
        super().__init__(adapter=ADAPTER, max_parallel=options.stt_max_parallel)

    def preflight(self) -> None:
        """Check the packages, the device and the model. Raises ``BadOption``."""
        requirements.check_installed("--stt transformers", "transformers", "torch", "transformers")
        if self._options.stt_device is not None:
            from adapters.local import devices  # noqa: PLC0415 - imports torch

            devices.check_device("--stt_device", self._options.stt_device)
        self._pretrained().check()

    async def warm_up(self) -> None:
        """Load the model, and download it first if it is not here. Raises ``Unavailable``, ``UpstreamError``."""
        self._folder = await self._pretrained().fetch(ADAPTER)
        await super().warm_up()

    def _pretrained(self) -> PretrainedModel:
        return PretrainedModel(name=self._model(), owner="--stt transformers", flag="--stt_model")

    def _model(self) -> str:
        return self._options.stt_model or DEFAULT_MODEL

    def _load(self) -> tuple[Batch[RecognitionRequest, Recognised], ModelFacts]:
        from adapters.stt.transformers import batched, model, pipeline  # noqa: PLC0415 - they import torch

        options = self._options
        loaded = model.RecognitionModel(
            pipeline.load_pipeline(self._folder, device=options.stt_device, dtype=options.stt_torch_dtype)
        )
        return batched.RecognitionBatch(loaded, self._thread, options.stt_max_parallel), loaded.facts

    def _load_error(self, error: Exception) -> AdapterError:
        return load_error(self._model(), error)
