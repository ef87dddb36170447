"""Command-line options that several commands have, and the check for options that were given twice."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar, get_type_hints

import typer
import typer.core

from regard.cli.messages import warn
from regard.files.installed_models import find_model, installed_models, is_name

Result = TypeVar("Result")


def parse_path(name: str) -> Path:
    """Parses the path of a file or directory.

    Args:
        name: Value from the command line, which is empty if a shell variable is not set.

    Returns:
        The path.

    Raises:
        BadParameter: The value is empty; `Path` would take it as the current directory.
    """
    if not name:
        raise typer.BadParameter(
            "expected a path, got an empty one (is a shell variable unset?); use '.' for the current directory"
        )
    return Path(name)


def parse_model(name: str) -> Path:
    """Parses a model: its directory, or the name of an installed model.

    Args:
        name: Value from the command line.

    Returns:
        Directory of the model. If the current directory has a directory of this name, it is used instead of the
        installed model, with a warning.
    """
    path = parse_path(name)
    if not os.path.lexists(path):
        return find_model(path)
    # Names of installed models have a hyphen; without one, there is no need for a search through all packages.
    if "-" in name and is_name(name) and name in installed_models():
        warn(f"{name}: using the directory here, not the installed model of this name; give ./{name} to say so")
    return path


Model = Annotated[
    Path,
    typer.Argument(
        parser=parse_model,
        metavar="MODEL",
        help="Directory of a trained model, or name of an installed one.",
        show_default=False,
    ),
]
Models = Annotated[
    list[Path],
    typer.Argument(
        parser=parse_model,
        metavar="MODEL",
        help="Directory of a trained model or an export, or name of an installed model; several form an ensemble.",
        show_default=False,
    ),
]
Beam = Annotated[
    int | None,
    typer.Option(metavar="N", help="Beam size; 1 is greedy search.", show_default="from the model, usually 5"),
]
Device = Annotated[
    str, typer.Option(metavar="NAME", help="Device: cpu, cuda, cuda:1, ...; auto uses a GPU if there is one.")
]
Threads = Annotated[
    int | None,
    typer.Option(metavar="N", help="Number of CPU threads.", show_default="chosen by PyTorch"),
]
Precision = Annotated[
    str | None,
    typer.Option(
        metavar="TYPE",
        help="Number type of matrix products: float32, bfloat16 or int8; engines of exports may have others.",
        show_default="float32, or the export's own",
    ),
]
Readout = Annotated[
    list[str] | None,
    typer.Option(
        "--readout",
        metavar="KEY=VALUE",
        help="How to read word links from the attention. Keys: layer, head, shift, rule (hmm, shares, strongest "
        "or threshold), threshold, end; may be repeated.",
        show_default="from the model",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", parser=parse_path, metavar="FILE", help="Output file.", show_default="standard output"),
]
Table = Annotated[
    Path | None,
    typer.Option(
        "--shortlist",
        parser=parse_path,
        metavar="FILE",
        help="Restrict the output vocabulary to this shortlist, see `regard shortlist`.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set any configuration option, such as train.steps=3000; may be repeated.",
        show_default=False,
    ),
]
_TEXT_FILES = ("--src", "--tgt", "--val-src", "--val-tgt", "--input")
"""Options that take one text file; several text files can be concatenated first."""


class Verb(typer.core.TyperCommand):
    """A command for which an option given twice is an error; Click would silently use the last value."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override] # or Click's own
        """Parses the command line.

        Args:
            ctx: Click's context of the command.
            args: Arguments after the name of the command.

        Returns:
            Arguments that were not parsed.

        Raises:
            BadParameter: An option that takes one value was given several times.
        """
        if not ctx.resilient_parsing:  # set while a shell completes a partial command line
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))
            for option, count in Counter(order).items():
                single = not (getattr(option, "multiple", False) or getattr(option, "is_flag", False))
                if count > 1 and single and option.param_type_name == "option":
                    raise typer.BadParameter(_repeated_message(max(option.opts, key=len), count), ctx=ctx)
        return super().parse_args(ctx, args)


def _repeated_message(name: str, count: int) -> str:
    more = ", and join files that belong together (cat one two > both)" if name in _TEXT_FILES else ""
    return f"{name} was given {count} times, but takes one value: give it once{more}"


def with_groups(verb: Callable[..., Result]) -> Callable[..., Result]:
    """Lets a command function take options grouped in dataclasses, which Typer does not support.

    Args:
        verb: Command function; some of its parameters are dataclasses, whose fields are annotated as options.

    Returns:
        A function for Typer with one parameter per field in place of each dataclass, which calls `verb`.
    """
    types = get_type_hints(verb, include_extras=True)
    groups = {
        name: group for name, group in types.items() if isinstance(group, type) and dataclasses.is_dataclass(group)
    }
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(verb).parameters.values():
        if parameter.name not in groups:
            parameters.append(parameter.replace(annotation=types[parameter.name]))
            continue
        group = groups[parameter.name]
        field_types = get_type_hints(group, include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name,
                parameter.kind,
                default=inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default,
                annotation=field_types[field.name],
            )
            for field in dataclasses.fields(group)
        ]

    signature = inspect.Signature(parameters)

    @functools.wraps(verb)
    def expanded(*positional: object, **given: object) -> Result:
        bound = signature.bind(*positional, **given)
        bound.apply_defaults()
        options = dict(bound.arguments)
        for name, group in groups.items():
            options[name] = group(**{field.name: options.pop(field.name) for field in dataclasses.fields(group)})
        return verb(**options)

    expanded.__dict__["__signature__"] = signature
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return expanded


def warn_replaced(options: list[str]) -> list[str]:
    """Warns about each `--set KEY=VALUE` that a later `--set` with the same key overrides.

    Args:
        options: Values of all `--set` options, `KEY=VALUE`, in the order of the command line.

    Returns:
        The same values.
    """
    last: dict[str, str] = {}
    for option in options:
        key = option.partition("=")[0].strip()
        if key in last and last[key] != option:
            warn(f"{last[key]} is ignored: {option} comes later")
        last[key] = option
    return options


def examples(*commands: str) -> str:
    """Formats example commands for the end of a command's help text; the tests run each of them.

    Args:
        *commands: Example commands, without a shell prompt.

    Returns:
        Text with one paragraph per command, since Typer keeps line breaks only between paragraphs.
    """
    return "\n\n".join(["Examples:", *(f"$ {command}" for command in commands)])


def use_threads(threads: int | None) -> None:
    """Sets the number of PyTorch's CPU threads, or raises a `ConfigError` if it is too large; None changes nothing."""
    if threads is not None:
        import torch

        from regard.config.threads import check_threads

        torch.set_num_threads(check_threads(threads, name="--threads"))
