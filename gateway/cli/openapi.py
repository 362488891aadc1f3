"""Writes the description of the API into ``openapi/``: ``python -m gateway.cli.openapi``."""

from pathlib import Path

from gateway.app import create_app
from gateway.engines.lifecycle import Gateway
from gateway.http.openapi import document
from gateway.settings.model import GatewaySettings

FILE = Path(__file__).parents[2] / "openapi" / "openapi.json"
"""The description in the repository; a test fails when it is stale."""

if __name__ == "__main__":
    FILE.write_bytes(document(create_app(Gateway(GatewaySettings(), []))))
