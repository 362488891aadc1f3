"""Writes the files that are generated from the code: ``python -m gateway.cli.generate``."""

from pathlib import Path

from gateway.app import create_app
from gateway.engines.lifecycle import Gateway
from gateway.http.openapi import document
from gateway.settings.flag_table import with_flag_tables
from gateway.settings.model import GatewaySettings

ROOT = Path(__file__).parents[2]
API = ROOT / "openapi" / "openapi.json"
FLAGS = ROOT / "gateway" / "settings" / "README.md"


def generated() -> dict[Path, bytes]:
    """The generated files of the repository as they have to be; a test fails when one of them is stale."""
    return {
        API: document(create_app(Gateway(GatewaySettings(), []))),
        FLAGS: with_flag_tables(FLAGS.read_text(encoding="utf-8")).encode(),
    }


if __name__ == "__main__":
    for path, content in generated().items():
        path.write_bytes(content)
