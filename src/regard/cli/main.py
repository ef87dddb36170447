"""The program `regard` and its commands, which load PyTorch only when they run, not for `--help`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from regard.cli import (
    aer,
    align,
    attend,
    data,
    demo,
    evaluate,
    export,
    import_,
    info,
    keys,
    lab,
    phrasebook,
    recipe,
    rerank,
    score,
    serve,
    shortlist,
    train,
    translate,
)
from regard.cli.exit_status import exit_status
from regard.cli.options import Verb

MIN_BOX_WIDTH = 70
"""Smallest width of the terminal, in columns, at which the help texts are drawn in boxes."""
SWITCH_SECONDS = 0.0002
"""Time after which a Python thread lets others run; the default, 5 ms, is longer than a step of a search."""
SPIN_COUNT = 1000
"""Number of iterations for which an idle thread of GNU OpenMP spins before it sleeps; OpenMP's default is 300,000."""


class Application(typer.Typer):
    """A Typer application whose errors and exit status are handled by `regard.cli.exit_status`."""

    def __call__(self, args: Sequence[str] | None = None) -> NoReturn:
        """Runs the command that the arguments name, and ends the process.

        Args:
            args: Command-line arguments; by default, those of the process.

        Raises:
            SystemExit: Always, with the exit status.
        """
        # Boxes truncate text that does not fit; plain help wraps at any width.
        if shutil.get_terminal_size().columns < MIN_BOX_WIDTH:
            self.rich_markup_mode = None
        command = typer.main.get_command(self)
        arguments = None if args is None else list(args)
        sys.exit(exit_status(lambda: command.main(args=arguments, prog_name="regard", standalone_mode=False)))


app = Application(
    help="Train, run and inspect attention-based translation models.",
    epilog="Input text may be compressed (.gz, .bz2, .xz, .zst). Exit status: 0 success, 1 internal error, 2 user "
    "error, 130 interrupted.",
    no_args_is_help=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        print(f"regard {version('regard')}")
        raise typer.Exit


def _limit_spinning() -> None:
    """Lets idle OpenMP threads sleep soon; must run before PyTorch is loaded, since OpenMP reads the variable once.

    On a machine with other work, spinning threads take processor time from the threads that they wait for.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(SPIN_COUNT))


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Train, run and inspect attention-based translation models."""
    _limit_spinning()
    sys.setswitchinterval(SWITCH_SECONDS)
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command(cls=Verb, epilog=train.EXAMPLES)(train.train)
app.command(cls=Verb, epilog=translate.EXAMPLES)(translate.translate)
app.command(cls=Verb, epilog=evaluate.EXAMPLES)(evaluate.evaluate)
app.command(cls=Verb, epilog=score.EXAMPLES)(score.score)
app.command(cls=Verb, epilog=rerank.EXAMPLES)(rerank.rerank)
app.command(cls=Verb, epilog=attend.EXAMPLES)(attend.attend)
app.command(cls=Verb, epilog=align.EXAMPLES)(align.align)
app.command(cls=Verb, epilog=shortlist.EXAMPLES)(shortlist.shortlist)
app.command(cls=Verb, epilog=aer.EXAMPLES)(aer.aer)
app.command(cls=Verb, epilog=phrasebook.EXAMPLES)(phrasebook.phrasebook)
app.command(cls=Verb, epilog=info.EXAMPLES)(info.info)
app.command(cls=Verb, epilog=serve.EXAMPLES)(serve.serve)
app.command(cls=Verb, epilog=demo.EXAMPLES)(demo.demo)
app.command(cls=Verb, epilog=export.EXAMPLES)(export.export)
app.command("import", cls=Verb, epilog=import_.EXAMPLES)(import_.import_)
app.add_typer(lab.app)
app.add_typer(data.app, epilog=data.EXAMPLES)
app.add_typer(recipe.app, epilog=recipe.EXAMPLES)
app.add_typer(keys.app, name="keys", epilog=keys.EXAMPLES)
