"""Result of a finished run as JSON: everything that the report needs, without the model.

The file contains its own hash. Reading checks this hash, the types and ranges of values, and their consistency.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from regard.errors import CheckpointError, DataError, RegardError
from regard.files.atomic import write_text
from regard.files.json_text import validation_messages
from regard.inspection.record import AttentionRecord
from regard.lab.recorder import STRICT, Amount, Count, ValidationPoint
from regard.store.sealed_json import read_sealed, sealed

LARGEST = 1 << 28
"""Maximum size of a result file in bytes."""
_CURE = "remove the directory of this file, and `regard lab run` trains this system with this seed again"
_MAX_FAULTS = 5
# Faults in one error message.


@dataclass(frozen=True)
class SentenceResult:
    """Translation of one test sentence by one model, and scores of the reference translation.

    Attributes:
        translation: Best translation that beam search found.
        nll: Negative log-likelihood of the reference, in nats.
        num_tokens: Number of target tokens of the reference, including `</s>`.
        links: Numbers of word links between source and reference, as in `AlignmentScores`: predicted, sure, predicted
            and sure, predicted and possible; predicted links are derived from the attention. None without gold links or
            attention.
    """

    __pydantic_config__ = STRICT
    translation: str
    nll: Amount
    num_tokens: Annotated[int, Field(ge=1)]
    links: tuple[Count, Count, Count, Count] | None = None


@dataclass(frozen=True)
class TrainingOutcome:
    """Size, cost and validations of the training of one system with one seed.

    Attributes:
        num_parameters: Number of trained parameters.
        steps: Number of updates done.
        tokens: Number of target tokens trained on; None if training took less than a second.
        seconds: Training time in seconds, including validations.
        tokens_per_second: Target tokens per second, without padding; None if training took less than a second.
        peak_memory: Peak memory of the training in bytes.
        precision: Number type of matrix products, such as `float32`.
        threads: Number of CPU threads.
        chosen: Where the model's weights come from, such as `checkpoint of step 500` or an average of checkpoints.
        points: Results of the validations during training.
    """

    __pydantic_config__ = STRICT
    num_parameters: Count
    steps: Count
    tokens: Count | None
    seconds: Amount
    tokens_per_second: Amount | None
    peak_memory: Count
    precision: str
    threads: Annotated[int, Field(ge=1)]
    chosen: str
    points: tuple[ValidationPoint, ...]


@dataclass(frozen=True)
class Measurements:
    """Measurements of the model that a run has trained.

    Attributes:
        sentences: Results for each test sentence.
        sentences_per_second: Translation speed with beam search.
        vocabulary: Fingerprint of the target vocabulary; perplexities of models are comparable only if it is equal.
        layer: 0-based layer whose attention gives the word links; None = mean over the layers.
        head: 0-based head whose attention gives the word links; None = mean over the heads.
        shifted: Whether a target word's links are read from the decoding step after the step that generated the word.
        gradients: `(distance in recurrent steps, norm of the gradient)` of each measured pair of a target word and its
            source word. The gradient is that of the target word's log-probability with respect to the source word's
            embedding.
        attention: Attention of the sentences to show in the report, as from `AttentionRecord.to_dict`; empty without
            attention.
    """

    __pydantic_config__ = STRICT
    sentences: tuple[SentenceResult, ...]
    sentences_per_second: Amount
    vocabulary: str
    layer: Count | None
    head: Count | None
    shifted: bool
    gradients: tuple[tuple[Count, Amount], ...]
    attention: tuple[Mapping[str, object], ...]

    def records(self) -> list[AttentionRecord]:
        """The attention of the sentences to show in the report, as attention records."""
        return [AttentionRecord.from_dict(record) for record in self.attention]


@dataclass(frozen=True)
class RunResult:
    """Result of one run, the training and measurement of one system with one seed.

    Attributes:
        system: Name of the system.
        seed: Seed of the run.
        wall_seconds: Wall-clock time of training and measuring, in seconds.
        trained: Size, cost and validations of the training.
        measured: Measurements of the trained model.
    """

    __pydantic_config__ = STRICT
    system: str
    seed: int
    wall_seconds: Amount
    trained: TrainingOutcome
    measured: Measurements

    def write(self, path: Path) -> None:
        """Writes the result atomically.

        Args:
            path: Path of the file.

        Raises:
            DataError: A measured number is NaN or infinite.
            CheckpointError: The file cannot be written.
        """
        try:
            text = sealed(asdict(self))
        except ValueError:
            raise DataError(
                f"{self.system}, seed {self.seed}: expected finite measurements, got NaN or infinity: the training "
                "diverged; use a smaller train.learning_rate"
            ) from None
        write_text(path, text)


_RESULT = TypeAdapter(RunResult)


def read_result(path: Path, *, of: tuple[str, int] | None = None, num_sentences: int | None = None) -> RunResult:
    """Reads a result that `RunResult.write` wrote.

    Args:
        path: Path of the file.
        of: Expected system and seed; None = not checked.
        num_sentences: Expected number of test sentences; None = not checked.

    Returns:
        The result of the run.

    Raises:
        CheckpointError: The file is missing or damaged, or belongs to another run or another test text.
    """
    tree = read_sealed(path, max_bytes=LARGEST, remedy=_CURE)
    try:
        result = _RESULT.validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        raise CheckpointError(
            f"{path}: damaged: {'; '.join(validation_messages(error)[:_MAX_FAULTS])}: {_CURE}"
        ) from None
    contradiction = _contradiction(result, of, num_sentences)
    if contradiction:
        raise CheckpointError(f"{path}: damaged: {contradiction}: {_CURE}")
    return result


def _contradiction(result: RunResult, of: tuple[str, int] | None, num_sentences: int | None) -> str | None:
    """The first contradiction in a result, or to what is expected; None if there is none."""
    measured, points = result.measured, result.trained.points
    if of is not None and of != (result.system, result.seed):
        return f"expected the result of {of[0]}, seed {of[1]}, found that of {result.system[:80]}, seed {result.seed}"
    if num_sentences is not None and num_sentences != len(measured.sentences):
        return f"expected {num_sentences} sentences, as in the test text, found {len(measured.sentences)}"
    for row, sentence in enumerate(measured.sentences, start=1):
        if sentence.links is not None and not _are_consistent(*sentence.links):
            return f"sentence {row} has link counts {sentence.links}, with more correct links than links"
    if any(point.step >= following.step for point, following in pairwise(points)):
        return "the validations are not in the order of their steps"
    try:
        measured.records()
    except RegardError as error:
        return str(error)
    return None


def _are_consistent(predicted: int, sure: int, in_sure: int, in_possible: int) -> bool:
    return in_sure <= min(sure, in_possible) and in_possible <= predicted
