"""Every public name says what it is, takes and gives.

A function of at most one argument may say it all in one sentence; any other has an `Args:` section, and a
`Returns:` (or `Yields:`) section when it gives something back. Where a tensor comes in or goes out, a shape
such as `(B, S)` is written, or that it may be any. A method that overrides another of the package, or names it
(`Base.method`), may leave all that to it; so may a verb of the command line, whose options carry
their help. A rule of the phrasebook's grammar may say it in one sentence too. That the sections agree with the
signature is pydoclint's to check.
"""

from __future__ import annotations

import ast
import re

from house_rules.tree import Finding, Function, Module, finding, parameters, public_functions

SHAPE = re.compile(r"`\((?:[A-Z0-9…*.]|\.\.\.|num_)|`\(\)`|\b(any|same) shape\b|\bscalar\b")


def check_docstrings(modules: list[Module]) -> list[Finding]:
    """Modules, public classes and public functions against the rules above."""
    found = []
    documented = _Documented(modules)
    for module in modules:
        if not ast.get_docstring(module.tree):
            found.append(finding(module, 1, "module without a docstring"))
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node):
                found.append(finding(module, node.lineno, f"class {node.name} without a docstring"))
        shaped_classes = {
            node.name
            for node in module.tree.body
            if isinstance(node, ast.ClassDef) and SHAPE.search(ast.get_docstring(node) or "")
        }
        for name, function in public_functions(module.tree):
            shaped = name.split(".")[0] in shaped_classes
            # A verb's options are described where they are declared, for `--help`.
            is_verb = module.part == "cli" and name == module.path.stem
            # The rules of the grammar all take the sampler and words and give phrases: one sentence says which.
            most = 4 if module.part == "regard_phrasebook" else 1
            if not is_verb and not documented.elsewhere(name, function):
                faults = _faults(function, shaped, most)
                found += [finding(module, function.lineno, f"{name}: {fault}") for fault in faults]
    return found


class _Documented:
    """Which methods the classes of the package document, and which of them a class inherits."""

    def __init__(self, modules: list[Module]) -> None:
        classes = [node for module in modules for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
        self.bases = {one.name: [ast.unparse(base).split("[")[0] for base in one.bases] for one in classes}
        self.methods = {
            (one.name, child.name)
            for one in classes
            for child in one.body
            if isinstance(child, Function) and ast.get_docstring(child)
        }

    def elsewhere(self, name: str, function: Function) -> bool:
        """Whether a method has a docstring, and one that it overrides or names has one too."""
        owner, _, method = name.rpartition(".")
        text = ast.get_docstring(function)
        if not owner or not text:
            return False
        named = [base for base, other in re.findall(r"`(\w+)\.(\w+)`", text) if other == method and base != owner]
        return any(self._has(base, method) for base in [*self.bases.get(owner, []), *named])

    def _has(self, owner: str, method: str) -> bool:
        if (owner, method) in self.methods:
            return True
        return any(self._has(base, method) for base in self.bases.get(owner, []) if base != owner)


def _faults(function: Function, shaped: bool, most: int) -> list[str]:
    text = ast.get_docstring(function)
    if not text:
        return [] if _is_exempt(function) else ["no docstring"]
    faults = []
    count, sections = len(parameters(function)), set(re.findall(r"^(\w+):$", text, re.MULTILINE))
    paragraphs = [one for one in text.split("\n\n") if not one.lstrip().startswith((">>>", "Example"))]
    one_sentence = len(paragraphs) == 1 and count <= most
    if count and not one_sentence and "Args" not in sections:
        faults.append("no Args section")
    if _gives_something(function) and not one_sentence and not sections & {"Returns", "Yields"}:
        faults.append("no Returns section")
    if not shaped and _takes_tensor(function) and not SHAPE.search(text):
        faults.append("takes or gives a tensor, but no shape such as `(B, S)` is written")
    return faults


def _is_exempt(function: Function) -> bool:
    """Overloads and setters speak through what they belong to; an override through what it overrides."""
    names = {ast.unparse(decorator).split(".")[-1] for decorator in function.decorator_list}
    return bool(names & {"overload", "setter", "override"})


def _gives_something(function: Function) -> bool:
    return function.returns is not None and ast.unparse(function.returns) not in ("None", "NoReturn", "Never")


def _takes_tensor(function: Function) -> bool:
    annotations = [one.annotation for one in parameters(function)] + [function.returns]
    return any(one is not None and ast.unparse(one) == "Tensor" for one in annotations)
