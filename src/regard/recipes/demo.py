"""The whole way once: a corpus, a model trained on it, its score, a translation and where it looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from regard.alignment.error_rate import alignment_error_rate
from regard.alignment.word_alignment import parse_pharaoh
from regard.config.load import load_config, parse_config
from regard.errors import ConfigError
from regard.evaluate.scores import corpus_bleu
from regard.files.atomic import write_text
from regard.files.paths import checked_path
from regard.files.printable import printable
from regard.inspection import html, terminal
from regard.inspection.record import AttentionRecord
from regard.recipes.training import TrainResult, train
from regard.store.manifest import MANIFEST
from regard.store.migrations import rename_keys
from regard.store.training_directory import SETTINGS, STATE, TRAINING, TrainingDirectory
from regard.text.readers import read_lines
from regard.train.console import ConsoleReporter, format_duration
from regard.train.interrupt import Interrupt, Interrupted
from regard.train.reporter import Reporter, Reporters, StepReport, TrainingPlan
from regard.translation.loading import load
from regard.translation.translator import Translator
from regard_phrasebook.corpus import write_corpus

SENTENCE = "How was your day?"
PAIRS = 20_000
MAX_WORDS = 10
"""Longer sentences are learned later and show the same."""
TIMED_STEPS = 5
"""Steps after which it is said how long the rest will take."""
BESIDES = 0.1
"""Time for validations, scores and pictures, as a share of that of the steps."""


@dataclass(frozen=True)
class DemoResult:
    """What came out.

    Attributes:
        bleu: BLEU on sentences that the model never saw, 0-100.
        aer: Alignment error rate of its attention against the gold alignment, 0-1.
        translation: Of `How was your day?`.
        train_seconds: How long training took, validations among it.
        model: The model's directory.
    """

    bleu: float
    aer: float
    translation: str
    train_seconds: float
    model: Path

    def to_dict(self) -> dict[str, float | str]:
        """As JSON has it: `bleu`, `aer`, `translation`, `train_seconds`, `model`."""
        return {
            "bleu": round(self.bleu, 2),
            "aer": round(self.aer, 4),
            "translation": self.translation,
            "train_seconds": round(self.train_seconds, 1),
            "model": str(self.model),
        }


class _TimeEstimate(Reporters):
    """Says how long the demonstration will take here, as soon as some steps of it were timed.

    Args:
        reporter: Hears everything, and is told that.
    """

    def __init__(self, reporter: Reporter) -> None:
        super().__init__([reporter])
        self.first_step = 0
        self.told = False

    def on_start(self, plan: TrainingPlan) -> None:
        """See `Reporter.on_start`."""
        self.first_step = plan.first_step
        super().on_start(plan)

    def on_step(self, report: StepReport) -> None:
        """Tells once; see `Reporter.on_step`."""
        if not self.told and report.step >= self.first_step + TIMED_STEPS:
            self.told = True
            pace = report.remaining / max(1, report.steps - report.step)
            self.on_message(
                f"A step takes {pace:.2f} seconds here: all of this will be done in about "
                f"{format_duration(report.remaining * (1.0 + BESIDES))} minutes"
            )
        super().on_step(report)


def run_demo(
    out: str | Path,
    *,
    pairs: int = PAIRS,
    overrides: Sequence[str] = (),
    overwrite: bool = False,
    console: Console | None = None,
    reporter: Reporter | None = None,
    interrupt: Interrupt | None = None,
) -> DemoResult:
    """Writes a corpus, trains a Bahdanau model on it, scores it, and shows what it attends to.

    A demonstration that was interrupted in training goes on from there.

    Args:
        out: Directory for all of it: `corpus/`, `model/`, `attention.html`, `attention.png`.
        pairs: Training pairs to generate.
        overrides: Options other than those of the preset `demo`, as `key=value`.
        overwrite: Whether a corpus or a model is replaced that another demonstration, or somebody else, has put there.
        console: Where results are written; standard output when not given.
        reporter: Hears of the training; a progress bar on standard error when not given.
        interrupt: Stops the training, as in `regard.recipes.training.train`.

    Returns:
        Scores, translation, time and place.

    Raises:
        RegardError: When `out` cannot be written or an override makes no sense.
        Interrupted: The training was stopped by a request; everything is saved.
    """
    out, console = checked_path(out, "out"), console or Console()
    corpus = out / "corpus"
    if not overwrite:
        _check_own(out / "model", corpus)
    _say(
        console,
        f"Writing {pairs:,} English-French sentence pairs of at most {MAX_WORDS} words, and their word alignments, to "
        f"{corpus}",
    )
    write_corpus(corpus, pair="en-fr", pairs=pairs, max_length=MAX_WORDS, overwrite=overwrite)
    result = _train(out, corpus, overrides, _TimeEstimate(reporter or ConsoleReporter()), interrupt)
    translator = load(result.path)
    bleu, aer = _score(translator, corpus)
    _say(
        console,
        f"\nOn {_count(corpus / 'test.en'):,} unseen sentences: BLEU {bleu:.1f}, alignment error rate {aer:.3f}",
    )
    translation = _show(translator, out, console)
    _suggest(console, out, corpus)
    return DemoResult(bleu, aer, translation, result.seconds, result.path)


def _check_own(model: Path, corpus: Path) -> None:
    """Refuses to replace a model, or a training, that no demonstration in this place has begun."""
    own = corpus / "train.en"
    for place in (model, TrainingDirectory(model).path):
        config = place / SETTINGS
        if not config.is_file():
            continue
        src = Path(parse_config(rename_keys(config.read_text(encoding="utf-8")), where=str(config)).data.src or "")
        if src != own and not (src.exists() and own.exists() and src.samefile(own)):
            raise ConfigError(
                f"{place}: expected a model of this demonstration, or none, but found a model of other text: "
                "choose another --out, or replace it with --overwrite"
            )


def _is_begun(model: Path) -> bool:
    """Whether a training waits there to be gone on with: one that was finished is older than its model."""
    state, manifest = model / TRAINING / STATE, model / MANIFEST
    if not state.exists():
        return False
    return not manifest.exists() or state.stat().st_mtime_ns > manifest.stat().st_mtime_ns


def _train(
    out: Path, corpus: Path, overrides: Sequence[str], reporter: Reporter, interrupt: Interrupt | None
) -> TrainResult:
    model = out / "model"
    begun = _is_begun(model)
    files = {"src": "train.en", "tgt": "train.fr", "val_src": "val.en", "val_tgt": "val.fr"}
    checked_path = [f"data.{key}={corpus / name}" for key, name in files.items()]
    config = load_config(preset="demo", overrides=[*checked_path, *overrides])
    result = train(
        None if begun else config, model, resume=begun, overwrite=not begun, reporter=reporter, interrupt=interrupt
    )
    if result.interrupted:
        reporter.on_message(f"`regard demo --out {out}` goes on from there too")
        raise Interrupted
    return result


def _score(translator: Translator, corpus: Path) -> tuple[float, float]:
    """BLEU of translations, and alignment error rate of the attention while reading the reference."""
    sources, references = list(read_lines(corpus / "test.en")), list(read_lines(corpus / "test.fr"))
    gold = [parse_pharaoh(line) for line in read_lines(corpus / "test.align")]
    translations = [one.text for one in translator.translate(sources)]
    links = [one.alignment for one in translator.score(sources, references)]
    aer = alignment_error_rate(links, [one.sure for one in gold], [one.possible for one in gold]).aer
    return corpus_bleu(translations, references), aer


def _show(translator: Translator, out: Path, console: Console) -> str:
    (translation,) = translator.translate([SENTENCE], attention=True)
    record = translation.attention
    if record is None:
        raise AssertionError("the demonstration's model has attention")
    _say(console, f"\n{SENTENCE}\n{translation.text}\n")
    console.print(terminal.render(record, width=console.width))
    page = out / "attention.html"
    text = html.render(record, title=SENTENCE)
    write_text(page, text)
    written = [str(page), *_picture(record, out / "attention.png")]
    _say(console, f"\nThe same to look at closely: {', '.join(written)}")
    return translation.text


def _picture(record: AttentionRecord, path: Path) -> list[str]:
    if find_spec("matplotlib") is None:
        return []
    from regard.inspection.plot import save

    save(record, path)
    return [str(path)]


def _suggest(console: Console, out: Path, corpus: Path) -> None:
    model = out / "model"
    _say(
        console,
        "\nTry next:\n"
        f'  regard attend {model} "Where is the station?"\n'
        f"  regard translate {model} --input {corpus / 'test.en'} --output {out / 'test.out'}\n"
        f"  regard train --preset transformer-tiny --src {corpus / 'train.en'} --tgt {corpus / 'train.fr'} "
        f"--out {out / 'transformer'}",
    )


def _count(path: Path) -> int:
    return sum(1 for _ in read_lines(path))


def _say(console: Console, text: str) -> None:
    console.print(printable(text), highlight=False, markup=False, soft_wrap=True)
