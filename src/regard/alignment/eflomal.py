"""Word alignment by eflomal, a statistical aligner that needs no translation model (Östling & Tiedemann 2016).

Eflomal samples alignments of a whole text under a model of words, jumps and fertilities, in both directions. It is
licensed under the GPL, so it runs as a separate program and nothing of it is imported. Its results are random and have
no seed: to use the same links again, store them in a file.
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
from regard.files.packages import require_package
from regard.text.links import parse_pharaoh
from regard.text.normalize import normalize
from regard.values import Links

_PROGRAM = "eflomal-align"


def align_words(sources: Sequence[str], targets: Sequence[str], *, method: str = "grow-diag-final-and") -> list[Links]:
    """Aligns the words of sentence pairs with eflomal, ignoring case.

    Eflomal learns word translations from these sentence pairs alone; with fewer than a few thousand pairs, the links
    are poor.

    Args:
        sources: Source sentences.
        targets: One translation per source sentence.
        method: How to combine the links of both directions: `intersection`, `union`, `grow-diag`, `grow-diag-final` or
            `grow-diag-final-and`.

    Returns:
        Links of each pair as 0-based `(source word, target word)`. Words are what spaces separate in a sentence after
        `regard.text.normalize.normalize`. A pair has no links if one of its sentences has no words, or more than 1,023,
        the limit of eflomal.

    Raises:
        ConfigError: eflomal is not installed.
        DataError: The numbers of sources and targets differ, the method is unknown, or eflomal failed.
    """
    program, method = _program(), full_name(method)
    if len(sources) != len(targets):
        raise DataError(
            f"expected one target sentence per source sentence, got {len(sources)} source and {len(targets)} target "
            "sentences: pass two lists of equal length"
        )
    pairs = [(normalize(src), normalize(tgt)) for src, tgt in zip(sources, targets, strict=True)]
    rows = [row for row, (src, tgt) in enumerate(pairs) if src and tgt]
    links: list[Links] = [()] * len(pairs)
    if rows:
        directions = _run(program, [pairs[row][0] for row in rows], [pairs[row][1] for row in rows])
        for row, (forward, backward) in zip(rows, directions, strict=True):
            links[row] = symmetrize(forward, backward, method)
    return links


def _program() -> Path:
    """Path of the installed program, which is not always on the PATH."""
    require_package("eflomal", to="align words with eflomal", extra="align")
    for file in files("eflomal") or ():
        if file.name == _PROGRAM:
            return Path(str(file.locate()))
    raise ConfigError(
        f"the package eflomal is installed without its program {_PROGRAM}: install it again with pip install "
        "--force-reinstall eflomal"
    )


def _run(program: Path, sources: list[str], targets: list[str]) -> list[tuple[Links, Links]]:
    """Forward and backward links of each pair; both as `(source word, target word)`."""
    with TemporaryDirectory(prefix="regard-eflomal-") as name:
        directory = Path(name)
        paths = {option: directory / option for option in ("source", "target", "forward-links", "reverse-links")}
        for option, lines in (("source", sources), ("target", targets)):
            paths[option].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
        done = subprocess.run(
            [sys.executable, str(program), *(f"--{option}={path}" for option, path in paths.items())],
            env={**os.environ, "TMPDIR": name},  # its own temporary files are deleted with this directory
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        if done.returncode == -signal.SIGINT:  # Ctrl-C reaches both programs, but a training only records it
            raise KeyboardInterrupt
        if done.returncode:
            raise DataError(f"eflomal could not align {len(sources)} sentence pairs: {_error_text(done.stderr)}")
        forward, backward = (_read_links(paths[option]) for option in ("forward-links", "reverse-links"))
    return list(zip(forward, backward, strict=True))


def _read_links(path: Path) -> list[Links]:
    return [parse_pharaoh(line).sure for line in path.read_text(encoding="utf-8").splitlines()]


def _error_text(stderr: str) -> str:
    """Output before Python's traceback, and the last line of the traceback."""
    before, _, traceback = stderr.partition("Traceback (most recent call last):")
    lines = [*before.split("\n"), *traceback.strip().split("\n")[-1:]]
    return "; ".join(line.strip() for line in lines if line.strip()) or "it printed no reason"
