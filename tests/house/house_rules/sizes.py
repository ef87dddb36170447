"""Nothing grows beyond what a reader can hold in view."""

from __future__ import annotations

import ast

from house_rules.tree import Finding, Function, Module, finding, parameters

MODULE_LINES = 400
FUNCTION_LINES = 60
CLASS_LINES = 250
CONSTRUCTOR_PARAMETERS = 8
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def check_sizes(modules: list[Module]) -> list[Finding]:
    """Lines of modules, functions and classes, parameters of constructors, names that say nothing."""
    found = []
    for module in modules:
        lines = len(module.text.splitlines())
        if lines > MODULE_LINES:
            found.append(finding(module, lines, f"module of {lines} lines; at most {MODULE_LINES}"))
        if module.path.stem in FORBIDDEN_NAMES or module.part in FORBIDDEN_NAMES:
            found.append(finding(module, 1, f"a module named `{module.path.stem}` says nothing about what it holds"))
        for node in ast.walk(module.tree):
            found += _check_node(module, node)
    return found


def _check_node(module: Module, node: ast.AST) -> list[Finding]:
    found = []
    if isinstance(node, ast.ClassDef):
        lines = _lines(node)
        if lines > CLASS_LINES:
            found.append(finding(module, node.lineno, f"class {node.name} of {lines} lines; at most {CLASS_LINES}"))
    elif isinstance(node, Function):
        lines = _lines(node)
        if lines > FUNCTION_LINES:
            found.append(finding(module, node.lineno, f"{node.name}() of {lines} lines; at most {FUNCTION_LINES}"))
        count = len(parameters(node))
        if node.name == "__init__" and count > CONSTRUCTOR_PARAMETERS:
            message = f"constructor of {count} parameters; at most {CONSTRUCTOR_PARAMETERS}"
            found.append(finding(module, node.lineno, message))
    return found


def _lines(node: ast.ClassDef | Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
