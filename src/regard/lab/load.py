"""Reads and writes labs (comparisons of systems) as TOML, and builds the configuration of each system."""

from __future__ import annotations

import os
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from regard.config.did_you_mean import did_you_mean
from regard.config.load import load_config
from regard.config.schema import Config, Section
from regard.config.toml_text import MAX_CHARS, TOMLDecodeError, Tree, line_of, parse, write_key, write_value
from regard.errors import ConfigError
from regard.files.reading import read_text
from regard.lab.schema import BaseConfig, BudgetConfig, CorpusConfig, Lab, MeasureConfig

_MAX_FAULTS, _MAX_LENGTH = 20, 1000
# Faults in one error message, and characters of each.
_FOLDER = Path(__file__).with_name("labs")


def lab_names() -> tuple[str, ...]:
    """Names of the built-in labs (comparisons of systems), sorted.

    >>> lab_names()
    ('bottleneck', 'heads', 'scores', 'word-order')
    """
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.toml")))


def load_lab(name: str, *, changes: Mapping[str, object] | None = None, only: tuple[str, ...] = ()) -> Lab:
    """Reads a lab, the description of a comparison of systems, from a TOML file, or a built-in lab by name.

    Args:
        name: Path of a TOML file, or name of a built-in lab.
        changes: Values that replace those of the file, by dotted key, such as `budget.steps`; a value of None changes
            nothing. `corpus.train` replaces the whole `[corpus]` section.
        only: Names of the systems to keep, or patterns such as `luong/*`; empty = all. The baseline is always kept.

    Returns:
        The description of the lab, checked.

    Raises:
        ConfigError: The lab does not exist or is not valid TOML, or a key or value is invalid.
    """
    path = _find(name)
    text = read_text(path, max_bytes=4 * MAX_CHARS, remedy="a lab is TOML, saved as UTF-8", error=ConfigError)
    try:
        tree = parse(text)
    except TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    _change(tree, changes or {})
    lab = _check(tree, where=str(path), text=text)
    return lab if not only else _choose(lab, only, str(path))


def parse_lab(text: str, *, where: str) -> Lab:
    """Parses the description of a lab (a comparison of systems) from TOML, as `dump_lab` writes it.

    Args:
        text: A TOML document.
        where: Name of the document, for messages.

    Returns:
        The description of the lab, checked.

    Raises:
        ConfigError: The text is not valid TOML, or a key or value is invalid.
    """
    try:
        return _check(parse(text), where=where, text=text)
    except TOMLDecodeError as error:
        raise ConfigError(f"{where}: not valid TOML: {error}") from None


def dump_lab(lab: Lab) -> str:
    """Converts the description of a lab (a comparison of systems) to TOML; keys without a value are left out.

    Args:
        lab: Description of the lab.

    Returns:
        A TOML document, which `load_lab` can read.
    """
    tree = lab.model_dump(exclude_none=True)
    lines = [f"{key} = {write_value(value)}" for key, value in tree.items() if not isinstance(value, dict)]
    for name, table in tree.items():
        if isinstance(table, dict):
            lines += ["", f"[{name}]", *(f"{write_key(key)} = {write_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def system_config(lab: Lab, system: str) -> Config:
    """Builds the configuration of one system from the options of the lab's `[base]` section and the system's own.

    Args:
        lab: Description of the lab.
        system: Name of the system.

    Returns:
        The configuration, still without the corpus, budget and seed of the lab.

    Raises:
        ConfigError: An option is invalid; the message names the system.
    """
    preset = [] if lab.base.preset is None else [f"preset={lab.base.preset}"]
    try:
        return load_config(lab.base.file, overrides=[*preset, *lab.base.set], variant=lab.systems[system])
    except ConfigError as error:
        lines = (f"systems.{system}: {line}" for line in str(error).splitlines())
        raise ConfigError("\n".join(lines)) from None


def _find(name: str) -> Path:
    if name in lab_names():
        return _FOLDER / f"{name}.toml"
    if os.path.lexists(name):
        return Path(name)
    raise ConfigError(
        f"{name}: expected a TOML file that describes a comparison of systems, or the name of a built-in comparison"
        f"{did_you_mean(name, lab_names())}"
    )


def _change(tree: Tree, changes: Mapping[str, object]) -> None:
    if changes.get("corpus.train") is not None:
        # Other options of the file's corpus make no sense for the user's own corpus.
        tree["corpus"] = {}
        cast("Tree", tree.setdefault("measure", {})).pop("sentences", None)
    for key, value in changes.items():
        if value is None:
            continue
        *tables, last = key.split(".")
        inner = tree
        for table in tables:
            inner = cast("Tree", inner.setdefault(table, {}))
        inner[last] = [*cast("list[str]", inner.get(last, [])), *cast("list[str]", value)] if last == "set" else value
    budget = cast("Tree", tree.get("budget", {}))
    for given, other in (("steps", "tokens"), ("tokens", "steps")):
        if changes.get(f"budget.{given}") is not None and changes.get(f"budget.{other}") is None:
            budget.pop(other, None)


def _check(tree: Tree, *, where: str, text: str) -> Lab:
    try:
        return Lab.model_validate(tree)
    except ValidationError as error:
        messages = []
        faults = error.errors(include_url=False)
        for fault in faults[:_MAX_FAULTS]:
            path = [part for part in fault["loc"] if isinstance(part, str)]
            line = line_of(text, path) if path else None
            location = f"{where}:{line}" if line else where
            messages.append(f"{location}: {_fault_message(path, fault['type'], fault['msg'])}"[:_MAX_LENGTH])
        if len(faults) > _MAX_FAULTS:
            messages.append(f"and {len(faults) - _MAX_FAULTS:,} more")
        raise ConfigError("\n".join(dict.fromkeys(messages))) from None


def _fault_message(path: list[str], kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        sections: dict[str, type[Section]] = {
            "corpus": CorpusConfig, "budget": BudgetConfig, "base": BaseConfig, "measure": MeasureConfig
        }  # fmt: skip
        known = sections.get(path[0], Lab).model_fields
        return f"unknown key '{'.'.join(path)}'{did_you_mean(path[-1], known)}"
    plain = message.removeprefix("Value error, ")
    return f"{'.'.join(path)}: {plain}" if path else plain


def _choose(lab: Lab, only: tuple[str, ...], where: str) -> Lab:
    for pattern in only:
        if not any(fnmatch(name, pattern) for name in lab.systems):
            raise ConfigError(f"{where}: no system matches {pattern!r}{did_you_mean(pattern, lab.systems)}")
    kept = {
        name: options
        for name, options in lab.systems.items()
        if name == lab.baseline or any(fnmatch(name, pattern) for pattern in only)
    }
    return lab.model_copy(update={"systems": kept})
