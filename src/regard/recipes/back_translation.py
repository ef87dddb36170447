"""Back-translation: synthetic sources for text in the target language (Sennrich et al. 2016), mixed with real pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from regard.config.load import load_config
from regard.config.schema import Config, CorpusConfig
from regard.config.threads import available_cores
from regard.config.toml_text import write_value
from regard.errors import ConfigError
from regard.recipes.before_after import before_after
from regard.recipes.chunks.job import Progress, Workers
from regard.recipes.estimates import (
    measured_translation_seconds,
    plain_duration,
    training_seconds,
    translation_seconds,
)
from regard.recipes.recipe_jobs import RecipeJobs, refuse_other_model
from regard.recipes.recipe_text import (
    TextFiles,
    check_recipe_text,
    count_lines,
    text_fingerprint,
    text_lines,
    write_lines,
    write_mono_text,
    write_real_text,
)
from regard.recipes.stages import Stage, StageRunner, hash_of_model
from regard.search.sample import SampleOptions
from regard.store import load_model
from regard.store.model import open_model
from regard.train.interrupt import Interrupt
from regard.train.reporter import Reporter
from regard.translation.loading import load
from regard.translation.options import Changes
from regard.values import Pair

SMALL = 200_000
"""Number of real pairs below which beam search makes better sources than sampling (Edunov et al. 2018, §5)."""
TAG = "<bt>"
"""Tag before synthetic sources (Caswell et al. 2019)."""
MAX_REAL_WEIGHT = 10.0
"""Largest weight of the real pairs that is chosen if none is given."""
MAX_RATIO = 3.0
"""Largest ratio of the lengths of a synthetic source and its target, in characters, beyond `_SLACK` more."""
_SLACK = 20
NUM_COMPARED = 1000
"""Largest number of validation pairs in the table at the end."""
SUFFIX = ".recipe"
"""What is added to the name of the model directory to get that of the recipe's files."""


@dataclass(frozen=True)
class BackTranslationOptions:
    """Options of a back-translation.

    Real pairs are those of the training text; synthetic pairs are sentences of `mono` with machine-made sources.

    Attributes:
        mono: Files of target-language text, one sentence per line.
        reverse: Model from the target to the source language; None = it is trained on the real pairs.
        search: How the reverse model translates: `beam`, `sample`, or `auto`: by beam search if there are fewer than
            `SMALL` real pairs, otherwise by sampling.
        beam: Width of the beam.
        top_k: Number of most probable subwords to sample from.
        real_weight: Mean number of times that each real pair occurs in an epoch of training on real and synthetic
            pairs; None = the number of synthetic pairs per real pair, but at least 1 and at most `MAX_REAL_WEIGHT`.
        final_epochs: Number of epochs of fine-tuning on the real pairs alone at the end; 0 = no fine-tuning.
        baseline: Model to compare the new model with at the end; None = no comparison.
        workers: Number of processes that translate, and the machines that they run on.
    """

    mono: tuple[Path, ...]
    reverse: Path | None = None
    search: Literal["auto", "beam", "sample"] = "auto"
    beam: int = 4
    top_k: int = 10
    real_weight: float | None = None
    final_epochs: float = 5.0
    baseline: Path | None = None
    workers: Workers = field(default_factory=Workers)


def back_translate(
    config: Config,
    options: BackTranslationOptions,
    out: Path,
    *,
    reporter: Reporter,
    progress: Progress,
    interrupt: Interrupt | None = None,
) -> bool:
    """Trains a model on real pairs and on target-language text with synthetic sources.

    When the function is called again with the same arguments, it skips the stages that were finished, and resumes the
    stage that was stopped. Intermediate files are in the directory `<out>.recipe`.

    Args:
        config: Configuration of all trainings; `[data]` names the real pairs.
        options: Options of the back-translation.
        out: Directory of the new model.
        reporter: Receives the progress of trainings, and messages.
        progress: Receives the progress of the translation.
        interrupt: Object through which a stop can be requested; finished work is then kept. None = never stopped.

    Returns:
        Whether all stages are finished; False if a stop was requested.

    Raises:
        RegardError: An option or a text is invalid, or a file cannot be written.
    """
    check_recipe_text(config)
    if not options.mono:
        raise ConfigError("--mono: expected text in the target language, got none: give --mono FILE")
    recipe = _BackTranslation(config, options, out, reporter, progress, interrupt or Interrupt())
    return recipe.run()


