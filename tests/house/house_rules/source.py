"""What may not stand in the source at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from house_rules.tree import Finding, Function, Module, dotted, finding, parameters, public_functions

UNPICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
RUNNING_TEXT = {"eval", "exec", "compile", "__import__"}
TORCH_FREE = {"config", "text", "regard_phrasebook", "errors", "values"}
MASK_MAKERS = {"tril", "triu", "tril_", "triu_", "tril_indices", "triu_indices", "generate_square_subsequent_mask"}
NEURAL = {"attention", "model", "search", "train", "translate"}
ATTENDED = ("query", "key", "value", "mask")
PURE_METHODS = {"forward", "step", "start", "remember", "encode", "project", "select"}


def check_unsafe_calls(modules: list[Module]) -> list[Finding]:
    """Nothing is unpickled, and no text is run as a program."""
    found = []
    for module in modules:
        for node in ast.walk(module.tree):
            name = _called(node)
            if name in RUNNING_TEXT or (name == "torch.load" and not _weights_alone(module, node)):
                found.append(finding(module, node.lineno, f"{name}() runs or unpickles what it is given"))
            for imported in _imported(node):
                if imported.split(".")[0] in UNPICKLING:
                    found.append(finding(module, node.lineno, f"imports {imported}: nothing is unpickled"))
    return found


def _weights_alone(module: Module, node: ast.AST) -> bool:
    """Other toolkits' files may be read where torch makes nothing but tensors of them."""
    options = {one.arg: one.value for one in node.keywords} if isinstance(node, ast.Call) else {}
    wanted = options.get("weights_only")
    return module.part == "interop" and isinstance(wanted, ast.Constant) and wanted.value is True


def check_hasattr(modules: list[Module]) -> list[Finding]:
    """Control flow asks for no attributes: an interface says what there is."""
    return [
        finding(module, node.lineno, "hasattr(): let the interface say it")
        for module in modules
        for node in ast.walk(module.tree)
        if _called(node) == "hasattr"
    ]


def check_torch_free(modules: list[Module]) -> list[Finding]:
    """Text, configuration and phrasebook never import torch, not even within a function."""
    found = []
    for module in modules:
        if module.part not in TORCH_FREE:
            continue
        guarded = {id(child) for node in ast.walk(module.tree) if _is_typing_guard(node) for child in ast.walk(node)}
        for node in ast.walk(module.tree):
            if id(node) not in guarded and any(name.split(".")[0] == "torch" for name in _imported(node)):
                found.append(finding(module, node.lineno, f"`{module.part}` imports torch"))
    return found


def check_masks(modules: list[Module]) -> list[Finding]:
    """Attention masks are made in `masks.py` alone: no triangles, no compared positions, no `x_mask = a < b`."""
    found = []
    for module in modules:
        if module.name == "regard.attention.masks":
            continue
        for node in ast.walk(module.tree):
            if _called(node).split(".")[-1] in MASK_MAKERS:
                found.append(finding(module, node.lineno, "a triangle outside masks.py"))
            elif module.part in NEURAL and _compares_positions(node):
                found.append(finding(module, node.lineno, "positions compared outside masks.py"))
            elif module.part in NEURAL and _names_a_comparison_mask(node):
                found.append(finding(module, node.lineno, "a mask made outside masks.py"))
    return found


def check_any(modules: list[Module]) -> list[Finding]:
    """`Any` in a public signature is a question left to the reader."""
    found = []
    for module in modules:
        for name, function in public_functions(module.tree):
            for annotation in _annotations(function):
                if any(dotted(node).split(".")[-1] == "Any" for node in ast.walk(annotation) if _is_name(node)):
                    found.append(finding(module, function.lineno, f"{name}: Any in a public signature"))
    return found


def check_order(modules: list[Module]) -> list[Finding]:
    """Arguments come as `(query, key, value, mask)` and `(src, tgt)`, whatever stands between them."""
    found = []
    for module in modules:
        for name, function in _all_functions(module.tree):
            names = [one.arg for one in parameters(function)]
            attended = [one for one in names if one in ATTENDED]
            if attended != sorted(attended, key=ATTENDED.index):
                found.append(finding(module, function.lineno, f"{name}: {', '.join(attended)} out of order"))
            for one in names:
                other = one.replace("tgt", "src", 1) if one.startswith("tgt") else ""
                if other in names and names.index(other) > names.index(one):
                    found.append(finding(module, function.lineno, f"{name}: {one} before {other}"))
    return found


def check_pure_methods(modules: list[Module]) -> list[Finding]:
    """`forward`, `step` and their kin write nothing to `self`: state is a value that they return."""
    found = []
    for module in modules:
        for name, function in _methods(module.tree):
            if function.name not in PURE_METHODS:
                continue
            for node in ast.walk(function):
                if _stored(node).startswith("self."):
                    found.append(finding(module, node.lineno, f"{name} writes to self"))
    return found


CHECKS = (
    check_unsafe_calls,
    check_hasattr,
    check_torch_free,
    check_masks,
    check_any,
    check_order,
    check_pure_methods,
)


def _called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    # The last name is enough where something other than a chain of names is called: `x.view(1).tril()`.
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
    """The dotted name that is written to, an empty string where nothing is."""
    if not isinstance(node, ast.Attribute | ast.Subscript) or not isinstance(node.ctx, ast.Store):
        return ""
    return dotted(node if isinstance(node, ast.Attribute) else node.value)


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute)


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
