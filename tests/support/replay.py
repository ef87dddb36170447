"""Commands that are run again, and compared with what they once put out: text exactly, numbers nearly."""

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
"""What a text holds of measured values; whole numbers count things, and must be the same."""
_FOREIGN = re.compile(r"(version:)\d[\w.+]*")
"""Versions of sacreBLEU in its signatures."""
SMALL = 2e-5
"""What weights and probabilities may differ by, at any size; a page holds them in units of 1.5e-5."""
SUSPICION = 1.01e-3
"""What is measured of a suspicious translation is rounded to three places, which may turn."""


@dataclass(frozen=True)
class Printed:
    """How a command ended, and what it printed."""

    status: int
    out: list[str]
    err: list[str]

    def as_json(self) -> dict[str, object]:
        """The same as plain values, without what is empty."""
        return {name: value for name, value in asdict(self).items() if value or name == "status"}


def run(args: Sequence[str], *, stdin: str = "", places: Mapping[str, Path] | None = None) -> Printed:
    """Runs a command of regard in this process.

    Args:
        args: What follows `regard`.
        stdin: Standard input.
        places: Directories by a name that stands for them in braces, in arguments and in what is printed.

    Returns:
        How it ended.
    """
    from regard.cli.main import app

    places = places or {}
    filled = [arg.format(**places) if "{" in arg else arg for arg in args]
    out, err, status = io.StringIO(), io.StringIO(), -1
    with _terminal(stdin), redirect_stdout(out), redirect_stderr(err):
        try:
            app(filled)
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else -1
    return Printed(status, _lines(out.getvalue(), places), _lines(err.getvalue(), places))


@contextmanager
def _terminal(stdin: str) -> Iterator[None]:
    """Standard input, and a width for what is drawn."""
    file = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    with patch.object(sys, "stdin", file), patch.dict(os.environ, {"COLUMNS": str(COLUMNS), "NO_COLOR": "1"}):
        yield


@contextmanager
def present_directory(path: Path) -> Iterator[None]:
    """Makes a directory the present one for a while."""
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


def _lines(text: str, places: Mapping[str, Path]) -> list[str]:
    for name, place in places.items():
        text = text.replace(str(place), f"{{{name}}}")
    return text.split("\n")[:-1] if text.endswith("\n") else text.split("\n") if text else []


def differences(
    recorded: Sequence[str], found: Sequence[str], *, tolerance: float, ignore: Sequence[str] = ()
) -> list[str]:
    """What is different between lines that were recorded and those of today.

    Args:
        recorded: As they were.
        found: As they are.
        tolerance: What numbers may differ by, relative to their size; 0 = not at all, as where nothing is computed.
        ignore: Keys of JSON objects whose values need not be the same.

    Returns:
        A sentence for each line that is different; nothing where all is as it was.
    """
    comparison, wrong = _Comparison(tolerance, frozenset(ignore)), []
    if len(recorded) != len(found):
        wrong.append(f"{len(recorded)} lines were recorded, but there are {len(found)}")
    for number, (old, new) in enumerate(zip(recorded, found, strict=False), start=1):
        reason = comparison.of_lines(old, new)
        if reason:
            wrong.append(f"line {number}: {reason}\n  recorded: {_short(old)}\n  found:    {_short(new)}")
    return wrong


@dataclass(frozen=True)
class _Comparison:
    """Says in words what differs, with None or nothing where all is the same."""

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
            if not self._is_near(old, new, unit=SUSPICION if where.endswith(".value") else 0.0):
                yield f"{where} is {new!r} rather than {old!r}"
        elif isinstance(old, str) and isinstance(new, str):
            reason = self.of_texts(old, new)
            yield from [f"{where}: {reason}"] if reason else []
        elif type(old) is not type(new) or old != new:
            yield f"{where} is {_short(repr(new))} rather than {_short(repr(old))}"

    def _of_objects(self, old: dict[str, object], new: dict[str, object], where: str) -> Iterator[str]:
        if old.keys() != new.keys():
            yield f"{where or 'the object'} has the keys {', '.join(new)} rather than {', '.join(old)}"
            return
        for key in old:
            if key not in self.ignore:
                yield from self.of_values(old[key], new[key], where=f"{where}.{key}")

    def of_texts(self, old: str, new: str) -> str | None:
        """Compares texts with measured values in them."""
        old, new = (_FOREIGN.sub(r"\1*", text) for text in (old, new))
        if not self.tolerance:
            return None if old == new else "the text is another"
        if _NUMBER.sub("#", old) != _NUMBER.sub("#", new):
            return "the text is another"
        for before, now in zip(_NUMBER.findall(old), _NUMBER.findall(new), strict=True):
            if not self._is_near(float(before.rstrip("%")), float(now.rstrip("%")), unit=_unit(before)):
                return f"{now} rather than {before}"
        return None

    def _is_near(self, old: float, new: float, *, unit: float) -> bool:
        if not self.tolerance:
            return old == new
        return math.isclose(old, new, rel_tol=self.tolerance, abs_tol=max(unit, SMALL))


