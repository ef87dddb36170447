"""Options that several verbs have, described once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
import typer.core

from regard.cli.messages import warn


def place(name: str) -> Path:
    """A file or directory that an option names.

    Args:
        name: As it was typed; an unset variable of the shell makes it empty.

    Returns:
        The same as a path.

    Raises:
        BadParameter: The name is empty, which would mean the present directory.
    """
    if not name:
        raise typer.BadParameter("expected a name, got an empty one (is a variable unset?); '.' is the present one")
    return Path(name)


Model = Annotated[
    Path, typer.Argument(parser=place, metavar="MODEL", help="Directory of a trained model.", show_default=False)
]
Models = Annotated[
    list[Path],
    typer.Argument(
        parser=place,
        metavar="MODEL...",
        help="Directory of a trained model or of an export; several models make an ensemble.",
        show_default=False,
    ),
]
Beam = Annotated[
    int | None,
    typer.Option(metavar="N", help="Width of the beam; 1 is greedy.", show_default="the model's, usually 5"),
]
Device = Annotated[
    str, typer.Option(metavar="NAME", help="cpu, cuda, cuda:1, ...; auto takes a GPU where there is one.")
]
Threads = Annotated[
    int | None,
    typer.Option(metavar="N", help="CPU threads.", show_default="as torch decides"),
]
Precision = Annotated[
    str | None,
    typer.Option(
        metavar="TYPE",
        help="Number type of products: float32, bfloat16, int8; other engines have more.",
        show_default="float32, an export's own",
    ),
]
Readout = Annotated[
    list[str] | None,
    typer.Option(
        "--readout",
        metavar="KEY=VALUE",
        help="How links are read off the attention: layer, head, shift, rule (shares, strongest or threshold), "
        "threshold, end; may be repeated.",
        show_default="the model's own",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", parser=place, metavar="FILE", help="Where to write.", show_default="standard output"),
]
Table = Annotated[
    Path | None,
    typer.Option(
        "--shortlist",
        parser=place,
        metavar="FILE",
        help="Translate with the words of this table only: see `regard shortlist`.",
        show_default=False,
    ),
]
Base = Annotated[
    int | None, typer.Option(min=0, max=1, metavar="0|1", show_default="found out where the file shows it")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Any option, such as train.steps=3000; may be repeated.", show_default=False
    ),
]
_SEVERAL_FILES = ("--src", "--tgt", "--val-src", "--val-tgt", "--input")
"""Options of files that could as well be one."""


class Verb(typer.core.TyperCommand):
    """A command that refuses a second value where it takes one, of which the last would count without a word."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override] # or Click's own
        """Reads the command line.

        Args:
            ctx: Of the command.
            args: What follows the verb.

        Returns:
            What is left of it.

        Raises:
            BadParameter: An option that takes one value has several.
        """
        if not ctx.resilient_parsing:  # as it is while a shell completes what was typed so far
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))
            for option, count in Counter(order).items():
                single = not (getattr(option, "multiple", False) or getattr(option, "is_flag", False))
                if count > 1 and single and option.param_type_name == "option":
                    raise typer.BadParameter(_given_again(max(option.opts, key=len), count), ctx=ctx)
        return super().parse_args(ctx, args)


def _given_again(name: str, count: int) -> str:
    more = ", and join files that belong together (cat one two > both)" if name in _SEVERAL_FILES else ""
    return f"{name} was given {count} times, but takes one value: give it once{more}"


def warn_replaced(options: list[str]) -> list[str]:
    """Names what a later `--set` of the same key replaces, on standard error.

    Args:
        options: `key=value`, in their order.

    Returns:
        The same.
    """
    last: dict[str, str] = {}
    for option in options:
        key = option.partition("=")[0].strip()
        if key in last and last[key] != option:
            warn(f"{last[key]} does not count, since {option} comes later")
        last[key] = option
    return options


Src = Annotated[
    Path, typer.Option("--src", parser=place, metavar="FILE", help="Source sentences, one a line.", show_default=False)
]


def examples(*commands: str) -> str:
    """The end of a verb's help: commands to copy, each of which the tests run.

    Args:
        *commands: Without the prompt.

    Returns:
        Paragraphs, since only these keep their line breaks.
    """
    return "\n\n".join(["Examples:", *(f"$ {command}" for command in commands)])


def use_threads(threads: int | None) -> None:
    """Limits torch to so many CPU threads; None leaves it as it is; too many are refused."""
    if threads is not None:
        import torch

        from regard.config.threads import check_threads

        torch.set_num_threads(check_threads(threads, name="--threads"))
