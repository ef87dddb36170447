"""What the toolkits of `time_to_quality.py` have in common: a small Transformer, cut text, a way to be run."""

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
"""Sentences to validate with while training: no clock shall show how fast a toolkit validates."""
WIDTH, FF_SIZE, HEADS, LAYERS, DROPOUT = 128, 256, 4, 4, 0.15
PEAK, WARMUP = 4e-3, 400
FACTOR = PEAK * (WIDTH * WARMUP) ** 0.5
"""What the schedule of Vaswani et al. 2017, eq. 3 is multiplied by to have this peak."""


@dataclass(frozen=True)
class Plan:
    """What all have in common.

    Attributes:
        data: Folder with `train`, `val` and their endings.
        out: Where everything goes.
        peers: An environment with the other toolkits.
        languages: Endings of source and target.
        steps: Updates at most; as regard derives them when None.
        every: Updates between checkpoints.
        threads: Of each.
    """

    data: Path
    out: Path
    peers: Path
    languages: tuple[str, str]
    steps: int | None
    every: int
    threads: int

    def text(self, name: str, side: int) -> Path:
        """A file of raw text."""
        return self.data / f"{name}.{self.languages[side]}"

    def pieces(self, name: str, side: int) -> Path:
        """The same, cut into pieces that spaces divide."""
        return self.out / "pieces" / f"{name}.{self.languages[side]}"

    def subword(self) -> Subword:
        """The vocabulary that regard learned."""
        return Subword.load(self.out / "regard" / "model" / "training" / "subword.src.model")

    def cut(self) -> None:
        """Writes the pieces of all texts, and of the vocabulary."""
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
        """Pieces that spaces divide, made text again."""
        subword = self.subword()
        ids = {subword.decode([i]).pieces[0]: i for i in range(len(subword))}
        return [subword.decode([ids[piece] for piece in line.split() if piece in ids]).text for line in lines]


def environment(threads: int) -> dict[str, str]:
    """As the user has it, with as many threads as are asked for."""
    # OpenNMT-py stores its options with the weights, which newer PyTorch reads only when it is told to.
    return {
        **os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"
    }  # fmt: skip


def run(command: list[str], plan: Plan) -> str:
    """Runs to the end; what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, env=environment(plan.threads))
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """One a line, ends of lines as on Unix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def numbered(paths: Iterable[Path]) -> dict[int, Path]:
    """Files by the last number in their names, in its order."""
    found = {int(re.findall(r"\d+", path.stem)[-1]): path for path in paths}
    return dict(sorted(found.items()))


def newest(checkpoints: dict[int, Path]) -> Path | None:
    """The last one, if there is any."""
    return checkpoints[max(checkpoints)] if checkpoints else None
