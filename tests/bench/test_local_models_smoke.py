"""The benchmark of the in-process models runs; its rates are nobody's promise here, but what it counts is right."""

from pathlib import Path

import pytest

from tests.bench import local_models
from tests.bench.local_models import BACKENDS, QUICK


@pytest.mark.parametrize("backend", BACKENDS)
async def test_every_number_is_measured(backend: str, tiny_qwen: Path) -> None:
    package = {"transformers": "accelerate", "mlx-lm": "mlx_lm"}[backend]
    pytest.importorskip(package, reason=f"needs {package}")

    row = await local_models.measure(QUICK, backend, str(tiny_qwen))

    assert list(row.together) == list(row.queued) == list(QUICK.callers)
    assert min(*row.together.values(), *row.queued.values(), row.first_token_anew, row.first_token_reused) > 0
    assert 0 < row.cached < row.prompt
    assert len({line.count("|") for line in list(local_models.table(QUICK, [row]))[:4]}) == 1
