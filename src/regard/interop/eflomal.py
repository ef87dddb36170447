"""Word links by eflomal, a statistical aligner that needs no model of ours (Östling & Tiedemann 2016).

It samples alignments of a whole text under a model of words, jumps and fertilities, in both directions. It is
licensed under the GPL and therefore run as a program of its own; nothing of it is imported. Each run draws its random
numbers afresh and cannot be given a seed: who needs the same links again keeps them in a file.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import files
from pathlib import Path
from tempfile import TemporaryDirectory

from regard.alignment.symmetrize import full_name, symmetrize
from regard.errors import ConfigError, DataError
from regard.interop.packages import require_package
from regard.text.links import parse_pharaoh
from regard.text.normalize import normalize
from regard.values import Links

_PROGRAM = "eflomal-align"


def align_words(sources: Sequence[str], targets: Sequence[str], *, method: str = "grow-diag-final-and") -> list[Links]:
    """Links the words of sentence pairs; they are compared in lower case.

    The dictionary is found in these very pairs: below some thousands of them the links are poor.

    Args:
        sources: Source sentences.
        targets: As many translations.
        method: How the two directions become one, see `regard.alignment.symmetrize`.

    Returns:
        Links of each pair between words of the normalized sentences, counted from 0. None where a side has no word,
        or more than 1,023 of them, which is beyond eflomal.

    Raises:
        ConfigError: eflomal is not installed.
        DataError: There are not as many sources as targets, there is no such method, or eflomal failed.
    """
    program, method = _program(), full_name(method)
    if len(sources) != len(targets):
        raise DataError(f"expected as many source as target sentences, got {len(sources)} and {len(targets)}")
    pairs = [(normalize(src), normalize(tgt)) for src, tgt in zip(sources, targets, strict=True)]
    rows = [row for row, (src, tgt) in enumerate(pairs) if src and tgt]
    links: list[Links] = [()] * len(pairs)
    if rows:
        both = _run(program, [pairs[row][0] for row in rows], [pairs[row][1] for row in rows])
        for row, (forward, backward) in zip(rows, both, strict=True):
            links[row] = symmetrize(forward, backward, method)
    return links


def _program() -> Path:
    """Where the installation put it: not always on the PATH."""
    require_package("eflomal", to="link words with eflomal", extra="align")
    for file in files("eflomal") or ():
        if file.name == _PROGRAM:
            return Path(str(file.locate()))
    raise ConfigError(f"the package eflomal is there, but not its program {_PROGRAM}: install it again with pip")


def _run(program: Path, sources: list[str], targets: list[str]) -> list[tuple[Links, Links]]:
    """The links of each pair in either direction, as `(source word, target word)` in both."""
    with TemporaryDirectory(prefix="regard-eflomal-") as name:
        folder = Path(name)
        places = {option: folder / option for option in ("source", "target", "forward-links", "reverse-links")}
        for option, lines in (("source", sources), ("target", targets)):
            places[option].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
        done = subprocess.run(
            [sys.executable, str(program), *(f"--{option}={place}" for option, place in places.items())],
            env={**os.environ, "TMPDIR": name},  # so that files of its own go with the folder, whatever happens
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        if done.returncode == -signal.SIGINT:  # Ctrl-C stops both, but in a training we only take note of it
            raise KeyboardInterrupt
        if done.returncode:
            raise DataError(f"eflomal could not link the words of {len(sources)} sentence pairs: {_told(done.stderr)}")
        forward, backward = (_links(places[option]) for option in ("forward-links", "reverse-links"))
    return list(zip(forward, backward, strict=True))


def _links(path: Path) -> list[Links]:
    return [parse_pharaoh(line).sure for line in path.read_text(encoding="utf-8").splitlines()]


def _told(stderr: str) -> str:
    """What it said before Python's traceback, and the last line of that."""
    before, _, traceback = stderr.partition("Traceback (most recent call last):")
    lines = [*before.split("\n"), *traceback.strip().split("\n")[-1:]]
    return "; ".join(line.strip() for line in lines if line.strip()) or "it did not say why"
