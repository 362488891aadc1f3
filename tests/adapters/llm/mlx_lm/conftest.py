"""Skips the tests of ``mlx-lm`` where it is not installed; the models that they load are made with torch."""

import pytest

for _package in ("mlx_lm", "torch", "transformers"):
    pytest.importorskip(_package, reason=f"needs {_package}")
