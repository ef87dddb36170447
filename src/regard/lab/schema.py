"""What a lab is: one TOML file with a corpus, a budget, named systems, seeds and a baseline."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from regard.config.schema import NUMBER, Count, Minutes, Section, Seed, Switch

_PART = r"(?!\.\.?(?:/|$))[\w.+-]{1,100}"
# A name is a directory of its own within the lab's, so it must not be a way out of it.
_NAME = re.compile(rf"{_PART}(/{_PART})?")
_MOST_CELLS, _MOST_ROWS = 10_000, 100
# Trainings, and buckets or sentences of a report.

TextFiles = Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
"""Source and target file, line by line; or one TSV of both sides."""


class CorpusConfig(Section):
    """The text that all systems learn from and are judged by."""

    phrasebook: Literal["en-fr", "en-ko"] | None = None
    """The built-in corpus, with gold word links; or `train` names files."""
    train: TextFiles | None = None
    val: TextFiles | None = None
    """To validate with; when not given, some of the training pairs are held out."""
    test: TextFiles | None = None
    """To be judged by; when not given, some of the training pairs are held out."""
    gold: str | None = None
    """Word links of the test text, for the alignment error rate."""
    pairs: Count | None = None
    """Training pairs: so many of the phrasebook (20,000), or a sample of so many of the files (all)."""
    max_words: Annotated[int, NUMBER, Field(ge=1, le=10_000)] = 60
    """Longest sentence of the phrasebook."""
    long_test: Switch = False
    """Phrasebook: judge by as many sentences of 20 words and more besides."""
    test_pairs: Count = 2000
    """Test pairs at most; of longer test files an evenly spread sample."""


class BudgetConfig(Section):
    """What every system may spend, the same for all."""

    steps: Count | None = None
    """Updates."""
    tokens: Count | None = None
    """Target tokens to learn from, in place of `steps`; the learning rate's schedule is fitted to them."""
    minutes: Minutes | None = None
    """Wall-clock time of training at most, validations among it."""


class BaseConfig(Section):
    """What the configurations of all systems have in common."""

    preset: str | None = None
    file: str | None = None
    """A configuration such as `regard train` reads."""
    set: tuple[str, ...] = ()
    """Options as for `--set`."""


class MeasureConfig(Section):
    """What is measured of a trained model, beside its scores."""

    beam: Annotated[int, NUMBER, Field(ge=1, le=1000)] = 5
    lengths: tuple[Count, ...] = (5, 10, 15, 20, 30, 40)
    """Source words at which a new bucket of length begins."""
    frequencies: tuple[Count, ...] = (1, 5, 20, 100, 1000)
    """Occurrences in the training text at which a new bucket of target words begins."""
    gradients: Annotated[int, NUMBER, Field(ge=0, le=1_000_000)] = 40
    """Test sentences whose gradients are measured."""
    sentences: tuple[tuple[str, str], ...] = ()
    """Pairs whose attention is drawn; three of the test text when not given."""
    trials: Annotated[int, NUMBER, Field(ge=1, le=10_000_000)] = 10_000
    """Trials of a significance test."""

    @model_validator(mode="after")
    def _rises(self) -> MeasureConfig:
        if max(len(self.lengths), len(self.frequencies), len(self.sentences)) > _MOST_ROWS:
            raise ValueError(f"lengths, frequencies, sentences: expected at most {_MOST_ROWS} of each")
        for name, edges in (("lengths", self.lengths), ("frequencies", self.frequencies)):
            if list(edges) != sorted(set(edges)):
                raise ValueError(f"{name}: expected rising numbers, got {', '.join(map(str, edges))}")
        return self


class Lab(Section):
    """The whole of it."""

    title: str = "A lab"
    about: str = ""
    baseline: str
    """The system that all others are compared with."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (1, 2)
    corpus: CorpusConfig = CorpusConfig()
    budget: BudgetConfig = BudgetConfig()
    base: BaseConfig = BaseConfig()
    systems: Annotated[dict[str, tuple[str, ...]], Field(min_length=1)]
    """Name to options as for `--set`. What stands before a `/` in a name is its family: families are drawn side by
    side, and what stands after it has the same color in all of them."""
    measure: MeasureConfig = MeasureConfig()

    @model_validator(mode="after")
    def _can_be_done(self) -> Lab:
        count = len(self.systems) * len(self.seeds)
        if count > _MOST_CELLS:
            raise ValueError(
                f"systems: expected at most {_MOST_CELLS:,} trainings, one a system and seed, got {count:,}"
            )
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> Lab:
        for name in self.systems:
            if not _NAME.fullmatch(name):
                raise ValueError(f"systems: expected a name such as luong/dot (letters, digits, . + - _), got {name!r}")
        if self.baseline not in self.systems:
            raise ValueError(f"baseline: expected one of {', '.join(self.systems)}, got {self.baseline!r}")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: expected different ones, got {', '.join(map(str, self.seeds))}")
        if self.budget.steps and self.budget.tokens:
            raise ValueError("budget: give steps or tokens, not both: with equal batches either follows from the other")
        if (self.corpus.phrasebook is None) == (self.corpus.train is None):
            raise ValueError('corpus: expected either phrasebook = "en-fr" or train = ["F.en", "F.fr"]')
        files = [name for name in ("val", "test", "gold") if getattr(self.corpus, name) is not None]
        if self.corpus.phrasebook and files:
            raise ValueError(
                f"corpus: {', '.join(files)}: the phrasebook brings its own: leave this out, or name the text to learn "
                "from too, with corpus.train, or --corpus"
            )
        return self
