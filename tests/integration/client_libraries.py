"""The client libraries that the gateway is held against, each in an environment of its own.

    python -m tests.integration.client_libraries FOLDER [NAME…]

installs them into ``FOLDER``; with ``SPEECH_GATEWAY_CLIENTS=FOLDER`` the tests find them there. The newest ``openai``
is that of the tests' own environment.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

DRIVERS = Path(__file__).parent / "clients"


@dataclass(frozen=True, kw_only=True)
class Client:
    """A library by its ``requirement`` for pip or npm, and the script of ``clients/`` that drives it."""

    requirement: str
    driver: str

    @property
    def is_node(self) -> bool:
        """Whether it is a package for Node.js."""
        return self.driver.endswith(".mjs")


CLIENTS = {
    "openai-newest": Client(requirement="", driver="openai_python.py"),
    "openai-1": Client(requirement="openai==1.109.1", driver="openai_python.py"),
    "openai-2": Client(requirement="openai==2.54.0", driver="openai_python.py"),
    "agents": Client(requirement="openai-agents[voice]==0.24.0", driver="agents_sdk.py"),
    "node-6": Client(requirement="openai@6.49.0", driver="openai_node.mjs"),
    "node-7": Client(requirement="openai@7.57.0", driver="openai_node.mjs"),
}


def command(name: str) -> list[str] | None:
    """The command that drives ``name``, without its arguments; ``None`` where it is not installed."""
    client = CLIENTS[name]
    if not client.requirement:
        return [sys.executable, str(DRIVERS / client.driver)]
    folder = Path(os.environ.get("SPEECH_GATEWAY_CLIENTS", "")) / name
    if client.is_node:
        # Node.js looks for packages beside the script itself.
        driver = folder / client.driver
        return ["node", str(driver)] if (folder / "node_modules").is_dir() and shutil.which("node") else None
    python = folder / "bin" / "python"
    return [str(python), str(DRIVERS / client.driver)] if python.is_file() else None


def install(folder: Path, name: str) -> None:
    """Install ``name`` into a folder of its own in ``folder``."""
    client, home = CLIENTS[name], folder / name
    if client.is_node:
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text('{"private": true}\n')
        subprocess.run(["npm", "install", "--silent", client.requirement], cwd=home, check=True)
        shutil.copy(DRIVERS / client.driver, home)
    else:
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin" / "pip"), "install", "-q", client.requirement], check=True)


if __name__ == "__main__":
    target, *chosen = sys.argv[1:]
    for each in chosen or [name for name, client in CLIENTS.items() if client.requirement]:
        install(Path(target).absolute(), each)
