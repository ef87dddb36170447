"""Runs commands and compares their output with a record: text exactly, numbers within a tolerance."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import math
import os
import re
import shutil
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

COLUMNS = 100
_NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?|\d+%")
"""Measured values in a text; integers are counts and must be equal."""
_SACREBLEU_VERSION = re.compile(r"(version:)\d[\w.+]*")
"""Version in a signature of sacreBLEU."""
SMALL = 2e-5
"""Absolute tolerance of weights and probabilities; a page stores them in units of 1.5e-5."""
FLAG_TOLERANCE = 1.01e-3
"""Absolute tolerance of values of quality flags, which are rounded to three decimals."""


@dataclass(frozen=True)
class Printed:
    """Exit status and output of a command."""

    status: int
    out: list[str]
    err: list[str]

    def as_json(self) -> dict[str, object]:
        """The status, and the lines of each stream that is not empty."""
        return {name: value for name, value in asdict(self).items() if value or name == "status"}


def run(args: Sequence[str], *, stdin: str = "", directories: Mapping[str, Path] | None = None) -> Printed:
    """Runs a command of regard in this process.

    Args:
        args: Arguments after `regard`.
        stdin: Standard input.
        directories: Directories by name; `{name}` stands for the path in arguments and replaces it in the output.

    Returns:
        Exit status and output.
    """
    from regard.cli.main import app

    directories = directories or {}
    filled = [arg.format(**directories) if "{" in arg else arg for arg in args]
    out, err, status = io.StringIO(), io.StringIO(), -1
    with _terminal(stdin), redirect_stdout(out), redirect_stderr(err):
        try:
            app(filled)
        except SystemExit as exit_call:
            status = exit_call.code if isinstance(exit_call.code, int) else -1
    return Printed(status, _lines(out.getvalue(), directories), _lines(err.getvalue(), directories))


@contextmanager
def _terminal(stdin: str) -> Iterator[None]:
    """Sets standard input and the width of the terminal."""
    file = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    with patch.object(sys, "stdin", file), patch.dict(os.environ, {"COLUMNS": str(COLUMNS), "NO_COLOR": "1"}):
        yield


@contextmanager
def working_directory(path: Path) -> Iterator[None]:
    """Changes the working directory for a block of code.

    Args:
        path: The directory.

    Yields:
        Nothing.
    """
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


def _lines(text: str, directories: Mapping[str, Path]) -> list[str]:
    for name, path in directories.items():
        text = text.replace(str(path), f"{{{name}}}")
    return text.split("\n")[:-1] if text.endswith("\n") else text.split("\n") if text else []


def differences(
    recorded: Sequence[str], found: Sequence[str], *, tolerance: float, ignore: Sequence[str] = ()
) -> list[str]:
    """Compares lines with recorded ones.

    Args:
        recorded: Recorded lines.
        found: New lines.
        tolerance: Relative tolerance of numbers; 0 = they must be equal.
        ignore: Keys of JSON objects whose values are not compared.

    Returns:
        A message for each line that differs.
    """
    comparison, messages = _Comparison(tolerance, frozenset(ignore)), []
    if len(recorded) != len(found):
        messages.append(f"expected {len(recorded)} lines, got {len(found)}")
    for number, (old, new) in enumerate(zip(recorded, found, strict=False), start=1):
        reason = comparison.of_lines(old, new)
        if reason:
            messages.append(f"line {number}: {reason}\n  recorded: {_short(old)}\n  found:    {_short(new)}")
    return messages


@dataclass(frozen=True)
class _Comparison:
    """Compares lines, JSON values and texts; describes a difference in words."""

    tolerance: float
    ignore: frozenset[str]

    def of_lines(self, old: str, new: str) -> str | None:
        if old == new:
            return None
        values = [_parsed(text) for text in (old, new)]
        return self.of_texts(old, new) if None in values else next(self.of_values(*values, where=""), None)

    def of_values(self, old: object, new: object, *, where: str) -> Iterator[str]:
        """Compares JSON values."""
        if isinstance(old, dict) and isinstance(new, dict):
            yield from self._of_objects(old, new, where)
        elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            for number, pair in enumerate(zip(old, new, strict=True)):
                yield from self.of_values(*pair, where=f"{where}[{number}]")
        elif isinstance(old, float) and isinstance(new, float):
            if not self._is_near(old, new, unit=FLAG_TOLERANCE if where.endswith(".value") else 0.0):
                yield f"{where}: expected {old!r}, got {new!r}"
        elif isinstance(old, str) and isinstance(new, str):
            reason = self.of_texts(old, new)
            yield from [f"{where}: {reason}"] if reason else []
        elif type(old) is not type(new) or old != new:
            yield f"{where}: expected {_short(repr(old))}, got {_short(repr(new))}"

    def _of_objects(self, old: dict[str, object], new: dict[str, object], where: str) -> Iterator[str]:
        if old.keys() != new.keys():
            yield f"{where or 'object'}: expected the keys {', '.join(old)}, got {', '.join(new)}"
            return
        for key in old:
            if key not in self.ignore:
                yield from self.of_values(old[key], new[key], where=f"{where}.{key}")

    def of_texts(self, old: str, new: str) -> str | None:
        """Compares texts that contain measured values."""
        old, new = (_SACREBLEU_VERSION.sub(r"\1*", text) for text in (old, new))
        if not self.tolerance:
            return None if old == new else "different text"
        if _NUMBER.sub("#", old) != _NUMBER.sub("#", new):
            return "different text"
        for old_number, new_number in zip(_NUMBER.findall(old), _NUMBER.findall(new), strict=True):
            old_value, new_value = (float(number.rstrip("%")) for number in (old_number, new_number))
            if not self._is_near(old_value, new_value, unit=_unit(old_number)):
                return f"expected {old_number}, got {new_number}"
        return None

    def _is_near(self, old: float, new: float, *, unit: float) -> bool:
        if not self.tolerance:
            return old == new
        return math.isclose(old, new, rel_tol=self.tolerance, abs_tol=max(unit, SMALL))


def _parsed(line: str) -> object:
    """The JSON object or array of a line; None for other text."""
    if line[:1] not in ("{", "["):
        return None
    try:
        value: object = json.loads(line)
    except ValueError:
        return None
    return value


def _unit(text: str) -> float:
    """Tolerance of a number with few decimals, which may be rounded the other way: one unit in the last; else 0."""
    decimals = len(text.rstrip("%").partition(".")[2])
    return 1.01 * 10.0**-decimals if decimals <= 4 and "e" not in text else 0.0


def _short(text: str) -> str:
    return text if len(text) <= 300 else text[:300] + " ..."


@dataclass(frozen=True)
class Case:
    """A sequence of commands in a directory of its own, and what is compared of their output.

    Attributes:
        name: Name of the case.
        commands: Arguments of each command, in the order in which they run; `{out}` stands for the case's directory.
        stdin: Standard input of the commands.
        copies: Directories that are first copied to `{out}`, because commands write to them.
        reads: Files in `{out}` whose content is compared.
        compared: Number of commands, the last ones, whose output is compared; the others must succeed.
        tolerance: Relative tolerance of measured numbers; 0 where nothing is computed.
        ignore: Keys of JSON objects whose values depend on the machine and are not compared.
        needs: Packages without which the case is skipped.
    """

    name: str
    commands: list[list[str]]
    stdin: str = ""
    copies: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    compared: int = 1
    tolerance: float = 1e-4
    ignore: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)

    def play(self, out: Path) -> dict[str, object]:
        """Runs the commands in the working directory.

        Args:
            out: An empty directory.

        Returns:
            Output of the compared commands in `printed`, and lines of the files in `files`.

        Raises:
            AssertionError: A command that is not compared failed.
        """
        for name in self.copies:
            shutil.copytree(name, out / Path(name).name)
        printed = []
        for number, args in enumerate(self.commands, start=1 + self.compared - len(self.commands)):
            output = run(args, stdin=self.stdin, directories={"out": out})
            if number > 0:
                printed.append(output.as_json())
            elif output.status:
                raise AssertionError(f"{' '.join(args)}: status {output.status}: {output.err[-3:]}")
        return {"printed": printed, "files": {name: _content(out / name) for name in self.reads}}

    def differences(self, recorded: dict[str, Any], found: dict[str, Any]) -> list[str]:
        """Compares a result of `play` with a recorded one.

        Args:
            recorded: Recorded result.
            found: New result.

        Returns:
            A message for each line that differs.
        """
        messages = []
        for old, new, args in zip(
            recorded["printed"], found["printed"], self.commands[len(self.commands) - self.compared :], strict=True
        ):
            command = f"regard {' '.join(args)}"
            if old["status"] != new["status"]:
                messages.append(f"{command}: expected status {old['status']}, got {new['status']}")
            for stream in ("out", "err"):
                lines = self._differences(old.get(stream, []), new.get(stream, []))
                messages += [f"{command}: std{stream}: {line}" for line in lines]
        for name, lines in recorded["files"].items():
            messages += [f"{name}: {line}" for line in self._differences(lines, found["files"][name])]
        return messages

    def _differences(self, old: list[str], new: list[str]) -> list[str]:
        return differences(old, new, tolerance=self.tolerance, ignore=self.ignore)


def _content(path: Path) -> list[str]:
    """Lines of a text file; the data of an attention page; the hash of a long or binary file."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if path.suffix == ".html":
        return [json.dumps(_page_data(data.decode()), ensure_ascii=False)]
    if len(data) > 20_000 or b"\0" in data:
        return [f"sha256 {hashlib.sha256(data).hexdigest()}"]
    return data.decode().split("\n")


def _page_data(page: str) -> object:
    """Data of an attention page, with its packed weights as numbers."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    data: list[dict[str, Any]] = json.loads(found[1]) if found else []
    for record in (record for model in data for record in model["records"]):
        for layer in record["layers"]:
            units = array("H", base64.b64decode(layer["weights"]))
            layer["weights"] = [round(number * record["unit"], 6) for number in units]
    return data
