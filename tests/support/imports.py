"""Which module imports which, in whole packages, and the rules that such a graph can be held to."""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

Order = Mapping[str, tuple[tuple[str, ...], ...]]
"""The folders and files of each package, lowest first; those of one row do not import each other."""


class Tree:
    """The modules of ``packages`` below ``root``, and their imports wherever they stand in a file."""

    def __init__(self, root: Path, packages: Iterable[str]) -> None:
        self.root = root
        self.paths = {
            self._module_of(path): path for package in packages for path in sorted((root / package).rglob("*.py"))
        }

    def _module_of(self, path: Path) -> str:
        parts = path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def imports(self) -> dict[str, frozenset[str]]:
        """What each module imports: modules of the tree by their full name, others as they are written."""
        return {module: frozenset(self._imports_of(module, path)) for module, path in self.paths.items()}

    def _imports_of(self, module: str, path: Path) -> Iterator[str]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    yield from (name.name for name in names)
                case ast.ImportFrom(module=source, names=names, level=level):
                    base = self._absolute(module, path, source, level)
                    for name in names:
                        submodule = f"{base}.{name.name}"
                        yield submodule if submodule in self.paths else base

    @staticmethod
    def _absolute(module: str, path: Path, source: str | None, level: int) -> str:
        if level == 0:
            return source or ""
        parts = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
        parts = parts[: len(parts) - level + 1]
        return ".".join([*parts, *([source] if source else [])])

    def edges(self) -> Iterator[tuple[str, str]]:
        """Every import of one module of the tree by another."""
        for module, imported in self.imports.items():
            yield from ((module, target) for target in sorted(imported) if target in self.paths and target != module)


def within(module: str, package: str) -> bool:
    """Whether ``module`` is ``package`` or a part of it."""
    return module == package or module.startswith(f"{package}.")


def upward(tree: Tree, order: Order) -> Iterator[str]:
    """Imports that go up or sideways in the order, and modules that have no place in it."""
    places = {
        f"{package}.{entry}": (number, entry)
        for number, (package, row) in enumerate((package, row) for package, rows in order.items() for row in rows)
        for entry in row
    }

    def place(module: str) -> tuple[int, str] | None:
        return places.get(".".join(module.split(".")[:2]))

    for module in tree.paths:
        if "." in module and place(module) is None:
            yield f"{module} has no place in the order"
    for module, target in tree.edges():
        here, there = place(module), place(target)
        if here and there and (there[0] > here[0] or (there[0] == here[0] and there[1] != here[1])):
            yield f"{module} imports {target}, which is not below it"


def circles(tree: Tree) -> Iterator[str]:
    """Modules, and entries of a folder taken as wholes, that import each other in a circle."""
    yield from (f"circle of modules: {', '.join(circle)}" for circle in _strongly_connected(set(tree.edges())))
    folders = {module.rpartition(".")[0] for module in tree.paths} | {""}
    for folder in sorted(folders):
        inside = f"{folder}." if folder else ""
        depth = len(inside.split("."))
        edges = {
            (_entry(module, depth), _entry(target, depth))
            for module, target in tree.edges()
            if module.startswith(inside) and target.startswith(inside)
        }
        for circle in _strongly_connected({(one, other) for one, other in edges if one != other}):
            if not all(entry in tree.paths and tree.paths[entry].name != "__init__.py" for entry in circle):
                yield f"circle of folders: {', '.join(circle)}"


def _entry(module: str, depth: int) -> str:
    return ".".join(module.split(".")[:depth])


def _strongly_connected(edges: set[tuple[str, str]]) -> list[list[str]]:
    """The groups of nodes in which each reaches every other, sorted."""
    targets: dict[str, set[str]] = {}
    for one, other in edges:
        targets.setdefault(one, set()).add(other)
    reached = {node: _reachable(node, targets) for node in targets}
    groups = {tuple(sorted(other for other in reached[node] if node in reached.get(other, ()))) for node in targets}
    return sorted(list(group) for group in groups if len(group) > 1)


def _reachable(node: str, targets: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [node]
    while waiting:
        for target in targets.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def foreign(tree: Tree, package: str, allowed: Iterable[str] | None, forbidden: Iterable[str] = ()) -> Iterator[str]:
    """Imports of ``package`` that are neither its own, nor Python's, nor ``allowed``; or that are ``forbidden``."""
    for module, imported in tree.imports.items():
        if not within(module, package):
            continue
        for target in sorted(imported):
            top = target.partition(".")[0]
            is_other = allowed is not None and not (
                within(target, package) or top in sys.stdlib_module_names or top in allowed
            )
            if is_other or top in forbidden:
                yield f"{module} imports {target}"


def siblings(tree: Tree, entries: Iterable[str]) -> Iterator[str]:
    """Imports between ``entries`` (modules or folders), none of which may know another."""
    listed = list(entries)
    for module, target in tree.edges():
        here = [entry for entry in listed if within(module, entry)]
        there = [entry for entry in listed if within(target, entry)]
        if here and there and here != there:
            yield f"{module} imports {target}, which is its sibling"


def private(tree: Tree, entries: Iterable[str]) -> Iterator[str]:
    """Imports of one of ``entries`` (modules or folders) by what is not a part of it."""
    for entry in entries:
        for module, target in tree.edges():
            if within(target, entry) and not within(module, entry):
                yield f"{module} imports {target}, which is private to {entry}"


def children(tree: Tree, folder: str) -> list[str]:
    """The entries of a folder: its modules and folders."""
    depth = len(folder.split(".")) + 1
    return sorted({_entry(module, depth) for module in tree.paths if module.startswith(f"{folder}.")})
