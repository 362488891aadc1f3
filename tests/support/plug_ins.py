"""Distributions with engines of their own, installed as pip would into a folder that is on ``sys.path``."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from adapters import registry
from gateway.settings import composition, options

ENGINE = """
from typing import Annotated
import msgspec
from adapters.contract.description import ApiKeyVariable, EngineDescription

class Engine:
    class Options(msgspec.Struct, frozen=True, kw_only=True):
        {option}
    description = {description}

    def __init__(self, options):
        self.options = options
"""


def engine(
    option: str = 'plug_in_pause: Annotated[int, msgspec.Meta(description="Seconds.")] = 1',
    description: str = "EngineDescription()",
) -> str:
    """The source of a module with an ``Engine`` that has this option and this description."""
    return ENGINE.format(option=option, description=description)


def install(folder: Path, distribution: str, engines: Mapping[tuple[str, str], str], **modules: str) -> None:
    """Write the metadata of ``distribution``, whose ``engines`` have these entry points, and its ``modules``."""
    groups: dict[str, list[str]] = {}
    for (stage, name), value in engines.items():
        groups.setdefault(f"[speech_gateway.{stage}]", []).append(f"{name} = {value}")
    metadata = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    lines = [line for group, entries in groups.items() for line in (group, *entries)]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)


@contextmanager
def discovered_anew() -> Iterator[None]:
    """Inside, what is installed is looked for again; afterwards once more."""
    caches = (registry._catalogue, composition._declared, composition.settings_type, options.options)
    for cached in caches:
        cached.cache_clear()
    try:
        yield
    finally:
        for cached in caches:
            cached.cache_clear()
