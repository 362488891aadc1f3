"""The rules of the layers, each shown a small tree that breaks it."""

from pathlib import Path

import pytest

from tests.support.imports import Tree
from tests.support.layers import ORDER, engine_names, violations

SOUND = {
    "adapters/__init__.py": "",
    "adapters/contract/__init__.py": "",
    "adapters/contract/errors.py": "import msgspec",
    "adapters/contract/llm.py": "import asyncio\nfrom adapters.contract import errors",
    "adapters/options.py": "import msgspec",
    "adapters/llm/__init__.py": "",
    "adapters/llm/prompt.py": "from adapters.contract import llm",
    "adapters/llm/echo.py": "from adapters.contract.llm import Request\nfrom adapters.llm import prompt",
    "adapters/llm/mlx_lm/__init__.py": "",
    "adapters/llm/mlx_lm/model.py": "import mlx",
    "adapters/llm/mlx_lm/adapter.py": "def load():\n    from adapters.llm.mlx_lm import model",
    "adapters/vad/__init__.py": "",
    "adapters/vad/energy.py": "import numpy",
    "gateway/__init__.py": "",
    "gateway/tasks.py": "import asyncio",
    "gateway/settings/__init__.py": "",
    "gateway/settings/model.py": "from adapters import options",
    "gateway/text/__init__.py": "",
    "gateway/text/sentences.py": "",
    "gateway/http/__init__.py": "",
    "gateway/http/errors.py": "import litestar",
    "gateway/api/__init__.py": "",
    "gateway/api/speech/__init__.py": "from gateway.api.speech.routes import routes",
    "gateway/api/speech/schema.py": "import msgspec",
    "gateway/api/speech/routes.py": "import litestar\nfrom gateway.api.speech import schema\nroutes = 1",
    "gateway/api/models/__init__.py": "from gateway.http import errors",
    "gateway/app.py": "import litestar\nfrom gateway.api import models, speech",
    "gateway/cli/__init__.py": "",
    "gateway/cli/main.py": "def serve():\n    from gateway.app import create\n    import uvicorn",
}


def tree(folder: Path, files: dict[str, str]) -> Tree:
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return Tree(folder, ORDER)


def test_a_sound_tree(tmp_path: Path) -> None:
    assert violations(tree(tmp_path, SOUND)) == []


BROKEN = {
    "an adapter that imports the gateway": (
        {"adapters/llm/prompt.py": "import gateway.tasks"},
        ["adapters.llm.prompt imports gateway.tasks"],
    ),
    "the same in a function": (
        {"adapters/llm/prompt.py": "def f():\n    from gateway import tasks"},
        ["adapters.llm.prompt imports gateway.tasks"],
    ),
    "an adapter that imports the web framework": (
        {"adapters/options.py": "from litestar import Request"},
        ["adapters.options imports litestar"],
    ),
    "a contract that imports an installed package": (
        {"adapters/contract/errors.py": "import httpx"},
        ["adapters.contract.errors imports httpx"],
    ),
    "a contract that imports its users": (
        {"adapters/contract/errors.py": "from adapters.options import Secret"},
        [
            "adapters.contract.errors imports adapters.options",
            "adapters.contract.errors imports adapters.options, which is not below it",
        ],
    ),
    "an engine that imports another": (
        {"adapters/llm/mlx_lm/model.py": "from adapters.llm.echo import Echo"},
        ["adapters.llm.mlx_lm.model imports adapters.llm.echo, which is private to adapters.llm.echo"],
    ),
    "what engines share and imports one": (
        {"adapters/llm/prompt.py": "from adapters.llm.mlx_lm import model"},
        ["adapters.llm.prompt imports adapters.llm.mlx_lm.model, which is private to adapters.llm.mlx_lm"],
    ),
    "a stage that imports another": (
        {"adapters/vad/energy.py": "import adapters.llm.prompt"},
        ["adapters.vad.energy imports adapters.llm.prompt, which is not below it"],
    ),
    "a gateway that imports an engine": (
        {"gateway/app.py": "from adapters.vad import energy"},
        ["gateway.app imports adapters.vad.energy, which is private to adapters.vad.energy"],
    ),
    "an import that goes up": (
        {"gateway/settings/model.py": "from gateway.text import sentences"},
        ["gateway.settings.model imports gateway.text.sentences, which is not below it"],
    ),
    "a relative import that goes up": (
        {"gateway/settings/model.py": "from ..text.sentences import Sentence"},
        ["gateway.settings.model imports gateway.text.sentences, which is not below it"],
    ),
    "an import of what is below the interface": (
        {"gateway/http/errors.py": "from gateway.api.speech import schema"},
        ["gateway.http.errors imports gateway.api.speech.schema, which is not below it"],
    ),
    "a surface that imports another": (
        {"gateway/api/models/__init__.py": "from gateway.api.speech.schema import Speech"},
        ["gateway.api.models imports gateway.api.speech.schema, which is its sibling"],
    ),
    "the web framework below the interface": (
        {"gateway/text/sentences.py": "import litestar"},
        ["gateway.text.sentences imports litestar"],
    ),
    "the web framework in a pure part of a surface": (
        {"gateway/api/speech/schema.py": "from litestar import Request"},
        ["gateway.api.speech.schema imports litestar"],
    ),
    "a folder that nobody placed": (
        {"gateway/attic/__init__.py": "", "gateway/attic/old.py": ""},
        ["gateway.attic has no place in the order", "gateway.attic.old has no place in the order"],
    ),
    "modules in a circle": (
        {
            "gateway/text/one.py": "from gateway.text import two",
            "gateway/text/two.py": "def f():\n    import gateway.text.one",
        },
        ["circle of modules: gateway.text.one, gateway.text.two"],
    ),
    "a module and its folder in a circle": (
        {
            "adapters/llm/__init__.py": "from adapters.llm import prompt",
            "adapters/llm/prompt.py": "from adapters.llm import name",
        },
        ["circle of modules: adapters.llm, adapters.llm.prompt"],
    ),
    "folders in a circle": (
        {
            "adapters/llm/one/a.py": "from adapters.llm.two import b",
            "adapters/llm/two/b.py": "",
            "adapters/llm/two/c.py": "from adapters.llm.one import d",
            "adapters/llm/one/d.py": "",
        },
        ["circle of folders: adapters.llm.one, adapters.llm.two"],
    ),
    "a folder and a module in a circle": (
        {
            "adapters/llm/one/a.py": "from adapters.llm import single",
            "adapters/llm/one/d.py": "",
            "adapters/llm/single.py": "from adapters.llm.one import d",
        },
        ["circle of folders: adapters.llm.one, adapters.llm.single"],
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_tree(fault: str, tmp_path: Path) -> None:
    files, expected = BROKEN[fault]
    assert set(expected) <= set(violations(tree(tmp_path, SOUND | files)))


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("backend = 'mlx-lm'", {"mlx-lm"}),
        ("def f():\n    '''Loads mlx_lm.'''", {"mlx_lm"}),
        ("message = f'choose {this} or --stt pocketsphinx.'", {"pocketsphinx"}),
        ("defaults = dict(espeak=1)", {"espeak"}),
        ("from somewhere import echo", {"echo"}),
        ("self.echo.stream()", {"echo"}),
        ("echoes, energy_level, note = 1, 2, 'responses-api-like mlx-lms'  # echo", set()),
    ],
)
def test_names_of_engines_are_found(source: str, named: set[str], tmp_path: Path) -> None:
    found = engine_names(tree(tmp_path, SOUND | {"gateway/text/sentences.py": source}), "gateway")
    assert found == {("gateway.text.sentences", name) for name in named}
