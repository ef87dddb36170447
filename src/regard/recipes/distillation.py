"""Sequence-level distillation: a small student learns from the translations of a teacher (Kim & Rush 2016, §3.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from regard.config.schema import Config, CorpusConfig
from regard.errors import ConfigError
from regard.recipes.back_translation import SUFFIX
from regard.recipes.chunks.job import Progress, Workers
from regard.recipes.distilling import SEPARATOR, linking_work, teaching_work
from regard.recipes.estimates import measured_translation_seconds, plain_duration, training_seconds
from regard.recipes.recipe_jobs import RecipeJobs, refuse_other_model
from regard.recipes.recipe_text import (
    TextFiles,
    check_recipe_text,
    count_lines,
    text_fingerprint,
    text_lines,
    write_lines,
    write_real_text,
)
from regard.recipes.stages import Stage, StageRunner, hash_of_model
from regard.recipes.student_table import student_table
from regard.train.interrupt import Interrupt
from regard.train.reporter import Reporter
from regard.translation.loading import load
from regard.translation.options import Changes
from regard.translation.shortlist import make_shortlist, write_shortlist

GUIDED_WEIGHT = 0.2
"""Weight of the guided alignment of a student, unless `train.guided_weight` is given."""
SHORTLIST_PAIRS = 50_000
"""Largest number of pairs that a shortlist is made from."""
SHORTLIST_SUFFIX = ".shortlist"
"""What is added to the name of the student's directory to get that of its shortlist."""
_SLACK = 20


@dataclass(frozen=True)
class DistillationOptions:
    """Options of a distillation.

    Attributes:
        teachers: Directories of the teacher models; several form an ensemble.
        beam: Width of the teacher's beam; None = as stored with the model.
        n_best: Number of best translations per sentence, from which the one with the highest chrF to the reference is
            chosen.
        max_ratio: A pair is left out if its longer side has more than `max_ratio` times the characters of the shorter
            side, plus 20.
        drop_worst: Share of the pairs to leave out, those with the lowest scores of the teacher, from 0 to below 1.
        with_references: Whether the student is also trained on the original sentence pairs.
        guided: Whether the teacher's word links guide the student's attention.
        shortlist: Whether to make a shortlist of target subwords for the student.
        workers: Number of processes that translate, and the machines that they run on.
    """

    teachers: tuple[Path, ...]
    beam: int | None = None
    n_best: int = 1
    max_ratio: float = 3.0
    drop_worst: float = 0.0
    with_references: bool = False
    guided: bool = False
    shortlist: bool = False
    workers: Workers = field(default_factory=Workers)

    def __post_init__(self) -> None:
        if not self.teachers:
            raise ConfigError("--teacher: expected a model, got none: give --teacher MODEL")
        if not 0 <= self.drop_worst < 1:
            raise ConfigError(f"--drop-worst: expected a share of at least 0 and below 1, got {self.drop_worst:g}")
        if self.n_best < 1:
            raise ConfigError(f"--n-best: expected a number of at least 1, got {self.n_best}")


def distill(
    config: Config,
    options: DistillationOptions,
    out: Path,
    *,
    reporter: Reporter,
    progress: Progress,
    interrupt: Interrupt | None = None,
) -> bool:
    """Trains a student on the translations that a teacher makes of the source side of the training text.

    When the function is called again with the same arguments, it skips the stages that were finished, and resumes the
    stage that was stopped. Intermediate files are in the directory `<out>.recipe`.

    Args:
        config: Configuration of the student; `[data]` names the training text.
        options: Options of the distillation.
        out: Directory of the student.
        reporter: Receives the progress of the training, and messages.
        progress: Receives the progress of translations.
        interrupt: Object through which a stop can be requested; finished work is then kept. None = never stopped.

    Returns:
        Whether all stages are finished; False if a stop was requested.

    Raises:
        RegardError: An option or a text is invalid, or a file cannot be written.
    """
    check_recipe_text(config)
    return _Distillation(config, options, out, reporter, progress, interrupt or Interrupt()).run()


