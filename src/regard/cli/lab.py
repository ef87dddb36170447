"""`regard lab`: trains several systems on one corpus with equal budgets, and compares them in one report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from regard.cli.exit_status import INTERRUPTED
from regard.cli.loading import loading
from regard.cli.messages import say, warn
from regard.cli.options import Set, Verb, examples, parse_path, warn_replaced, with_groups
from regard.errors import ConfigError

RUN_EXAMPLES = examples(
    "regard lab run scores --only 'luong/*' --steps 300 --seeds 1",
    "regard lab run lab.toml lab --workers 2",
    "regard lab run bottleneck lengths --corpus train.en train.fr --test test.en test.fr --tokens 3000000",
)
REPORT_EXAMPLES = examples("regard lab report lab")
LIST_EXAMPLES = examples("regard lab list")

Directory = Annotated[
    Path, typer.Argument(parser=parse_path, metavar="DIR", help="Directory of the lab.", show_default=False)
]
Files = tuple[str, str]
Lab = Annotated[
    str, typer.Argument(metavar="LAB", help="A TOML file, or a name from `regard lab list`.", show_default=False)
]
Out = Annotated[
    Path | None,
    typer.Argument(
        parser=parse_path, metavar="DIR", help="Directory for models, results and report.", show_default="lab-NAME"
    ),
]
CorpusFiles = Annotated[
    Files | None,
    typer.Option(
        "--corpus",
        metavar="SRC TGT",
        help="Training text; a file with both sides, such as TMX, is named twice.",
        show_default="the lab's",
    ),
]
ValFiles = Annotated[
    Files | None,
    typer.Option("--val", metavar="SRC TGT", help="Validation text.", show_default="held out"),
]
TestFiles = Annotated[
    Files | None,
    typer.Option("--test", metavar="SRC TGT", help="Test text.", show_default="held out"),
]
Gold = Annotated[
    str | None, typer.Option("--gold", metavar="FILE", help="Gold word links of the test text.", show_default=False)
]
Langs = Annotated[
    str | None,
    typer.Option(metavar="SRC-TGT", help="Languages to read from files with several.", show_default=False),
]
Pairs = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Number of training pairs to sample.", show_default="all")
]
TestPairs = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Maximum number of test pairs.", show_default="2000")
]
Steps = Annotated[int | None, typer.Option(metavar="N", min=1, help="Updates per training.", show_default="the lab's")]
Tokens = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Target tokens per training, in place of steps.", show_default=False),
]
Minutes = Annotated[float | None, typer.Option(metavar="N", help="Maximum minutes per training.", show_default=False)]
Seeds = Annotated[str | None, typer.Option(metavar="N,N", help="Seeds, separated by commas.", show_default="the lab's")]
Baseline = Annotated[str | None, typer.Option(metavar="NAME", help="System to compare with.", show_default="the lab's")]
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Only this system, or those that match a pattern such as 'luong/*', and the baseline; may be repeated.",
        show_default=False,
    ),
]
Workers = Annotated[int, typer.Option(metavar="N", min=1, help="Number of trainings at the same time.")]

app = typer.Typer(
    name="lab", help="Train several systems with equal budgets and compare them in one report.", no_args_is_help=True
)


@dataclass(frozen=True)
class _LabSettings:
    """Options that replace settings of the lab."""

    corpus: CorpusFiles = None
    val: ValFiles = None
    test: TestFiles = None
    gold: Gold = None
    langs: Langs = None
    pairs: Pairs = None
    test_pairs: TestPairs = None
    steps: Steps = None
    tokens: Tokens = None
    minutes: Minutes = None
    seeds: Seeds = None
    baseline: Baseline = None

    def changes(self) -> dict[str, object]:
        """Values by the keys of a lab's TOML file; None for options that were not given."""
        return {
            "corpus.train": _one_or_two(self.corpus),
            "corpus.val": _one_or_two(self.val),
            "corpus.test": _one_or_two(self.test),
            "corpus.gold": self.gold,
            "corpus.langs": self.langs,
            "corpus.pairs": self.pairs,
            "corpus.test_pairs": self.test_pairs,
            "budget.steps": self.steps,
            "budget.tokens": self.tokens,
            "budget.minutes": self.minutes,
            "seeds": _numbers(self.seeds),
            "baseline": self.baseline,
        }


@app.command("run", cls=Verb, epilog=RUN_EXAMPLES)
@with_groups
def _run(
    lab: Lab,
    directory: Out = None,
    settings: _LabSettings = _LabSettings(),
    only: Only = None,
    workers: Workers = 1,
    overrides: Set = None,
) -> int:
    """Train every system with every seed, then write the report. The same command resumes an interrupted lab."""
    changes = settings.changes() | {"base.set": warn_replaced(overrides or []) or None}

    with loading():
        from regard.lab.load import load_lab
        from regard.lab.report import write_report
        from regard.lab.scheduler import run_lab
        from regard.recipes.process import interrupt_on_signals

    loaded = load_lab(lab, changes=changes, only=tuple(only or ()))
    directory = directory or Path(f"lab-{Path(lab).stem}")
    with interrupt_on_signals() as interrupt:
        outcome = run_lab(loaded, directory, workers=workers, interrupt=interrupt)
    if outcome.interrupted:
        warn(f"stopped; everything is saved in {directory}: run the same command again to continue")
        return INTERRUPTED
    if outcome.finished:
        say("\n".join(map(str, write_report(directory))))
    return 1 if outcome.failed else 0


@app.command("report", cls=Verb, epilog=REPORT_EXAMPLES)
def _report(directory: Directory) -> None:
    """Write report.html and report.md on all finished runs, even while the lab is still running."""
    with loading():
        from regard.lab.report import write_report

    say("\n".join(map(str, write_report(directory))))


@app.command("list", cls=Verb, epilog=LIST_EXAMPLES)
def _list() -> None:
    """List the built-in labs."""
    with loading():
        from regard.lab.load import lab_names, load_lab

    for name in lab_names():
        lab = load_lab(name)
        say(f"{name:11} {lab.title}: {len(lab.systems)} systems, {len(lab.seeds)} seeds")


def _one_or_two(files: Files | None) -> tuple[str, ...] | None:
    """The names of two files; or of one that was named twice."""
    return files[:1] if files is not None and files[0] == files[1] else files


def _numbers(text: str | None) -> list[int] | None:
    """Parses whole numbers separated by commas."""
    if text is None:
        return None
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise ConfigError(f"--seeds: expected whole numbers separated by commas, such as 1,2,3, got {text!r}") from None
