"""The field's words in plain American English: names and sentences that a newcomer understands at first reading."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from house_rules.tree import Finding, Module, finding

BANNED_NAMES = frozenset(
    {
        "told", "said", "one", "ones", "uttered", "wish", "wanted", "likeliest", "never_said", "rescue", "stretch",
        "stretches", "suspicion", "suspicions", "suspicious", "look", "looked", "looks", "can_look", "remember",
        "remembered", "guidance", "guiding", "foreman", "judged", "reach_of", "like_length", "early_gates",
        "late_gates", "appearing", "complaint", "complaints", "doubtful", "doubts", "kinds_of",
    }
)  # fmt: skip
"""Names of variables, parameters, attributes, functions and classes, in lower case and without underscores in front."""

BANNED_WORDS = (
    "told", "said", "uttered", "wish", "wishes", "likeliest", "suspicion", "suspicions", "doubtful", "foreman",
    "stretch", "stretches", "rescue", "rescued", "whoever", "whatever", "somebody", "nobody", "anew", "ever so",
    "come about", "gone on with", "goes on with", "in no time", "by hand", "affairs", "lest", "thereby", "whence",
    "henceforth", "meanwhile", "betimes", "spelt", "learnt", "colour", "neighbour", "behaviour", "normalise",
    "normaliser", "symmetrise", "optimiser", "quantise", "tokeniser", "initialise", "summarise", "recognise",
)  # fmt: skip
"""Words that docstrings, comments and pages avoid: for each there is a plainer or a technical one."""

LONGEST_FIRST_SENTENCE = 20
_SECTION = re.compile(r"\bS\d{1,2}\b(?!\w)")
_WORDS = re.compile(r"\b(" + "|".join(re.escape(word) for word in BANNED_WORDS) + r")\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.:!?])\s|\n\n")


def check_names(modules: list[Module]) -> list[Finding]:
    """No name is a banned one, which does not say what it holds."""
    findings = []
    for module in modules:
        for name, line in sorted(set(_bound(module.tree)), key=lambda pair: (pair[1], pair[0])):
            if name.lstrip("_").lower() in BANNED_NAMES:
                findings.append(finding(module, line, f"`{name}`: name what it holds"))
    return findings


def check_words(path: Path, text: str) -> list[Finding]:
    """A text, such as a page or a source file, contains no banned word."""
    findings = []
    for number, line in enumerate(text.splitlines(), start=1):
        findings += [Finding(str(path), number, f"{match[0]!r}: use a plainer word") for match in _WORDS.finditer(line)]
    return findings


def check_first_sentences(modules: list[Module]) -> list[Finding]:
    """The first sentence of a public docstring has at most 20 words, and no docstring cites sections such as S11."""
    findings = []
    for module in modules:
        for line, text in _public_docstrings(module.tree):
            first = " ".join(_SENTENCE_END.split(text.strip(), maxsplit=1)[0].split())
            if (count := len(first.split())) > LONGEST_FIRST_SENTENCE:
                findings.append(finding(module, line, f"first sentence of {count} words: {first[:60]} ..."))
            findings += [
                finding(module, line, f"{match[0]}: name paper and equation") for match in _SECTION.finditer(text)
            ]
    return findings


def _public_docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    def walk(node: ast.Module | ast.ClassDef) -> Iterator[tuple[int, str]]:
        text = ast.get_docstring(node)
        if text:
            yield getattr(node, "lineno", 1), text
        for child in node.body:
            if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
                yield from walk(child)
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_"):
                inner = ast.get_docstring(child)
                if inner:
                    yield child.lineno, inner

    yield from walk(tree)


def _bound(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names that a module defines: variables, parameters, attributes, functions and classes, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
