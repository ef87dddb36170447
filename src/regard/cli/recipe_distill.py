"""`regard recipe distill`: trains a small student on the translations of a teacher."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from regard.cli.loading import loading
from regard.cli.options import examples, parse_model, with_groups
from regard.cli.parallel import DEFAULT_READING, Reading
from regard.cli.recipe_options import Out, TrainingOptions, TranslatingOptions, run_recipe
from regard.cli.training_options import NO_TEXTS, Texts

EXAMPLES = examples(
    "regard recipe distill --teacher model --preset transformer-tiny --src train.en --tgt train.fr --out student",
    "regard recipe distill --teacher one --teacher two --src train.en --tgt train.fr --guided --out student",
)


@dataclass(frozen=True)
class _Teaching:
    """Options about the teacher's translations."""

    beam: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Beam size of the teacher.", show_default="from the model, usually 5"),
    ] = None
    n_best: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="Choose among N translations the one with the highest chrF to the "
        "reference."),
    ] = 1  # fmt: skip
    max_ratio: Annotated[
        float, typer.Option(metavar="X", min=1, help="Largest ratio of the lengths of both sides of a pair.")
    ] = 3.0
    drop_worst: Annotated[
        float,
        typer.Option(metavar="SHARE", min=0, max=1, help="Share of pairs with the lowest scores to leave out."),
    ] = 0.0
    with_references: Annotated[
        bool, typer.Option("--with-references", help="Also train the student on the real pairs.")
    ] = False
    guided: Annotated[
        bool, typer.Option("--guided", help="Let the teacher's word links guide the student's attention.")
    ] = False
    shortlist: Annotated[
        bool, typer.Option("--shortlist", help="Also make a shortlist for the student, in DIR.shortlist.")
    ] = False


_DEFAULT = _Teaching()
_TRAINING, _TRANSLATING = TrainingOptions(), TranslatingOptions()


@with_groups
def recipe_distill(
    teacher: Annotated[
        list[Path],
        typer.Option(
            "--teacher",
            parser=parse_model,
            metavar="MODEL",
            help="Teacher; several form an ensemble; may be repeated.",
            show_default=False,
        ),
    ],
    out: Out,
    training: TrainingOptions = _TRAINING,
    texts: Texts = NO_TEXTS,
    reading: Reading = DEFAULT_READING,
    teaching: _Teaching = _DEFAULT,
    translating: TranslatingOptions = _TRANSLATING,
) -> int:
    """Train a small student on the translations of a teacher.

    The teacher translates the source side of the text, and the student is trained on its translations. Repeat the
    command to continue after an interruption. At the end, a table compares quality, size and speed.
    """
    config = training.load(texts, reading)
    with loading():
        from regard.recipes.distillation import DistillationOptions
        from regard.recipes.distillation import distill as run

    options = DistillationOptions(
        tuple(teacher),
        teaching.beam,
        teaching.n_best,
        teaching.max_ratio,
        teaching.drop_worst,
        teaching.with_references,
        teaching.guided,
        teaching.shortlist,
        translating.workers_with(config),
    )
    return run_recipe(
        lambda reporter, progress, interrupt: run(
            config, options, out, reporter=reporter, progress=progress, interrupt=interrupt
        )
    )
