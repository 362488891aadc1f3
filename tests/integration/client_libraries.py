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
    """A library by its ``requirements`` for pip or npm, and the scripts of ``clients/`` that drive it.

    ``driver`` is for the routes of HTTP, ``realtime`` for the realtime route; either may be missing. ``words`` stand
    before the arguments of ``realtime``.
    """

    requirements: tuple[str, ...] = ()
    driver: str = ""
    realtime: str = ""
    words: tuple[str, ...] = ()

    @property
    def is_node(self) -> bool:
        """Whether it is a package for Node.js."""
        return (self.driver or self.realtime).endswith(".mjs")


CLIENTS = {
    "openai-newest": Client(driver="openai_python.py", realtime="realtime_openai.py"),
    "openai-1": Client(requirements=("openai==1.109.1",), driver="openai_python.py"),
    "openai-2": Client(
        requirements=("openai[realtime]==2.54.0",), driver="openai_python.py", realtime="realtime_openai.py"
    ),
    "agents": Client(
        requirements=("openai-agents[voice]==0.24.0",), driver="agents_sdk.py", realtime="realtime_agents.py"
    ),
    "node-6": Client(requirements=("openai@6.49.0",), driver="openai_node.mjs"),
    "node-7": Client(
        requirements=("openai@7.57.0", "ws@8"),
        driver="openai_node.mjs",
        realtime="realtime_node.mjs",
        words=("openai",),
    ),
    "agents-node": Client(
        requirements=("@openai/agents@0.20.0", "zod@4"), realtime="realtime_node.mjs", words=("agents",)
    ),
    "pipecat": Client(requirements=("pipecat-ai[openai]==1.14.0",), realtime="realtime_pipecat.py"),
    "livekit": Client(
        requirements=("livekit-agents==1.8.9", "livekit-plugins-openai==1.8.9"), realtime="realtime_livekit.py"
    ),
}

HTTP_CLIENTS = [name for name, client in CLIENTS.items() if client.driver]
REALTIME_CLIENTS = [name for name, client in CLIENTS.items() if client.realtime]


def command(name: str, driver: str) -> list[str] | None:
    """The command that runs the script ``driver`` with ``name``, without its arguments; ``None`` if not installed."""
    client = CLIENTS[name]
    words = client.words if driver == client.realtime else ()
    if not client.requirements:
        return [sys.executable, str(DRIVERS / driver), *words]
    folder = Path(os.environ.get("SPEECH_GATEWAY_CLIENTS", "")) / name
    if client.is_node:
        # Node.js looks for packages beside the script itself.
        if not (folder / "node_modules").is_dir() or not shutil.which("node"):
            return None
        shutil.copy(DRIVERS / driver, folder)
        return ["node", str(folder / driver), *words]
    python = folder / "bin" / "python"
    return [str(python), str(DRIVERS / driver), *words] if python.is_file() else None


def install(folder: Path, name: str) -> None:
    """Install ``name`` into a folder of its own in ``folder``."""
    client, home = CLIENTS[name], folder / name
    if client.is_node:
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text('{"private": true}\n')
        subprocess.run(["npm", "install", "--silent", *client.requirements], cwd=home, check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin" / "pip"), "install", "-q", *client.requirements], check=True)


if __name__ == "__main__":
    target, *chosen = sys.argv[1:]
    for each in chosen or [name for name, client in CLIENTS.items() if client.requirements]:
        install(Path(target).absolute(), each)
