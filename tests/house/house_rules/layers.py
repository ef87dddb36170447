"""Imports point down the layers and form no cycles."""

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
    ("lab", "service"),
    ("cli",),
    ("", "__main__"),  # the package itself, which re-exports public names, and `python -m regard`
)
LAYER = {part: number for number, parts in enumerate(LAYERS) for part in parts}


@dataclass(frozen=True)
class Import:
    """An import of a module of the same package.

    Attributes:
        target: Dotted name of the imported module.
        line: Line of the statement.
        typing_only: Whether the statement is under `if TYPE_CHECKING:`.
    """

    target: str
    line: int
    typing_only: bool


def imports(module: Module, names: frozenset[str]) -> Iterator[Import]:
    """Finds the imports of a module from its own package, at the top or within functions.

    Args:
        module: The module.
        names: All modules of the package, to distinguish submodules from names within a module.

    Yields:
        One `Import` per imported module.
    """
    for node, typing_only in _statements(module.tree, False):
        for target in _targets(node, module, names):
            yield Import(target, node.lineno, typing_only)


def check_layers(modules: list[Module]) -> list[Finding]:
    """Every part has a layer, and no module imports from a layer above its own."""
    names = frozenset(module.name for module in modules)
    findings = []
    for module in modules:
        if module.part not in LAYER:
            findings.append(finding(module, 1, f"`{module.part}` has no layer in tests/house/house_rules/layers.py"))
            continue
        for imported in imports(module, names):
            part = part_of(imported.target)
            if LAYER.get(part, -1) > LAYER[module.part]:
                message = f"{module.name} (layer {LAYER[module.part]}) imports {imported.target} (layer {LAYER[part]})"
                findings.append(finding(module, imported.line, message))
    return findings


def check_cycles(modules: list[Module]) -> list[Finding]:
    """No import cycle between modules, nor between the top-level parts.

    Imports within functions count; imports under `if TYPE_CHECKING:` do not, since they do not happen at run time.
    """
    names = frozenset(module.name for module in modules)
    between_modules: dict[str, set[str]] = {name: set() for name in names}
    between_parts: dict[str, set[str]] = {module.part: set() for module in modules}
    for module in modules:
        for imported in imports(module, names):
            if imported.typing_only or imported.target == module.name:
                continue
            between_modules[module.name].add(imported.target)
            part = part_of(imported.target)
            if part != module.part:
                between_parts[module.part].add(part)
    cycles = [*_cycles(between_modules), *_cycles(between_parts)]
    return [Finding("imports", 0, " -> ".join(cycle)) for cycle in cycles]


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


def _cycles(graph: dict[str, set[str]]) -> Iterable[list[str]]:
    """One cycle per group of nodes that reach each other, by depth-first search."""
    done: set[str] = set()

    def walk(node: str, path: list[str]) -> Iterator[list[str]]:
        if node in path:
            yield [*path[path.index(node) :], node]
            return
        if node in done:
            return
        for successor in sorted(graph.get(node, ())):
            yield from walk(successor, [*path, node])
        done.add(node)

    for start in sorted(graph):
        yield from walk(start, [])
