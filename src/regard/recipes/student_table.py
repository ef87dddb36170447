"""The table that a distillation ends with: quality, size and speed of the teacher and of the student."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from regard.evaluate.scores import corpus_bleu, corpus_chrf
from regard.evaluate.tokenizers import choose_tokenizer
from regard.translation.loading import load
from regard.translation.options import TranslateOptions
from regard.translation.shortlist import read_shortlist, shortlisted
from regard.translation.translator import Translator

NUM_SENTENCES = 500
"""Largest number of sentences that are translated for the table."""
REPETITIONS = 3
"""Number of times that they are translated; the fastest counts."""


@dataclass(frozen=True)
class _System:
    """A way to translate.

    Attributes:
        name: Name for the user.
        translator: What translates.
        beam: Width of the beam; None = as stored with the model.
        megabytes: Size of its files.
    """

    name: str
    translator: Translator
    beam: int | None
    megabytes: float


def student_table(
    teachers: Sequence[Path], student: Path, shortlist: Path | None, text: tuple[Sequence[str], Sequence[str]]
) -> str:
    """Translates validation text with teacher and student, and compares quality, size and speed.

    Args:
        teachers: Directories of the teachers.
        student: Directory of the student.
        shortlist: File of the student's lexical shortlist; None = no shortlist.
        text: Source sentences and their reference translations.

    Returns:
        The table as text, with rows for the teacher, the student, the student with greedy search, and, if there is a
        shortlist, the student with both. The speed is that of this machine, with PyTorch's number of threads.
    """
    rows = np.linspace(0, len(text[0]) - 1, min(len(text[0]), NUM_SENTENCES)).round().astype(int).tolist()
    sources, references = [text[0][row] for row in rows], [text[1][row] for row in rows]
    systems = _systems(teachers, student, shortlist)
    outputs, seconds = _translate(systems, sources)
    tokenize = choose_tokenizer(references)
    bleu = [corpus_bleu(output, references, tokenize=tokenize) for output in outputs]
    chrf = [corpus_chrf(output, references) for output in outputs]
    width = max(len(system.name) for system in systems)
    heading = f"{len(sources):,} validation sentences".ljust(width)
    lines = [f"{heading}   BLEU  share   chrF      MB  sentences/s  speed"]
    width = len(heading)
    for number, system in enumerate(systems):
        share = bleu[number] / bleu[0] if bleu[0] else 1.0
        lines.append(
            f"{system.name:{width}}  {bleu[number]:5.1f}  {share:5.2f}  {chrf[number]:5.1f}  {system.megabytes:6.1f}"
            f"  {len(sources) / seconds[number]:11.1f}  {seconds[0] / seconds[number]:4.1f}x"
        )
    return "\n".join(lines)


def _systems(teachers: Sequence[Path], student: Path, shortlist: Path | None) -> list[_System]:
    small = load(student)
    size = _megabytes(student)
    systems = [
        _System(
            "teacher" if len(teachers) == 1 else "teachers", load(list(teachers)), None, sum(map(_megabytes, teachers))
        ),
        _System("student", small, None, size),
        _System("student, greedy", small, 1, size),
    ]
    if shortlist is not None:
        short = shortlisted(small, read_shortlist(shortlist, small))
        systems.append(_System("student, greedy, shortlist", short, 1, size + shortlist.stat().st_size / 1e6))
    return systems


def _translate(systems: Sequence[_System], sources: Sequence[str]) -> tuple[list[list[str]], list[float]]:
    """Translations of each system, and the seconds of the fastest of several runs, which take turns."""
    outputs: list[list[str]] = [[] for _ in systems]
    seconds = [float("inf")] * len(systems)
    for _ in range(REPETITIONS):
        for number, system in enumerate(systems):
            start = time.perf_counter()
            translations = system.translator.translate(sources, TranslateOptions(beam=system.beam, scores=False))
            seconds[number] = min(seconds[number], time.perf_counter() - start)
            outputs[number] = [translation.text for translation in translations]
    return outputs, seconds


def _megabytes(model: Path) -> float:
    """Size of the files of a model, without those of its training."""
    return sum(path.stat().st_size for path in model.iterdir() if path.is_file()) / 1e6
