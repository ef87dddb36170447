"""What the toolkits of `time_to_quality.py` share: sizes of the Transformer, texts in subwords, running of commands."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from regard.text.normalize import normalize
from regard.text.readers import read_lines
from regard.text.subword import Subword

FEW = 16
"""Number of validation sentences during training, small so that validation time does not matter."""
WIDTH, FF_SIZE, HEADS, LAYERS, DROPOUT = 128, 256, 4, 4, 0.15
PEAK, WARMUP = 4e-3, 400
FACTOR = PEAK * (WIDTH * WARMUP) ** 0.5
"""Factor that gives the schedule of Vaswani et al. 2017, eq. 3, this peak."""


@dataclass(frozen=True)
class Plan:
    """Options and files that all toolkits share.

    Attributes:
        data: Folder with `train` and `val`, whose file extensions are the languages.
        out: Folder of all results.
        peers: Python environment with the other toolkits.
        languages: File extensions of source and target.
        steps: Maximum number of updates; None = as derived by regard.
        every: Updates between checkpoints.
        threads: CPU threads of each toolkit.
    """

    data: Path
    out: Path
    peers: Path
    languages: tuple[str, str]
    steps: int | None
    every: int
    threads: int

    def text(self, name: str, side: int) -> Path:
        """Path of a raw text file."""
        return self.data / f"{name}.{self.languages[side]}"

    def pieces(self, name: str, side: int) -> Path:
        """Path of the same text in subwords separated by spaces."""
        return self.out / "pieces" / f"{name}.{self.languages[side]}"

    def subword(self) -> Subword:
        """The subword vocabulary that regard learned."""
        return Subword.load(self.out / "regard" / "model" / "training" / "subword.src.model")

    def write_pieces(self) -> None:
        """Writes all texts in subwords, and the vocabulary."""
        subword = self.subword()
        self.pieces("train", 0).parent.mkdir(parents=True, exist_ok=True)
        for name in ("train", "val"):
            for side in (0, 1):
                texts = [normalize(line) for line in read_lines(self.text(name, side))]
                lines = [" ".join(subword.encode(text).pieces) for text in texts]
                write_lines(self.pieces(name, side), lines)
                if name == "val":
                    write_lines(self.pieces("few", side), lines[:FEW])
        specials = {subword.specials.unk, subword.specials.pad, subword.specials.bos, subword.specials.eos}
        write_lines(
            self.out / "pieces" / "vocabulary",
            (subword.decode([i]).pieces[0] for i in range(len(subword)) if i not in specials),
        )

    def joined(self, lines: Iterable[str]) -> list[str]:
        """Joins subwords separated by spaces into text."""
        subword = self.subword()
        ids = {subword.decode([i]).pieces[0]: i for i in range(len(subword))}
        return [subword.decode([ids[piece] for piece in line.split() if piece in ids]).text for line in lines]


def environment(threads: int) -> dict[str, str]:
    """The user's environment with the given number of threads."""
    # OpenNMT-py stores its options with the weights, which newer PyTorch loads only with this variable.
    return {
        **os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"
    }  # fmt: skip


def run(command: list[str], plan: Plan) -> str:
    """Runs a command and returns its output; exits with its messages if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, env=environment(plan.threads))
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Writes lines with Unix line ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def numbered(paths: Iterable[Path]) -> dict[int, Path]:
    """Files by the last number in their names, in increasing order."""
    by_number = {int(re.findall(r"\d+", path.stem)[-1]): path for path in paths}
    return dict(sorted(by_number.items()))


def newest(checkpoints: dict[int, Path]) -> Path | None:
    """The checkpoint with the highest number; None if there is none."""
    return checkpoints[max(checkpoints)] if checkpoints else None
