"""Limits on the size of modules, functions and classes, and on the number of parameters."""

from __future__ import annotations

import ast

from house_rules.tree import Finding, Function, Module, finding, parameters

MODULE_LINES = 400
FUNCTION_LINES = 60
CLASS_LINES = 250
LIBRARY_PARAMETERS = 8
VERB_PARAMETERS = 12
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def check_sizes(modules: list[Module]) -> list[Finding]:
    """Lines of modules, functions and classes, numbers of parameters, and module names that say nothing.

    A library function or constructor takes at most 8 parameters, a verb of the command line at most 12. The only
    exceptions are Triton kernels, whose definition must carry the excuse for ruff.
    """
    findings = []
    for module in modules:
        lines = len(module.text.splitlines())
        if lines > MODULE_LINES:
            findings.append(finding(module, lines, f"module of {lines} lines; at most {MODULE_LINES}"))
        if module.path.stem in FORBIDDEN_NAMES or module.part in FORBIDDEN_NAMES:
            findings.append(finding(module, 1, f"a module named `{module.path.stem}` says nothing about what it holds"))
        for node in ast.walk(module.tree):
            findings += _check_node(module, node)
    return findings


def _check_node(module: Module, node: ast.AST) -> list[Finding]:
    findings = []
    if isinstance(node, ast.ClassDef):
        lines = _lines(node)
        if lines > CLASS_LINES:
            findings.append(finding(module, node.lineno, f"class {node.name} of {lines} lines; at most {CLASS_LINES}"))
    elif isinstance(node, Function):
        lines = _lines(node)
        if lines > FUNCTION_LINES:
            findings.append(finding(module, node.lineno, f"{node.name}() of {lines} lines; at most {FUNCTION_LINES}"))
        count, most = len(parameters(node)), VERB_PARAMETERS if module.part == "cli" else LIBRARY_PARAMETERS
        if count > most and not _is_triton_kernel(module, node):
            name = "constructor" if node.name == "__init__" else f"{node.name}()"
            findings.append(finding(module, node.lineno, f"{name} of {count} parameters; at most {most}"))
    return findings


def _is_triton_kernel(module: Module, node: Function) -> bool:
    """Whether this is a Triton kernel, which cannot take its tensors and strides in an object."""
    line = module.text.splitlines()[node.lineno - 1]
    return module.path.stem == "triton_kernel" and "# noqa: PLR0913" in line


def _lines(node: ast.ClassDef | Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