class _Distillation:
    """One run of the recipe."""

    def __init__(
        self,
        config: Config,
        options: DistillationOptions,
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
        self.pairs = self.directory / "pairs.tsv"
        self.student_text = self.directory / "student.src", self.directory / "student.tgt"
        self.links = self.directory / "student.links"
        self.search: Changes = {"alignment": False, "beam": options.beam, "n_best": options.n_best}

    def run(self) -> bool:
        refuse_other_model(self.out, directory=self.directory)
        teachers = [hash_of_model(teacher) for teacher in self.options.teachers]
        text = self._text_stage()
        if not self.runner.run([text]):
            return False
        self.num_pairs, self.num_characters = count_lines(self.files.train[1])
        stages = [text, self._teach_stage(teachers), self._filter_stage()]
        stages += [self._links_stage(teachers[0])] if self.options.guided else []
        stages += [self._student_stage()]
        stages += [self._shortlist_stage()] if self.options.shortlist else []
        self._show_plan(stages)
        if not self.runner.run(stages):
            self.say(f"stopped; what is finished is kept in {self.directory}: run the same command again to continue")
            return False
        table = student_table(
            self.options.teachers,
            self.out,
            self.shortlist_path if self.options.shortlist else None,
            (text_lines(self.files.val[0]), text_lines(self.files.val[1])),
        )
        self.say(table)
        return True

    @property
    def shortlist_path(self) -> Path:
        return self.out.with_name(self.out.name + SHORTLIST_SUFFIX)

    def _text_stage(self) -> Stage:
        def run(resumes: bool) -> bool:
            notes, _ = write_real_text(self.config, self.files)
            for note in notes:
                self.say(note)
            return True

        hashes = text_fingerprint(self.config)
        return Stage("text", "read the text", hashes, (*self.files.train, *self.files.val), run)

    def _teach_stage(self, teachers: list[str]) -> Stage:
        made = self.directory / "teacher.tsv"

        def run(resumes: bool) -> bool:
            if not resumes or not self.pairs.exists():
                sides = zip(*map(text_lines, self.files.train), strict=True)
                write_lines(self.pairs, (f"{src}{SEPARATOR}{tgt}" for src, tgt in sides))
            work = teaching_work(self.options.teachers, self.pairs, self.search)
            return self.jobs.map_lines(self.pairs, made, work, resumes=resumes)

        options = self.options
        who = "the teacher" if len(teachers) == 1 else f"an ensemble of {len(teachers)} teachers"
        how = f", best of {options.n_best} by chrF" if options.n_best > 1 else ""
        title = f"translate {self.num_pairs:,} sentences with {who}{how}"
        determined_by = [teachers, str(sorted(self.search.items()))]
        return Stage("teach", title, determined_by, (made,), run, self._teaching_estimate())

    def _teaching_estimate(self) -> float | None:
        if (self.directory / "teacher.tsv").exists():
            return None
        sources = text_lines(self.files.train[0])
        translator = load(list(self.options.teachers))
        seconds = measured_translation_seconds(translator, sources, self.search, num_lines=self.num_pairs)
        return seconds / self.options.workers.processes

    def _filter_stage(self) -> Stage:
        options = self.options

        def run(resumes: bool) -> bool:
            self.say(self._write_student_text())
            return True

        rules = [f"length ratio at most {options.max_ratio:g}"]
        rules += [f"without the worst {100 * options.drop_worst:g} % by score"] if options.drop_worst else []
        determined_by = [options.max_ratio, options.drop_worst]
        return Stage(
            "filter", f"choose pairs for the student ({', '.join(rules)})", determined_by, self.student_text, run
        )

    def _write_student_text(self) -> str:
        """Writes the pairs that the student is trained on."""
        sources = text_lines(self.files.train[0])
        taught = [line.rpartition(SEPARATOR) for line in text_lines(self.directory / "teacher.tsv")]
        texts = [text for text, _, _ in taught]
        is_kept = np.array([self._has_ratio(src, tgt) for src, tgt in zip(sources, texts, strict=True)])
        num_by_ratio = int((~is_kept).sum())
        scores = np.array([float(score) for _, _, score in taught])
        if self.options.drop_worst:
            is_kept &= scores > np.quantile(scores, self.options.drop_worst)
        write_lines(self.student_text[0], (src for src, kept in zip(sources, is_kept, strict=True) if kept))
        write_lines(self.student_text[1], (tgt for tgt, kept in zip(texts, is_kept, strict=True) if kept))
        num_left_out = len(sources) - int(is_kept.sum())
        return (
            f"text of the student: {int(is_kept.sum()):,} pairs; left out {num_left_out:,}, of them {num_by_ratio:,} "
            "with an empty side or by their length ratio"
        )

    def _has_ratio(self, src: str, tgt: str) -> bool:
        shorter, longer = sorted((len(src), len(tgt)))
        return shorter > 0 and longer <= self.options.max_ratio * shorter + _SLACK

    def _links_stage(self, teacher: str) -> Stage:
        paired = self.directory / "student.tsv"

        def run(resumes: bool) -> bool:
            if not resumes or not paired.exists():
                sides = zip(*map(text_lines, self.student_text), strict=True)
                write_lines(paired, (f"{src}{SEPARATOR}{tgt}" for src, tgt in sides))
            work = linking_work(self.options.teachers[0], teacher)
            return self.jobs.map_lines(paired, self.links, work, resumes=resumes)

        title = "link the words of these pairs by the teacher's attention"
        return Stage("links", title, teacher, (self.links,), run)

    def _student_config(self) -> Config:
        config, options = self.config, self.options
        data = self.files.data(self.student_text, config.data)
        train = config.train
        if options.with_references:
            real, taught = [
                CorpusConfig(src=str(src), tgt=str(tgt), format="plain")
                for src, tgt in (self.files.train, self.student_text)
            ]
            data = data.model_copy(update={"src": None, "tgt": None, "corpora": (taught, real)})
        if options.guided:
            is_transformer = config.model.kind == "transformer"
            guided = {"guided_file": str(self.links), "guided_weight": train.guided_weight or GUIDED_WEIGHT}
            shift = {} if "guided_shift" in train.model_fields_set else {"guided_shift": is_transformer}
            train = train.model_copy(update=guided | shift)
        return config.model_copy(update={"data": data, "train": train})

    def _student_stage(self) -> Stage:
        config = self._student_config()
        seconds = training_seconds(config, num_pairs=self.num_pairs, num_characters=self.num_characters)
        return self.jobs.training("student", "train the student", config, self.out, estimate=seconds)

    def _shortlist_stage(self) -> Stage:
        def run(resumes: bool) -> bool:
            sources, targets = (text_lines(path)[:SHORTLIST_PAIRS] for path in self.student_text)
            translator = load(self.out)
            write_shortlist(self.shortlist_path, make_shortlist(translator, sources, targets), translator)
            return True

        title = "make a shortlist of the student's target subwords"
        return Stage("shortlist", title, SHORTLIST_PAIRS, (self.shortlist_path,), run)

    def _show_plan(self, stages: list[Stage]) -> None:
        self.say(f"the plan; files of its stages are in {self.directory}:")
        for stage, is_finished in zip(stages, self.runner.finished(stages), strict=True):
            when = "finished" if is_finished else plain_duration(stage.estimate)
            self.say(f"  {stage.name:10} {stage.title}" + (f": {when}" if when else ""))
