"""`regard recipe back-translate`: trains with target-language text whose sources a reverse model makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from regard.cli.loading import loading
from regard.cli.options import examples, parse_model, parse_path, with_groups
from regard.cli.parallel import DEFAULT_READING, Reading
from regard.cli.recipe_options import Out, TrainingOptions, TranslatingOptions, run_recipe
from regard.cli.training_options import NO_TEXTS, Texts

EXAMPLES = examples(
    "regard recipe back-translate --src train.en --tgt train.fr --mono news.fr --out mine",
    "regard recipe back-translate --src mine.tmx --langs en-fr --mono news.fr --reverse fr-en --out mine",
)


@dataclass(frozen=True)
class _Synthetic:
    """Options about the synthetic pairs."""

    reverse: Annotated[
        Path | None,
        typer.Option(
            parser=parse_model,
            metavar="MODEL",
            help="Model from the target to the source language.",
            show_default="trained on the real pairs",
        ),
    ] = None
    search: Annotated[
        Literal["auto", "beam", "sample"],
        typer.Option(
            help="How the reverse model translates; auto takes a beam if there are fewer than 200,000 real pairs."
        ),
    ] = "auto"
    beam: Annotated[int, typer.Option(metavar="N", min=1, help="Beam size of the reverse model.")] = 4
    top_k: Annotated[int, typer.Option(metavar="K", min=1, help="Sample from the K most probable subwords.")] = 10
    real_weight: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Mean number of times that an epoch contains each real pair.",
            show_default="so that half of an epoch is real, from 1 to 10",
        ),
    ] = None
    final_epochs: Annotated[
        float, typer.Option(metavar="N", min=0, help="Passes over the real pairs alone at the end; 0 = none.")
    ] = 5.0


_DEFAULT = _Synthetic()
_TRAINING, _TRANSLATING = TrainingOptions(), TranslatingOptions()


@with_groups
def recipe_back_translate(
    mono: Annotated[
        list[Path],
        typer.Option(
            "--mono",
            parser=parse_path,
            metavar="FILE",
            help="Text in the target language, one sentence per line; may be repeated.",
            show_default=False,
        ),
    ],
    out: Out,
    training: TrainingOptions = _TRAINING,
    texts: Texts = NO_TEXTS,
    reading: Reading = DEFAULT_READING,
    synthetic: _Synthetic = _DEFAULT,
    translating: TranslatingOptions = _TRANSLATING,
    baseline: Annotated[
        Path | None,
        typer.Option(
            parser=parse_model,
            metavar="MODEL",
            help="Model to compare with at the end, such as one trained on the real pairs alone.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Train on real pairs and on target-language text whose sources are machine translations.

    Stages: a reverse model is trained, it translates the text, a model is trained on real and synthetic pairs, and then
    on the real pairs alone. Repeat the command to continue after an interruption.
    """
    config = training.load(texts, reading)
    with loading():
        from regard.recipes.back_translation import BackTranslationOptions
        from regard.recipes.back_translation import back_translate as run

    options = BackTranslationOptions(
        tuple(mono),
        synthetic.reverse,
        synthetic.search,
        synthetic.beam,
        synthetic.top_k,
        synthetic.real_weight,
        synthetic.final_epochs,
        baseline,
        translating.workers_with(config),
    )
    return run_recipe(
        lambda reporter, progress, interrupt: run(
            config, options, out, reporter=reporter, progress=progress, interrupt=interrupt
        )
    )
