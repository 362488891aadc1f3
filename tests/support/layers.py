"""The layers of the two packages, as rules over their imports."""

import ast
import re
from importlib.metadata import entry_points

from adapters import registry
from tests.support.imports import Order, Tree, children, circles, foreign, private, siblings, upward, within

WEB = ("litestar", "uvicorn")
ORDER: Order = {
    "adapters": (
        ("contract",),
        ("options",),
        ("blocking", "registry", "scripted"),
        ("local", "remote_media"),
        ("upstream",),
        ("guards", "llm", "stt", "tts", "turn_end", "vad"),
    ),
    "gateway": (
        ("languages", "redis_client", "siblings", "tasks"),
        ("access",),
        ("settings",),
        ("telemetry",),
        ("audio", "text"),
        ("engines",),
        ("pipeline",),
        ("conversation",),
        ("turns",),
        ("wire",),
        ("realtime",),
        ("webrtc",),
        ("http",),
        ("server",),
        ("api",),
        ("app",),
        ("cli",),
        ("__main__",),
    ),
}
"""From the ground up; ``gateway`` stands on ``adapters``."""

WITH_WEB = ("http", "server", "api", "app", "cli")
"""The parts of ``gateway`` that may know the web framework; of a surface only what is not ``PURE``."""

PURE = ("schema", "translate")
SURFACES = "gateway.api"


def engine_names(tree: Tree, package: str) -> set[tuple[str, str]]:
    """Where ``package`` names a registered engine, in a string or as an identifier: module and name.

    The name of a library that a module imports is not that of an engine there. A surface may have the name of the API
    that an engine asks, in its own folder and where it is mounted.
    """
    names = {name for _, name in registry.engines()}
    written = "|".join(re.escape(name).replace(r"\-", "[-_]") for name in names)
    in_text = re.compile(rf"(?<![\w-])(?:{written})(?![\w-])")
    found: set[tuple[str, str]] = set()
    for module, path in tree.paths.items():
        if not within(module, package):
            continue
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        libraries = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        for node in nodes:
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            named = [getattr(node, field, None) for field in ("id", "attr", "arg", "name", "asname")]
            identifiers = [str(word) for word in named if word and word not in libraries]
            words = [*in_text.findall(text), *(word for word in identifiers if in_text.fullmatch(word))]
            found |= {(module, word) for word in words if not _is_surface(tree, package, module, word)}
    return found


def _is_surface(tree: Tree, package: str, module: str, word: str) -> bool:
    """Whether ``word`` is the name of a surface, and ``module`` is in it or mounts it."""
    surface = f"{package}.api.{word.replace('-', '_')}"
    return surface in tree.paths and (within(module, surface) or module == f"{package}.app")


def engines(tree: Tree) -> list[str]:
    """The modules or folders of the registered engines of a tree."""
    entries = [entry for stage in registry.STAGES for entry in entry_points(group=f"speech_gateway.{stage}")]
    return [module for entry in entries if (module := entry.module.removesuffix(".adapter")) in tree.paths]


def violations(tree: Tree) -> list[str]:
    """What goes against the layers in a tree with the packages of this one."""
    found = [
        *upward(tree, ORDER),
        *circles(tree),
        *foreign(tree, "adapters", None, ("gateway", *WEB)),
        *foreign(tree, "adapters.contract", ("msgspec",)),
        *private(tree, engines(tree)),
        *siblings(tree, children(tree, SURFACES)),
    ]
    for part in children(tree, "gateway"):
        if part.partition(".")[2] not in WITH_WEB:
            found += foreign(tree, part, None, WEB)
    for module in tree.paths:
        if within(module, SURFACES) and module.rpartition(".")[2] in PURE:
            found += foreign(tree, module, None, WEB)
    return sorted(set(found))
