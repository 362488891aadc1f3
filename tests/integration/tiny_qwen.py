"""Writes the tiny model in every format that the servers read.

A script for the servers' environment, not for the tests' own:
``python -m tests.integration.tiny_qwen FOLDER`` writes ``FOLDER/tiny-qwen`` (transformers' format) and
``FOLDER/tiny-qwen.gguf``, and fails when the model does not answer as it was taught.
"""

import sys
from pathlib import Path

from tests.integration.tiny_gguf import write_gguf
from tests.models.tiny_qwen import build


def main() -> None:
    """Write both models into the folder of the command line."""
    folder = Path(sys.argv[1])
    model, tokenizer = build(folder / "tiny-qwen")
    write_gguf(folder / "tiny-qwen.gguf", model, tokenizer)


if __name__ == "__main__":
    main()
