"""The demonstration: generates a corpus, trains a model, scores the model, and shows a translation with attention."""

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
from regard.store.state_files import PREVIOUS_STATE, STATE
from regard.store.training_directory import SETTINGS, TRAINING, TrainingDirectory
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
"""Largest number of words in a sentence: longer sentences take longer to learn and show nothing more."""
TIMED_STEPS = 5
"""Number of training steps after which the remaining time is estimated."""
OVERHEAD = 0.1
"""Time for validations, scores and pictures, as a share of the time of the steps."""


@dataclass(frozen=True)
class DemoResult:
    """Result of a demonstration.

    Attributes:
        bleu: BLEU on unseen sentences, 0-100.
        aer: Alignment error rate of the attention against the gold alignment, 0-1.
        translation: Translation of `How was your day?`.
        train_seconds: Seconds of training, including validations.
        model: Directory of the trained model.
    """

    bleu: float
    aer: float
    translation: str
    train_seconds: float
    model: Path

    def to_dict(self) -> dict[str, float | str]:
        """Converts the result to a JSON object: `bleu`, `aer`, `translation`, `train_seconds`, `model`."""
        return {
            "bleu": round(self.bleu, 2),
            "aer": round(self.aer, 4),
            "translation": self.translation,
            "train_seconds": round(self.train_seconds, 1),
            "model": str(self.model),
        }


