"""Description of a lab, an experiment that trains and compares several systems (models with different options).

It is one TOML file with a corpus, a budget, named systems, seeds and a baseline.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from regard.config.data_section import Langs
from regard.config.schema import NUMBER, Count, Minutes, Section, Seed, Switch

_PART = r"(?!\.\.?(?:/|$))[\w.+-]{1,100}"
# A name becomes a directory inside the lab's directory, so it must not lead out of it.
_NAME = re.compile(rf"{_PART}(/{_PART})?")
_MAX_RUNS, _MAX_ROWS = 10_000, 100
# Rows are buckets or sentences of a report.

TextFiles = Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
"""A source and a target file, aligned line by line; or one file with both sides, in any format of a corpus."""


class CorpusConfig(Section):
    """The `[corpus]` section of a lab file: text with which all systems are trained, validated and tested."""

    phrasebook: Literal["en-fr", "en-ko"] | None = None
    """Language pair of the built-in corpus, which has gold word links; an alternative to `train`."""
    train: TextFiles | None = None
    """Files of the training text."""
    val: TextFiles | None = None
    """Files of the validation text; by default, some of the training pairs are held out."""
    test: TextFiles | None = None
    """Files of the test text; by default, some of the training pairs are held out."""
    gold: str | None = None
    """File of gold word links of the test text, for the alignment error rate."""
    langs: Langs = None
    """Source and target language, such as `en-fr`, to read from files with several."""
    pairs: Count | None = None
    """Number of training pairs: 20,000 by default with the phrasebook, all by default with files."""
    max_words: Annotated[int, NUMBER, Field(ge=1, le=10_000)] = 60
    """Maximum length of a source sentence in words; only with `phrasebook`."""
    long_test: Switch = False
    """Whether to add sentences of at least 20 words to the test text, a fifth as many; only with `phrasebook`."""
    test_pairs: Count = 2000
    """Maximum number of test pairs; larger test files are sampled evenly."""


class BudgetConfig(Section):
    """The `[budget]` section of a lab file: length of each training, the same for all systems."""

    steps: Count | None = None
    """Number of updates."""
    tokens: Count | None = None
    """Number of target tokens to train on, in place of `steps`; the learning rate schedule ends after these tokens."""
    minutes: Minutes | None = None
    """Maximum wall-clock time of training in minutes, including validations."""


class BaseConfig(Section):
    """The `[base]` section of the TOML file that describes a comparison of systems: options that all systems share."""

    preset: str | None = None
    """Name of a preset."""
    file: str | None = None
    """Path of a configuration file, as for `regard train`."""
    set: tuple[str, ...] = ()
    """Options of the form `KEY=VALUE`, as for `regard train --set`."""


class MeasureConfig(Section):
    """The `[measure]` section of a lab file: options of the measurements on the trained models."""

    beam: Annotated[int, NUMBER, Field(ge=1, le=1000)] = 5
    """Beam size of all translations."""
    lengths: tuple[Count, ...] = (5, 10, 15, 20, 30, 40)
    """Source lengths in words at which a new bucket of test sentences begins."""
    frequencies: tuple[Count, ...] = (1, 5, 20, 100, 1000)
    """Frequencies in the training text at which a new bucket of target words begins."""
    gradients: Annotated[int, NUMBER, Field(ge=0, le=1_000_000)] = 40
    """Maximum number of test sentences whose gradients are measured."""
    sentences: tuple[tuple[str, str], ...] = ()
    """Sentence pairs whose attention the report shows; by default, three pairs of the test text."""
    trials: Annotated[int, NUMBER, Field(ge=1, le=10_000_000)] = 10_000
    """Number of trials of each significance test."""

    @model_validator(mode="after")
    def _check_rows(self) -> MeasureConfig:
        if max(len(self.lengths), len(self.frequencies), len(self.sentences)) > _MAX_ROWS:
            raise ValueError(
                f"lengths, frequencies, sentences: expected at most {_MAX_ROWS} values in each of these three lists of "
                "the TOML file for `regard lab run`, got more in one of them: shorten the longest"
            )
        for name, edges in (("lengths", self.lengths), ("frequencies", self.frequencies)):
            if list(edges) != sorted(set(edges)):
                raise ValueError(f"{name}: expected numbers in increasing order, got {', '.join(map(str, edges))}")
        return self


class Lab(Section):
    """Description of a lab, an experiment that trains several models with different options and compares them.

    It is the content of the lab's TOML file.
    """

    title: str = "A lab"
    """Title of the report."""
    about: str = ""
    """Introduction of the report."""
    baseline: str
    """Name of the system that all others are compared with."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (1, 2)
    """Seeds that each system is trained with."""
    corpus: CorpusConfig = CorpusConfig()
    budget: BudgetConfig = BudgetConfig()
    base: BaseConfig = BaseConfig()
    systems: Annotated[dict[str, tuple[str, ...]], Field(min_length=1)]
    """Options of each system, of the form `KEY=VALUE` as for `regard train --set`, by name of the system. A name may
    have the form `family/label`: the report draws families side by side, with the same color for equal labels."""
    measure: MeasureConfig = MeasureConfig()

    @model_validator(mode="after")
    def _check_size(self) -> Lab:
        count = len(self.systems) * len(self.seeds)
        if count > _MAX_RUNS:
            raise ValueError(
                f"systems: expected at most {_MAX_RUNS:,} trainings, one per system and seed, got {count:,}: use fewer "
                "systems or seeds"
            )
        return self

    @model_validator(mode="after")
    def _check_consistency(self) -> Lab:
        for name in self.systems:
            if not _NAME.fullmatch(name):
                raise ValueError(f"systems: expected a name such as luong/dot (letters, digits, . + - _), got {name!r}")
        if self.baseline not in self.systems:
            raise ValueError(f"baseline: expected one of {', '.join(self.systems)}, got {self.baseline!r}")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: expected different seeds, got {', '.join(map(str, self.seeds))}")
        if self.budget.steps and self.budget.tokens:
            raise ValueError("budget: expected steps or tokens, got both: leave one of them out")
        if (self.corpus.phrasebook is None) == (self.corpus.train is None):
            raise ValueError(
                'corpus: expected either phrasebook = "en-fr" or train = ["F.en", "F.fr"], got both or neither'
            )
        files = [name for name in ("val", "test", "gold") if getattr(self.corpus, name) is not None]
        if self.corpus.phrasebook and files:
            raise ValueError(
                f"corpus: {', '.join(files)} cannot be set without a training text, because `regard lab` then uses the "
                "built-in phrasebook with its own texts and gold links: set corpus.train (or --corpus) as well, or "
                f"remove {', '.join(files)}"
            )
        return self
