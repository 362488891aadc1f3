"""Models as transformers and mlx-lm load them: a folder of the user, or a whole repository of the hub."""

from pathlib import Path

import msgspec

from adapters.local import hub, weights
from adapters.local.weights import HubFiles, Source

_WEIGHTS = ("model.safetensors", "model-*-of-*.safetensors", "pytorch_model.bin", "pytorch_model-*-of-*.bin")
_BESIDE = ("*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja", "*.py")
"""What may be needed besides: settings, vocabularies, templates, code."""


class PretrainedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model by its folder or hub id: ``owner`` says whose it is (``--stt transformers``), ``flag`` names it."""

    name: str
    owner: str
    flag: str

    def check(self) -> None:
        """Raise ``BadOption`` unless it is here or on the hub, which is asked once, and only if it is not here."""
        source = self._source()
        if isinstance(source, Path):
            hub.check_folder(self.name, self.flag)
        weights.check(source)

    async def fetch(self, adapter: str) -> Path:
        """The model's folder; what is on the hub only is downloaded into its cache. Raises ``Unavailable``."""
        return await weights.fetch(self._source(), adapter=adapter)

    def _source(self) -> Source:
        if hub.is_path(self.name):
            return Path(self.name)
        return HubFiles(
            repository=self.name,
            needed=(hub.CONFIG,),
            either=_WEIGHTS,
            useful=_BESIDE,
            owner=self.owner,
            flag=self.flag,
        )
