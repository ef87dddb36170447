"""Constructs that the source must not contain."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from house_rules.tree import Finding, Function, Module, dotted, finding, parameters, public_functions

UNPICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
RUNNING_TEXT = {"eval", "exec", "compile", "__import__"}
TORCH_FREE = re.compile(
    r"regard\.(config|text|errors|values|data\.cleaning|data\.corpora|translation\.markup)\b|regard_phrasebook\b"
)
MASK_MAKERS = {"tril", "triu", "tril_", "triu_", "tril_indices", "triu_indices", "generate_square_subsequent_mask"}
NEURAL = {"attention", "model", "search", "train", "translation"}
ATTENTION_INPUTS = ("query", "key", "value", "mask")
PURE_METHODS = {"forward", "step", "start", "remember", "encode", "project", "select"}


def check_unsafe_calls(modules: list[Module]) -> list[Finding]:
    """Nothing is unpickled, and no text is run as code."""
    findings = []
    for module in modules:
        for node in _nodes(module.tree):
            name = _called(node)
            if name in RUNNING_TEXT or (name == "torch.load" and not _loads_tensors_only(module, node)):
                findings.append(finding(module, node.lineno, f"{name}() runs or unpickles its argument"))
            for imported in _imported(node):
                if imported.split(".")[0] in UNPICKLING:
                    findings.append(finding(module, node.lineno, f"imports {imported}: nothing is unpickled"))
    return findings


def _loads_tensors_only(module: Module, node: ast.AST) -> bool:
    """Whether this is a `torch.load` of tensors only in `interop`, which reads files of other toolkits."""
    options = {keyword.arg: keyword.value for keyword in node.keywords} if isinstance(node, ast.Call) else {}
    value = options.get("weights_only")
    return module.part == "interop" and isinstance(value, ast.Constant) and value.value is True


def check_hasattr(modules: list[Module]) -> list[Finding]:
    """Control flow does not depend on which attributes an object has: interfaces define that."""
    return [
        finding(module, node.lineno, "hasattr(): let an interface define the attribute")
        for module in modules
        for node in _nodes(module.tree)
        if _called(node) == "hasattr"
    ]


def check_torch_free(modules: list[Module]) -> list[Finding]:
    """Text, configuration and phrasebook never import torch, not even within a function."""
    findings = []
    for module in modules:
        if not TORCH_FREE.match(module.name):
            continue
        guarded = {id(child) for node in ast.walk(module.tree) if _is_typing_guard(node) for child in ast.walk(node)}
        for node in _nodes(module.tree):
            if id(node) not in guarded and any(name.split(".")[0] == "torch" for name in _imported(node)):
                findings.append(finding(module, node.lineno, f"`{module.name}` imports torch"))
    return findings


def check_masks(modules: list[Module]) -> list[Finding]:
    """Attention masks are made in `masks.py` only: no triangles, compared positions or `x_mask = a < b` elsewhere."""
    findings = []
    for module in modules:
        if module.name == "regard.attention.masks":
            continue
        for node in _nodes(module.tree):
            if _called(node).split(".")[-1] in MASK_MAKERS:
                findings.append(finding(module, node.lineno, "a triangle outside masks.py"))
            elif module.part in NEURAL and _compares_positions(node):
                findings.append(finding(module, node.lineno, "positions compared outside masks.py"))
            elif module.part in NEURAL and _names_a_comparison_mask(node):
                findings.append(finding(module, node.lineno, "a mask made outside masks.py"))
    return findings


def check_any(modules: list[Module]) -> list[Finding]:
    """No public signature contains `Any`."""
    findings = []
    for module in modules:
        for name, function in public_functions(module.tree):
            for annotation in _annotations(function):
                if any(
                    dotted(node).split(".")[-1] == "Any"
                    for node in _nodes(annotation)
                    if isinstance(node, ast.Name | ast.Attribute)
                ):
                    findings.append(finding(module, function.lineno, f"{name}: Any in a public signature"))
    return findings


def check_order(modules: list[Module]) -> list[Finding]:
    """Arguments come in the order `(query, key, value, mask)` and `(src, tgt)`, perhaps with others in between."""
    findings = []
    for module in modules:
        for name, function in _all_functions(module.tree):
            names = [parameter.arg for parameter in parameters(function)]
            inputs = [parameter for parameter in names if parameter in ATTENTION_INPUTS]
            if inputs != sorted(inputs, key=ATTENTION_INPUTS.index):
                findings.append(finding(module, function.lineno, f"{name}: {', '.join(inputs)} out of order"))
            for tgt in names:
                src = tgt.replace("tgt", "src", 1) if tgt.startswith("tgt") else ""
                if src in names and names.index(src) > names.index(tgt):
                    findings.append(finding(module, function.lineno, f"{name}: {tgt} before {src}"))
    return findings


def check_pure_methods(modules: list[Module]) -> list[Finding]:
    """`forward`, `step` and similar methods write nothing to `self`: they return their state."""
    findings = []
    for module in modules:
        for name, function in _methods(module.tree):
            if function.name not in PURE_METHODS:
                continue
            for node in _nodes(function):
                if _stored(node).startswith("self."):
                    findings.append(finding(module, node.lineno, f"{name} writes to self"))
    return findings


CHECKS = (
    check_unsafe_calls,
    check_hasattr,
    check_torch_free,
    check_masks,
    check_any,
    check_order,
    check_pure_methods,
)


def _nodes(tree: ast.AST) -> Iterator[ast.stmt | ast.expr]:
    """All statements and expressions below a node."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.stmt | ast.expr))


def _called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    # For calls on an expression, such as `x.view(1).tril()`, the last name suffices.
    return dotted(node.func) or (node.func.attr if isinstance(node.func, ast.Attribute) else "")


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [node.module or ""]
    return []


def _is_typing_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _compares_positions(node: ast.AST) -> bool:
    if not isinstance(node, ast.Compare):
        return False
    operands = [node.left, *node.comparators]
    return any(_called(inner).endswith("arange") for operand in operands for inner in ast.walk(operand))


def _names_a_comparison_mask(node: ast.AST) -> bool:
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Compare):
        return False
    return any(dotted(target).endswith("mask") for target in node.targets)


def _stored(node: ast.AST) -> str:
    """The dotted name that is assigned to, or an empty string."""
    if not isinstance(node, ast.Attribute | ast.Subscript) or not isinstance(node.ctx, ast.Store):
        return ""
    return dotted(node if isinstance(node, ast.Attribute) else node.value)


def _annotations(function: Function) -> Iterator[ast.expr]:
    for parameter in parameters(function):
        if parameter.annotation:
            yield parameter.annotation
    if function.returns:
        yield function.returns


def _all_functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node.name, node


def _methods(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for child in node.body:
                if isinstance(child, Function):
                    yield f"{node.name}.{child.name}", child
