"""`regard recipe`: back-translation and distillation, each as one command of stages that can be resumed."""

from __future__ import annotations

import typer

from regard.cli import recipe_back_translate as back_translate
from regard.cli import recipe_distill as distill
from regard.cli.options import Verb, examples

EXAMPLES = examples(
    "regard recipe back-translate --src train.en --tgt train.fr --mono news.fr --out mine",
    "regard recipe distill --teacher model --preset transformer-tiny --src train.en --tgt train.fr --out student",
)
app = typer.Typer(
    name="recipe",
    help="Train in several stages: with back-translated text, or from a teacher. A command that was interrupted "
    "continues when it is repeated.",
    no_args_is_help=True,
)
app.command("back-translate", cls=Verb, epilog=back_translate.EXAMPLES)(back_translate.recipe_back_translate)
app.command("distill", cls=Verb, epilog=distill.EXAMPLES)(distill.recipe_distill)