class _BackTranslation:
    """One run of the recipe."""

    def __init__(
        self,
        config: Config,
        options: BackTranslationOptions,
        out: Path,
        reporter: Reporter,
        progress: Progress,
        interrupt: Interrupt,
    ) -> None:
        self.config, self.options, self.out = config, options, out
        self.directory = out.with_name(out.name + SUFFIX)
        self.files = TextFiles(self.directory / "text")
        self.say: Callable[[str], None] = reporter.on_message
        self.jobs = RecipeJobs(reporter, progress, interrupt, options.workers)
        self.runner = StageRunner(self.directory, self.say, interrupt)
        self.reverse = options.reverse or self.directory / "reverse"
        self.mixed = self.directory / "mixed" if options.final_epochs else out
        self.synthetic = self.directory / "synthetic.src", self.directory / "synthetic.tgt"

    def run(self) -> bool:
        refuse_other_model(self.out, directory=self.directory)
        text = self._text_stage()
        if not self.runner.run([text]):
            return False
        self.num_real, self.real_characters = count_lines(self.files.train[1])
        self.num_mono, self.mono_characters = count_lines(self.files.mono)
        self._choose()
        stages = [text, *self._stages()]
        self._show_plan(stages)
        if not self.runner.run(stages):
            self.say(f"stopped; what is finished is kept in {self.directory}: run the same command again to continue")
            return False
        self._compare()
        return True

    def _text_stage(self) -> Stage:
        def run(resumes: bool) -> bool:
            notes, val = write_real_text(self.config, self.files)
            notes.append(write_mono_text(self.options.mono, self.files, (pair.tgt for pair in val)))
            for note in notes:
                self.say(note)
            return True

        hashes = text_fingerprint(self.config, *self.options.mono)
        outputs = (*self.files.train, *self.files.val, self.files.mono)
        return Stage("text", "read the text", hashes, outputs, run)

    def _choose(self) -> None:
        """Chooses what depends on the size of the text."""
        options = self.options
        is_small = self.num_real < SMALL
        self.samples = options.search == "sample" or (options.search == "auto" and not is_small)
        sample = SampleOptions(top_k=options.top_k, seed=self.config.train.seed)
        self.search: Changes = {"sample": sample} if self.samples else {"beam": options.beam}
        self.search["scores"] = False
        balanced = min(MAX_REAL_WEIGHT, max(1.0, self.num_mono / self.num_real))
        self.real_weight = round(balanced, 1) if options.real_weight is None else options.real_weight

    def _stages(self) -> list[Stage]:
        stages = [] if self.options.reverse is not None else [self._reverse_stage()]
        stages += [self._translate_stage(), self._mixed_stage()]
        return [*stages, self._final_stage()] if self.options.final_epochs else stages

    def _reverse_config(self) -> Config:
        data = self.files.data(self.files.train, self.config.data, swapped=True)
        # Label smoothing flattens the distribution that sources are sampled from (Graça et al. 2019).
        smoothing = {"label_smoothing": 0.0} if self.samples else {}
        train = self.config.train.model_copy(update=smoothing)
        return self.config.model_copy(update={"data": data, "train": train})

    def _reverse_stage(self) -> Stage:
        config = self._reverse_config()
        seconds = training_seconds(config, num_pairs=self.num_real, num_characters=self.real_characters)
        title = f"train the reverse model on {self.num_real:,} real pairs"
        return self.jobs.training("reverse", title, config, self.reverse, estimate=seconds)

    def _translate_stage(self) -> Stage:
        made = self.directory / "synthetic.txt"

        def run(resumes: bool) -> bool:
            if not self.jobs.translate([self.reverse], self.files.mono, made, self.search, resumes=resumes):
                return False
            self.say(self._write_synthetic(made))
            return True

        how = f"samples of the {self.options.top_k} best subwords" if self.samples else f"beam {self.options.beam}"
        title = f"translate {self.num_mono:,} sentences with the reverse model ({how})"
        model = "" if self.options.reverse is None else hash_of_model(self.options.reverse)
        determined_by = [str(sorted(self.search.items())), model]
        return Stage("translate", title, determined_by, self.synthetic, run, self._translation_estimate())

    def _translation_estimate(self) -> float:
        if self.options.reverse is not None:
            sentences = text_lines(self.files.mono)
            seconds = measured_translation_seconds(load(self.reverse), sentences, self.search, num_lines=self.num_mono)
            return seconds / self.options.workers.processes
        return translation_seconds(
            self._reverse_config(),
            num_lines=self.num_mono,
            num_characters=self.mono_characters,
            beam=1 if self.samples else self.options.beam,
            threads=self.config.train.threads or available_cores(),
        )

    def _write_synthetic(self, made: Path) -> str:
        """Writes the synthetic pairs that look like translations."""
        pairs = list(zip(text_lines(made), text_lines(self.files.mono), strict=True))
        kept = [(src, tgt) for src, tgt in pairs if _is_plausible(src, tgt)]
        write_lines(self.synthetic[0], (src for src, _ in kept))
        write_lines(self.synthetic[1], (tgt for _, tgt in kept))
        return (
            f"synthetic pairs: {len(kept):,}; left out {len(pairs) - len(kept):,} with an empty side or a length ratio "
            f"above {MAX_RATIO:g}"
        )

    def _mixed_config(self) -> Config:
        real, synthetic = [
            CorpusConfig(src=str(src), tgt=str(tgt), format="plain") for src, tgt in (self.files.train, self.synthetic)
        ]
        data = self.files.data(self.files.train, self.config.data).model_copy(
            update={
                "src": None,
                "tgt": None,
                "corpora": (
                    real.model_copy(update={"weight": self.real_weight}),
                    synthetic.model_copy(update={"weight": 1.0, "tag": TAG}),
                ),
            }
        )
        return self.config.model_copy(update={"data": data})

    def _mixed_stage(self) -> Stage:
        config = self._mixed_config()
        characters = round(self.real_weight * self.real_characters) + self.mono_characters
        seconds = training_seconds(config, num_pairs=self.num_real + self.num_mono, num_characters=characters)
        share = self.real_weight * self.num_real / (self.real_weight * self.num_real + self.num_mono)
        title = (
            f"train on {self.num_real:,} real pairs with weight {self.real_weight:g} ({100 * share:.0f} % of an epoch) "
            f"and about {self.num_mono:,} synthetic pairs, whose sources begin with {TAG}"
        )
        return self.jobs.training("mixed", title, config, self.mixed, estimate=seconds)

    def _final_stage(self) -> Stage:
        title = f"train the new model for {self.options.final_epochs:g} more passes over the real pairs"
        base = self.config.model_copy(update={"data": self.files.data(self.files.train, self.config.data)})
        epochs = base.train.model_copy(update={"epochs": self.options.final_epochs, "steps": None})
        estimate = training_seconds(
            base.model_copy(update={"train": epochs}), num_pairs=self.num_real, num_characters=self.real_characters
        )
        determined_by = [self.options.final_epochs, self.jobs.key_of(base)]

        def run(resumes: bool) -> bool:
            return self.jobs.train(self._final_config(base), self.out, resumes=resumes)

        return Stage("final", title, determined_by, (self.out,), run, estimate)

    def _final_config(self, base: Config) -> Config:
        """Fine-tuning on the real pairs, with the options of the machine and of validations as given."""
        parent = open_model(self.mixed).config
        train = base.train
        kept = ("batch_tokens", "accumulate", "max_minutes", "metric", "validate_sentences", "seed", "threads",
                "device", "precision", "tensorboard", "save_minutes", "bleu_tokenize")  # fmt: skip
        given = {name: getattr(train, name) for name in kept if name in train.model_fields_set}
        own = {**given, "epochs": self.options.final_epochs}
        overrides = [f"train.{name}={write_value(value)}" for name, value in own.items() if value is not None]
        data = base.data.model_dump(exclude_none=True, exclude_defaults=True)
        overrides += [f"data.{name}={write_value(value)}" for name, value in data.items()]
        return load_config(None, overrides=overrides, parent=(str(self.mixed), parent))

    def _show_plan(self, stages: list[Stage]) -> None:
        self.say(f"the plan; files of its stages are in {self.directory}:")
        for stage, is_finished in zip(stages, self.runner.finished(stages), strict=True):
            when = "finished" if is_finished else plain_duration(stage.estimate)
            self.say(f"  {stage.name:10} {stage.title}" + (f": {when}" if when else ""))

    def _compare(self) -> None:
        """Compares the new model with the baseline; the last training has compared it with the mixture's."""
        if self.options.baseline is None:
            return
        pairs = [Pair(src, tgt) for src, tgt in zip(*map(text_lines, self.files.val), strict=True)]
        baseline, new = load_model(self.options.baseline), load_model(self.out)
        self.say(before_after(baseline, new, pairs, max_pairs=NUM_COMPARED, names=("baseline", "new")))


def _is_plausible(src: str, tgt: str) -> bool:
    shorter, longer = sorted((len(src), len(tgt)))
    return shorter > 0 and longer <= MAX_RATIO * shorter + _SLACK
