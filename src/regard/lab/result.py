"""What a finished cell leaves behind, as JSON: enough for every line of the report without the model.

It carries its own hash, and is checked as it is read: types, ranges, and that its numbers can be of one another.
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
from regard.lab.recorder import STRICT, Amount, Count, Point
from regard.store.sealed_json import read_sealed, sealed

LARGEST = 1 << 28
"""Bytes of a result, at most."""
_CURE = "remove the cell's directory, and `regard lab run` trains it again"
_MOST_FAULTS = 5
# That a message tells.


@dataclass(frozen=True)
class Sentence:
    """One test sentence, as one model did it.

    Attributes:
        translation: The beam's best.
        nll: Of the reference, nats.
        num_tokens: Of the reference, `</s>` among them.
        links: Links read off the attention to the reference, as `AlignmentScores` counts them: guessed, sure, guessed
            among the sure, guessed among the possible; None without gold links or attention.
    """

    __pydantic_config__ = STRICT
    translation: str
    nll: Amount
    num_tokens: Annotated[int, Field(ge=1)]
    links: tuple[Count, Count, Count, Count] | None = None


@dataclass(frozen=True)
class Trained:
    """How a cell's training went.

    Attributes:
        num_parameters: Trained numbers.
        steps: Updates done.
        tokens: Target tokens learned from; None where training was over within a second.
        seconds: Validations among them.
        tokens_per_second: Real target tokens; None as above.
        peak_memory: Bytes, at most.
        precision: Of matrix products.
        threads: CPU threads.
        chosen: What the weights are: the best checkpoint's, or an average.
        points: Its validations.
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
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Measured:
    """What was measured of a cell's model.

    Attributes:
        sentences: The test sentences.
        sentences_per_second: Translated.
        vocabulary: Fingerprint of the target vocabulary: perplexities compare where it is the same.
        layer: Layer whose attention was read; None = mean of all.
        head: Head that was read; None = mean of all.
        shifted: Whether each word was read one step later.
        gradients: `(distance in recurrent steps, norm)` of pairs of words.
        attention: Of the chosen sentences, as `AttentionRecord.to_dict` has it; empty without attention.
    """

    __pydantic_config__ = STRICT
    sentences: tuple[Sentence, ...]
    sentences_per_second: Amount
    vocabulary: str
    layer: Count | None
    head: Count | None
    shifted: bool
    gradients: tuple[tuple[Count, Amount], ...]
    attention: tuple[Mapping[str, object], ...]

    def records(self) -> list[AttentionRecord]:
        """The attention of the chosen sentences."""
        return [AttentionRecord.from_dict(one) for one in self.attention]


@dataclass(frozen=True)
class RunResult:
    """Everything about one cell.

    Attributes:
        system: Its system.
        seed: Its seed.
        wall_seconds: Of training and measuring.
        trained: How its training went.
        measured: What its model does.
    """

    __pydantic_config__ = STRICT
    system: str
    seed: int
    wall_seconds: Amount
    trained: Trained
    measured: Measured

    def write(self, path: Path) -> None:
        """Writes the result; it is there wholly or not at all.

        Args:
            path: The file.

        Raises:
            DataError: Something that was measured is not finite.
            CheckpointError: The place cannot be written.
        """
        try:
            text = sealed(asdict(self))
        except ValueError:
            raise DataError(
                f"{self.system}, seed {self.seed}: the training went astray: not all that was measured is finite; "
                "train with a smaller train.learning_rate"
            ) from None
        write_text(path, text)


_RESULT = TypeAdapter(RunResult)


def read_result(path: Path, *, of: tuple[str, int] | None = None, num_sentences: int | None = None) -> RunResult:
    """Reads what `RunResult.write` wrote.

    Args:
        path: The file.
        of: System and seed that it should be of.
        num_sentences: Sentences of the test text.

    Returns:
        The result.

    Raises:
        CheckpointError: It is missing, damaged, or of something else.
    """
    tree = read_sealed(path, max_bytes=LARGEST, remedy=_CURE)
    try:
        result = _RESULT.validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        raise CheckpointError(
            f"{path}: damaged: {'; '.join(validation_messages(error)[:_MOST_FAULTS])}: {_CURE}"
        ) from None
    found = _contradiction(result, of, num_sentences)
    if found:
        raise CheckpointError(f"{path}: damaged: {found}: {_CURE}")
    return result


def _contradiction(result: RunResult, of: tuple[str, int] | None, num_sentences: int | None) -> str | None:
    """What in a result cannot be, or is of another cell."""
    measured, points = result.measured, result.trained.points
    if of is not None and of != (result.system, result.seed):
        return f"expected the result of {of[0]}, seed {of[1]}, found that of {result.system[:80]}, seed {result.seed}"
    if num_sentences is not None and num_sentences != len(measured.sentences):
        return f"expected {num_sentences} sentences, the test text's, found {len(measured.sentences)}"
    for row, sentence in enumerate(measured.sentences, start=1):
        if sentence.links is not None and not _fit(*sentence.links):
            return f"sentence {row} has links {sentence.links}: more of them are right than there are"
    if any(one.step >= other.step for one, other in pairwise(points)):
        return "its validations are not in the order of their steps"
    try:
        measured.records()
    except RegardError as error:
        return str(error)
    return None


def _fit(guessed: int, sure: int, in_sure: int, in_possible: int) -> bool:
    return in_sure <= min(sure, in_possible) and in_possible <= guessed
