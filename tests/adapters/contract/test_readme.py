"""The example of ``adapters/contract/README.md`` keeps the contract, checked by the test that is printed with it."""

import re
import sys
import tomllib
from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from adapters import contract, registry
from adapters.contract.checks import CHECKS, Rig
from adapters.contract.errors import AdapterError
from gateway.http.errors import CONTRACT

README = (Path(contract.__file__).parent / "README.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```\w+\n# ([\w.]+)\n(.*?)```", README, re.DOTALL))


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The printed test, which imports the printed engine."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield import_module("test_backwards")
    for name in ("test_backwards", "backwards"):
        del sys.modules[name]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_it_keeps_the_contract(example: ModuleType, check: Callable[[Rig], Awaitable[None]]) -> None:
    await example.test_contract(check)


@pytest.mark.usefixtures("example")
def test_its_entry_point_leads_to_it() -> None:
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    ((group, entries),) = project["entry-points"].items()
    assert group in {f"speech_gateway.{stage}" for stage in registry.STAGES}
    ((name, value),) = entries.items()
    engine = EntryPoint(name=name, value=value, group=group).load()
    assert all(field.startswith(f"{name}_") for field in engine.Options.__struct_fields__)
    assert msgspec.json.schema(engine.Options)["$defs"]["Options"]["properties"]["backwards_pause_ms"]["description"]


def test_the_table_of_errors_is_complete() -> None:
    table = dict(re.findall(r"^\| (`.*?) \|.*\| (\d+) \|$", README, re.MULTILINE))
    listed = {name: int(status) for names, status in table.items() for name in re.findall(r"`(\w+)`", names)}
    of_the_contract = {kind for kind in CONTRACT if kind.__module__ == AdapterError.__module__} - {AdapterError}
    assert listed == {kind.__name__: mapping.status for kind, mapping in CONTRACT.items() if kind in of_the_contract}
