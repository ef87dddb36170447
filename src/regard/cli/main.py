"""The command `regard`: its verbs and how it starts. Torch is loaded by the verbs that need it, not for `--help`."""

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
    demo,
    evaluate,
    export,
    import_,
    info,
    lab,
    phrasebook,
    shortlist,
    train,
    translate,
)
from regard.cli.exit_status import exit_status
from regard.cli.options import Verb

NARROW = 70
"""Columns that boxes around the help need."""
SPINS = 1000
"""Turns for which an idle thread of GNU's OpenMP waits awake before it sleeps, in place of its 300,000."""


class Application(typer.Typer):
    """Typer, but for how it ends: see `regard.cli.exit_status`."""

    def __call__(self, args: Sequence[str] | None = None) -> NoReturn:
        """Runs one command and leaves Python.

        Args:
            args: Arguments; those of the process when not given.

        Raises:
            SystemExit: Always, with the exit status.
        """
        # Boxes cut off what does not fit; plain help breaks its lines at any width.
        if shutil.get_terminal_size().columns < NARROW:
            self.rich_markup_mode = None
        command = typer.main.get_command(self)
        given = None if args is None else list(args)
        sys.exit(exit_status(lambda: command.main(args=given, prog_name="regard", standalone_mode=False)))


app = Application(
    help="Train, run and inspect attention-based translation models.",
    epilog="A file named in an option may end in .gz. Exit status: 0 done, 1 a fault of regard, 2 a mistake to mend.",
    no_args_is_help=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"regard {version('regard')}")
        raise typer.Exit


def _sleep_early() -> None:
    """Lets waiting threads give the processor up soon; before torch is loaded, which reads this once.

    Beside other work, threads that wait awake take the time of the very threads that they wait for.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Train, run and inspect attention-based translation models."""
    _sleep_early()
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command(cls=Verb, epilog=train.EXAMPLES)(train.train)
app.command(cls=Verb, epilog=translate.EXAMPLES)(translate.translate)
app.command(cls=Verb, epilog=evaluate.EXAMPLES)(evaluate.evaluate)
app.command(cls=Verb, epilog=attend.EXAMPLES)(attend.attend)
app.command(cls=Verb, epilog=align.EXAMPLES)(align.align)
app.command(cls=Verb, epilog=shortlist.EXAMPLES)(shortlist.shortlist)
app.command(cls=Verb, epilog=aer.EXAMPLES)(aer.aer)
app.command(cls=Verb, epilog=phrasebook.EXAMPLES)(phrasebook.phrasebook)
app.command(cls=Verb, epilog=info.EXAMPLES)(info.info)
app.command(cls=Verb, epilog=demo.EXAMPLES)(demo.demo)
app.command(cls=Verb, epilog=export.EXAMPLES)(export.export)
app.command("import", cls=Verb, epilog=import_.EXAMPLES)(import_.import_)
app.add_typer(lab.app)