class _TimeEstimate(Reporters):
    """Estimates how long the demonstration will take, once some steps were timed.

    Args:
        reporter: Receives all reports, and the estimate as a message.
    """

    def __init__(self, reporter: Reporter) -> None:
        super().__init__([reporter])
        self.first_step = 0
        self.is_reported = False

    def on_start(self, plan: TrainingPlan) -> None:
        """Records the first step; see `Reporter.on_start`."""
        self.first_step = plan.first_step
        super().on_start(plan)

    def on_step(self, report: StepReport) -> None:
        """Reports the estimated duration of the demonstration once. See `Reporter.on_step`."""
        if not self.is_reported and report.step >= self.first_step + TIMED_STEPS:
            self.is_reported = True
            seconds_per_step = report.remaining / max(1, report.steps - report.step)
            self.on_message(
                f"A step takes {seconds_per_step:.2f} seconds here: the demonstration will be finished in about "
                f"{format_duration(report.remaining * (1.0 + OVERHEAD))} minutes"
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
    """Writes a corpus, trains a Bahdanau model on the corpus, scores the model, and shows its attention.

    If an earlier call with the same `out` was interrupted during the training, the training resumes.

    Args:
        out: Directory of all results: `corpus/`, `model/`, `attention.html` and, with matplotlib, `attention.png`.
        pairs: Number of training pairs to generate.
        overrides: Changes to the options of the preset `demo`, as `key=value`.
        overwrite: Whether a corpus or model in `out` that a demonstration did not write may be replaced.
        console: Console to write results to; standard output by default.
        reporter: Receives the progress of the training; by default a progress bar on standard error.
        interrupt: Object through which the training can be stopped; see `regard.recipes.training.train`.

    Returns:
        Scores, sample translation, training time and directory of the model.

    Raises:
        RegardError: `out` cannot be written, or an override is invalid.
        Interrupted: A stop of the training was requested; the training state is saved.
    """
    out, console = checked_path(out, "out"), console or Console()
    corpus = out / "corpus"
    if not overwrite:
        _check_own(out / "model", corpus)
    _print(
        console,
        f"Writing {pairs:,} English-French sentence pairs of at most {MAX_WORDS} words, and their word alignments, to "
        f"{corpus}",
    )
    write_corpus(corpus, pair="en-fr", pairs=pairs, max_length=MAX_WORDS, overwrite=overwrite)
    result = _train(out, corpus, overrides, _TimeEstimate(reporter or ConsoleReporter()), interrupt)
    translator = load(result.path)
    bleu, aer = _score(translator, corpus)
    _print(
        console,
        f"\nOn {_count(corpus / 'test.en'):,} unseen sentences: BLEU {bleu:.1f}, alignment error rate {aer:.3f}",
    )
    translation = _show(translator, out, console)
    _suggest(console, out, corpus)
    return DemoResult(bleu, aer, translation, result.seconds, result.path)


def _check_own(model: Path, corpus: Path) -> None:
    """Refuses to replace a model or a training that does not belong to the demonstration in this directory."""
    own = corpus / "train.en"
    for directory in (model, TrainingDirectory(model).path):
        config = directory / SETTINGS
        if not config.is_file():
            continue
        src = Path(parse_config(rename_keys(config.read_text(encoding="utf-8")), where=str(config)).data.src or "")
        if src != own and not (src.exists() and own.exists() and src.samefile(own)):
            raise ConfigError(
                f"{directory}: expected no model, or a model of an earlier demonstration, found a model trained on "
                "other text: choose another --out, or replace the model with --overwrite"
            )


def _can_resume(model: Path) -> bool:
    """Whether there is an unfinished training: the state of a finished one is older than its model."""
    manifest = model / MANIFEST
    states = [path for name in (STATE, PREVIOUS_STATE) if (path := model / TRAINING / name).exists()]
    if not states:
        return False
    return not manifest.exists() or states[0].stat().st_mtime_ns > manifest.stat().st_mtime_ns


def _train(
    out: Path, corpus: Path, overrides: Sequence[str], reporter: Reporter, interrupt: Interrupt | None
) -> TrainResult:
    model = out / "model"
    resume = _can_resume(model)
    files = {"src": "train.en", "tgt": "train.fr", "val_src": "val.en", "val_tgt": "val.fr"}
    paths = [f"data.{key}={corpus / name}" for key, name in files.items()]
    config = load_config(preset="demo", overrides=[*paths, *overrides])
    result = train(
        None if resume else config,
        model,
        resume=resume,
        overwrite=not resume,
        reporter=reporter,
        interrupt=interrupt,
    )
    if result.interrupted:
        reporter.on_message(f"`regard demo --out {out}` resumes the training, too")
        raise Interrupted
    return result


def _score(translator: Translator, corpus: Path) -> tuple[float, float]:
    """BLEU of the translations, and alignment error rate of the attention, computed on the references."""
    sources, references = list(read_lines(corpus / "test.en")), list(read_lines(corpus / "test.fr"))
    gold = [parse_pharaoh(line) for line in read_lines(corpus / "test.align")]
    translations = [translation.text for translation in translator.translate(sources)]
    links = [scored.alignment for scored in translator.score(sources, references)]
    aer = alignment_error_rate(links, [line.sure for line in gold], [line.possible for line in gold]).aer
    return corpus_bleu(translations, references), aer


def _show(translator: Translator, out: Path, console: Console) -> str:
    (translation,) = translator.translate([SENTENCE], attention=True)
    record = translation.attention
    if record is None:
        raise AssertionError(
            "expected translate(..., attention=True) to return attention weights, got none: please report this bug"
        )
    _print(console, f"\n{SENTENCE}\n{translation.text}\n")
    console.print(terminal.render(record, width=console.width))
    page = out / "attention.html"
    text = html.render(record, title=SENTENCE)
    write_text(page, text)
    written = [str(page), *_picture(record, out / "attention.png")]
    _print(console, f"\nThe same attention in detail: {', '.join(written)}")
    return translation.text


def _picture(record: AttentionRecord, path: Path) -> list[str]:
    if find_spec("matplotlib") is None:
        return []
    from regard.inspection.plot import save

    save(record, path)
    return [str(path)]


def _suggest(console: Console, out: Path, corpus: Path) -> None:
    model = out / "model"
    _print(
        console,
        "\nTry next:\n"
        f'  regard attend {model} "Where is the station?"\n'
        f"  regard translate {model} --input {corpus / 'test.en'} --output {out / 'test.out'}\n"
        f"  regard train --preset transformer-tiny --src {corpus / 'train.en'} --tgt {corpus / 'train.fr'} "
        f"--out {out / 'transformer'}",
    )


def _count(path: Path) -> int:
    return sum(1 for _ in read_lines(path))


def _print(console: Console, text: str) -> None:
    console.print(printable(text), highlight=False, markup=False, soft_wrap=True)
