"""Imports point down the layers, and never round in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from house_rules.tree import Finding, Module, finding, part_of

LAYERS = (
    ("errors", "values"),
    ("files", "native"),
    ("config", "text", "regard_phrasebook"),
    ("attention", "data", "evaluate"),
    ("model",),
    ("search", "store", "inspection"),
    ("train", "alignment"),
    ("interop",),
    ("translation",),
    ("recipes",),
    ("lab",),
    ("cli", "serve", "cluster"),
    ("", "__main__"),  # the package itself, which hands out public names, and `python -m regard`
)
LAYER = {part: number for number, parts in enumerate(LAYERS) for part in parts}


@dataclass(frozen=True)
class Import:
    """One import of a module of the same package.

    Attributes:
        target: Dotted name of the imported module.
        line: Where the statement stands.
        typing_only: Whether it stands under `if TYPE_CHECKING:`.
    """

    target: str
    line: int
    typing_only: bool


def imports(module: Module, names: frozenset[str]) -> Iterator[Import]:
    """What a module imports from its own package, at the top or within functions.

    Args:
        module: The module.
        names: All modules of the package, to tell a submodule from a name inside a module.

    Yields:
        One `Import` a module imported.
    """
    for node, typing_only in _statements(module.tree, False):
        for target in _targets(node, module, names):
            yield Import(target, node.lineno, typing_only)


def check_layers(modules: list[Module]) -> list[Finding]:
    """Every part has a layer, and no module imports from a layer above its own."""
    names = frozenset(module.name for module in modules)
    found = []
    for module in modules:
        if module.part not in LAYER:
            found.append(finding(module, 1, f"`{module.part}` has no layer in tests/house/house_rules/layers.py"))
            continue
        for one in imports(module, names):
            part = part_of(one.target)
            if LAYER.get(part, -1) > LAYER[module.part]:
                message = f"{module.name} (layer {LAYER[module.part]}) imports {one.target} (layer {LAYER[part]})"
                found.append(finding(module, one.line, message))
    return found


def check_cycles(modules: list[Module]) -> list[Finding]:
    """No circle of imports between modules, nor between the top-level parts.

    An import within a function counts: a circle that is hidden is still one. What is imported only for
    type checking does not exist when the program runs, and does not count.
    """
    names = frozenset(module.name for module in modules)
    between_modules: dict[str, set[str]] = {name: set() for name in names}
    between_parts: dict[str, set[str]] = {module.part: set() for module in modules}
    for module in modules:
        for one in imports(module, names):
            if one.typing_only or one.target == module.name:
                continue
            between_modules[module.name].add(one.target)
            part = part_of(one.target)
            if part != module.part:
                between_parts[module.part].add(part)
    circles = [*_circles(between_modules), *_circles(between_parts)]
    return [Finding("imports", 0, " -> ".join(circle)) for circle in circles]


def _statements(tree: ast.AST, typing_only: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, typing_only
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for statement in child.body:
                yield from _statements(ast.Module([statement], []), True)
            for statement in child.orelse:
                yield from _statements(ast.Module([statement], []), typing_only)
        else:
            yield from _statements(child, typing_only)


def _targets(node: ast.Import | ast.ImportFrom, module: Module, names: frozenset[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in names)
        return
    base = node.module or ""
    if node.level:
        is_package = module.path.name == "__init__.py"
        above = module.name.split(".")
        above = above[: len(above) - node.level + is_package]
        base = ".".join([*above, base]).rstrip(".")
    for alias in node.names:
        inner = f"{base}.{alias.name}"
        if inner in names:
            yield inner
        elif base in names:
            yield base


def _circles(graph: dict[str, set[str]]) -> Iterable[list[str]]:
    """One circle for each group of nodes that reach each other (depth-first, colors white, gray, black)."""
    done: set[str] = set()

    def walk(node: str, road: list[str]) -> Iterator[list[str]]:
        if node in road:
            yield [*road[road.index(node) :], node]
            return
        if node in done:
            return
        for following in sorted(graph.get(node, ())):
            yield from walk(following, [*road, node])
        done.add(node)

    for start in sorted(graph):
        yield from walk(start, [])
