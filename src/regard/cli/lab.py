"""`regard lab`: kinds of attention trained on one corpus with equal budgets, and one report that compares them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli.exit_status import INTERRUPTED
from regard.cli.loading import loading
from regard.cli.messages import say, warn
from regard.cli.options import Set, Verb, examples, place, warn_replaced
from regard.errors import ConfigError

RUN_EXAMPLES = examples(
    "regard lab run scores --only 'luong/*' --steps 300 --seeds 1",
    "regard lab run lab.toml lab --workers 2",
    "regard lab run bottleneck lengths --corpus train.en train.fr --test test.en test.fr --tokens 3000000",
)
REPORT_EXAMPLES = examples("regard lab report lab")
LIST_EXAMPLES = examples("regard lab list")

Directory = Annotated[
    Path, typer.Argument(parser=place, metavar="DIR", help="Directory of the lab.", show_default=False)
]
Files = tuple[str, str]
Lab = Annotated[
    str, typer.Argument(metavar="LAB", help="A TOML file, or a name out of `regard lab list`.", show_default=False)
]
Out = Annotated[
    Path | None, typer.Argument(parser=place, metavar="DIR", help="Where all of it goes.", show_default="lab-NAME")
]
CorpusFiles = Annotated[
    Files | None, typer.Option("--corpus", metavar="SRC TGT", help="Text to learn from.", show_default="the lab's")
]
ValFiles = Annotated[
    Files | None, typer.Option("--val", metavar="SRC TGT", help="Text to validate with.", show_default="a share of it")
]
TestFiles = Annotated[
    Files | None, typer.Option("--test", metavar="SRC TGT", help="Text to be judged by.", show_default="a share of it")
]
Gold = Annotated[
    str | None, typer.Option("--gold", metavar="FILE", help="Word links of the test text.", show_default=False)
]
Pairs = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Training pairs: a sample of so many.", show_default="all")
]
TestPairs = Annotated[int | None, typer.Option(metavar="N", min=1, help="Test pairs at most.", show_default="2000")]
Steps = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Updates of each training.", show_default="the lab's")
]
Tokens = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Target tokens of each training, in place of steps.", show_default=False),
]
Minutes = Annotated[float | None, typer.Option(metavar="N", help="Time of each training at most.", show_default=False)]
Seeds = Annotated[str | None, typer.Option(metavar="N,N", help="Seeds, with commas.", show_default="the lab's")]
Baseline = Annotated[str | None, typer.Option(metavar="NAME", help="System to compare with.", show_default="the lab's")]
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Only this system, or all like 'luong/*', and the baseline; may be repeated.",
        show_default=False,
    ),
]
Workers = Annotated[int, typer.Option(metavar="N", min=1, help="Trainings at the same time.")]

app = typer.Typer(
    name="lab", help="Train kinds of attention with equal budgets and compare them in one report.", no_args_is_help=True
)


@app.command("run", cls=Verb, epilog=RUN_EXAMPLES)
def _run(
    lab: Lab,
    directory: Out = None,
    corpus: CorpusFiles = None,
    val: ValFiles = None,
    test: TestFiles = None,
    gold: Gold = None,
    pairs: Pairs = None,
    test_pairs: TestPairs = None,
    steps: Steps = None,
    tokens: Tokens = None,
    minutes: Minutes = None,
    seeds: Seeds = None,
    baseline: Baseline = None,
    only: Only = None,
    workers: Workers = 1,
    overrides: Set = None,
) -> int:
    """Train every system with every seed, then write the report. Started again, it goes on where it was cut short."""
    changes = {
        "corpus.train": corpus, "corpus.val": val, "corpus.test": test, "corpus.gold": gold, "corpus.pairs": pairs,
        "corpus.test_pairs": test_pairs, "budget.steps": steps, "budget.tokens": tokens, "budget.minutes": minutes,
        "seeds": _numbers(seeds), "baseline": baseline, "base.set": warn_replaced(overrides or []) or None,
    }  # fmt: skip

    with loading():
        from regard.lab.load import load_lab
        from regard.lab.report import write_report
        from regard.lab.run import run_lab

    loaded = load_lab(lab, changes=changes, only=tuple(only or ()))
    directory = directory or Path(f"lab-{Path(lab).stem}")
    ended = run_lab(loaded, directory, workers=workers)
    if ended.interrupted:
        warn(f"stopped; all is saved in {directory}: the same command goes on from there")
        return INTERRUPTED
    if ended.finished:
        say("\n".join(map(str, write_report(directory))))
    return 1 if ended.failed else 0


@app.command("report", cls=Verb, epilog=REPORT_EXAMPLES)
def _report(directory: Directory) -> None:
    """Write report.html and report.md of what is finished, even while a lab is running."""
    with loading():
        from regard.lab.report import write_report

    say("\n".join(map(str, write_report(directory))))


@app.command("list", cls=Verb, epilog=LIST_EXAMPLES)
def _list() -> None:
    """Print the ready-made labs."""
    with loading():
        from regard.lab.load import lab_names, load_lab

    for name in lab_names():
        lab = load_lab(name)
        say(f"{name:11} {lab.title}: {len(lab.systems)} systems, {len(lab.seeds)} seeds")


def _numbers(text: str | None) -> list[int] | None:
    """Numbers with commas between them."""
    if text is None:
        return None
    try:
        return [int(one) for one in text.split(",")]
    except ValueError:
        raise ConfigError(f"--seeds: expected whole numbers with commas, such as 1,2,3, got {text!r}") from None
