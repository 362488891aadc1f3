"""The packages of an engine are looked for without importing them."""

import subprocess
import sys

import pytest

from adapters.local import requirements
from adapters.options import BadOption


def test_a_package_that_is_not_installed_is_named_with_the_command_that_brings_it() -> None:
    requirements.check_installed("--llm_backend transformers", "transformers", "json", "msgspec")
    with pytest.raises(BadOption) as raised:
        requirements.check_installed("--llm_backend transformers", "transformers", "json", "not_there_at_all")
    assert str(raised.value) == (
        "--llm_backend transformers needs packages that are not installed (not_there_at_all): "
        "pip install 'speech-gateway[transformers]'"
    )


def test_looking_for_a_package_does_not_import_it() -> None:
    code = (
        "import sys\nfrom adapters.local import requirements\n"
        "requirements.check_installed('-', '-', 'torch', 'msgspec')\nprint('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr
