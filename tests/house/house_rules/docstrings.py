"""Every public name documents its purpose, arguments and results.

One sentence suffices for a function of at most one argument; any other has an `Args:` section, and a `Returns:` (or
`Yields:`) section if it returns something. Functions that take or return tensors document a shape such as `(B, S)`, or
that any shape is allowed. Exempt are methods that override a documented one of the package or name it (`Base.method`),
and verbs of the command line, whose options have their own help. One sentence also suffices for a rule of the
phrasebook's grammar. pydoclint checks that the sections agree with the signature.
"""

from __future__ import annotations

import ast
import re

from house_rules.tree import Finding, Function, Module, finding, parameters, public_functions

SHAPE = re.compile(r"`\((?:[A-Z0-9…*.]|\.\.\.|num_)|`\(\)`|\b(any|same) shape\b|\bscalar\b")


def check_docstrings(modules: list[Module]) -> list[Finding]:
    """Checks modules, public classes and public functions against the rules above."""
    findings = []
    documented = _Documented(modules)
    for module in modules:
        if not ast.get_docstring(module.tree):
            findings.append(finding(module, 1, "module without a docstring"))
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node):
                findings.append(finding(module, node.lineno, f"class {node.name} without a docstring"))
        shaped_classes = {
            node.name
            for node in module.tree.body
            if isinstance(node, ast.ClassDef) and SHAPE.search(ast.get_docstring(node) or "")
        }
        for name, function in public_functions(module.tree):
            shaped = name.split(".")[0] in shaped_classes
            # A verb's options are documented where they are declared, for `--help`.
            is_verb = module.part == "cli" and name == module.path.stem
            # All rules of the grammar take the sampler and words and return phrases, so one sentence suffices.
            most = 4 if module.part == "regard_phrasebook" else 1
            if not is_verb and not documented.covers(name, function):
                faults = _faults(function, shaped, most)
                findings += [finding(module, function.lineno, f"{name}: {fault}") for fault in faults]
    return findings


class _Documented:
    """Documented methods of the package's classes, to find those that a class inherits."""

    def __init__(self, modules: list[Module]) -> None:
        classes = [node for module in modules for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
        self.bases = {node.name: [ast.unparse(base).split("[")[0] for base in node.bases] for node in classes}
        self.methods = {
            (node.name, child.name)
            for node in classes
            for child in node.body
            if isinstance(child, Function) and ast.get_docstring(child)
        }

    def covers(self, name: str, function: Function) -> bool:
        """Whether a method has a docstring, and overrides or names a method that has one too."""
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
    paragraphs = [part for part in text.split("\n\n") if not part.lstrip().startswith((">>>", "Example"))]
    one_sentence = len(paragraphs) == 1 and count <= most
    if count and not one_sentence and "Args" not in sections:
        faults.append("no Args section")
    if _returns_something(function) and not one_sentence and not sections & {"Returns", "Yields"}:
        faults.append("no Returns section")
    if not shaped and _takes_tensor(function) and not SHAPE.search(text):
        faults.append("takes or returns a tensor, but documents no shape such as `(B, S)`")
    return faults


def _is_exempt(function: Function) -> bool:
    """Overloads, setters and overrides are documented by the function they belong to."""
    names = {ast.unparse(decorator).split(".")[-1] for decorator in function.decorator_list}
    return bool(names & {"overload", "setter", "override"})


def _returns_something(function: Function) -> bool:
    return function.returns is not None and ast.unparse(function.returns) not in ("None", "NoReturn", "Never")


def _takes_tensor(function: Function) -> bool:
    annotations = [parameter.annotation for parameter in parameters(function)] + [function.returns]
    return any(annotation is not None and ast.unparse(annotation) == "Tensor" for annotation in annotations)