def _parsed(line: str) -> object:
    """The JSON object or array of a line; None where it is other text."""
    if line[:1] not in ("{", "["):
        return None
    try:
        value: object = json.loads(line)
    except ValueError:
        return None
    return value


def _unit(text: str) -> float:
    """One in the last place of a number that was printed with few places, whose rounding may turn; else nothing."""
    places = len(text.rstrip("%").partition(".")[2])
    return 1.01 * 10.0**-places if places <= 4 and "e" not in text else 0.0


def _short(text: str) -> str:
    return text if len(text) <= 300 else text[:300] + " ..."


@dataclass(frozen=True)
class Case:
    """Commands that belong together, in a directory of their own, and what of them is compared.

    Attributes:
        name: Says what is recorded.
        commands: Arguments of each, one after the other; `{out}` stands for the case's directory.
        stdin: Of the last command.
        copies: Directories that are copied to `{out}` first, since commands write in them.
        reads: Files below `{out}` whose content is compared.
        compared: How many commands, from the last one backwards, are compared in all that they print; the others must
            end well.
        tolerance: What measured numbers may differ by, relative to their size; 0 where nothing is computed.
        ignore: Keys of JSON objects whose values are not compared, as they depend on the machine.
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
        """Runs the commands in the present directory.

        Args:
            out: A directory that is empty.

        Returns:
            What the compared commands printed, under `printed`, and the lines of the files, under `files`.

        Raises:
            AssertionError: A command that is not compared failed.
        """
        for name in self.copies:
            shutil.copytree(name, out / Path(name).name)
        printed = []
        for number, args in enumerate(self.commands, start=1 + self.compared - len(self.commands)):
            ended = run(args, stdin=self.stdin, places={"out": out})
            if number > 0:
                printed.append(ended.as_json())
            elif ended.status:
                raise AssertionError(f"{' '.join(args)}: status {ended.status}: {ended.err[-3:]}")
        return {"printed": printed, "files": {name: _content(out / name) for name in self.reads}}

    def differences(self, recorded: dict[str, Any], found: dict[str, Any]) -> list[str]:
        """Compares what `play` returned with what it once did; a sentence for each line that is different."""
        wrong = []
        for old, new, args in zip(
            recorded["printed"], found["printed"], self.commands[len(self.commands) - self.compared :], strict=True
        ):
            command = f"regard {' '.join(args)}"
            if old["status"] != new["status"]:
                wrong.append(f"{command}: the status is {new['status']} rather than {old['status']}")
            for stream in ("out", "err"):
                lines = self._differences(old.get(stream, []), new.get(stream, []))
                wrong += [f"{command}: std{stream}: {line}" for line in lines]
        for name, lines in recorded["files"].items():
            wrong += [f"{name}: {line}" for line in self._differences(lines, found["files"][name])]
        return wrong

    def _differences(self, old: list[str], new: list[str]) -> list[str]:
        return differences(old, new, tolerance=self.tolerance, ignore=self.ignore)


def _content(path: Path) -> list[str]:
    """Lines of a text; of a page what it was made of; of a long or binary file its hash."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if path.suffix == ".html":
        return [json.dumps(_page_data(data.decode()), ensure_ascii=False)]
    if len(data) > 20_000 or b"\0" in data:
        return [f"sha256 {hashlib.sha256(data).hexdigest()}"]
    return data.decode().split("\n")


def _page_data(page: str) -> object:
    """What a page of attention shows, its packed weights as numbers."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    data: list[dict[str, Any]] = json.loads(found[1]) if found else []
    for record in (record for model in data for record in model["records"]):
        for layer in record["layers"]:
            units = array("H", base64.b64decode(layer["weights"]))
            layer["weights"] = [round(number * record["unit"], 6) for number in units]
    return data
