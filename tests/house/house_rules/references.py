"""Names of modules, objects and files on documentation pages refer to things that exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from house_rules.tree import Finding

_OBJECT = re.compile(r"`((?:regard|regard_phrasebook)(?:\.\w+)+)(?:\(\))?`")
_FILE = re.compile(r"`((?:src|tests|tools|benchmarks|docs)/[\w./-]+)`")


def check_references(path: Path, page: str, root: Path) -> list[Finding]:
    """Objects and files that a page names in backticks exist.

    Args:
        path: Path of the page, for messages.
        page: Its text.
        root: The repository.

    Returns:
        One finding per name that leads nowhere.
    """
    findings = []
    for number, line in enumerate(page.splitlines(), start=1):
        findings += [
            Finding(str(path), number, f"`{name}` does not exist")
            for name in _OBJECT.findall(line)
            if not _exists(name)
        ]
        findings += [
            Finding(str(path), number, f"no file `{name}`")
            for name in _FILE.findall(line)
            if not (root / name).exists()
        ]
    return findings


def _exists(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one, or of an object in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            if not hasattr(value, attribute):
                return False
            value = getattr(value, attribute)
        return True
    return False
