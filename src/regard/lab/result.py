"""What a finished cell leaves behind, as JSON: enough for every line of the report without the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from regard.inspection.record import AttentionRecord
from regard.lab.recorder import Point
from regard.store.durable import write_file


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

    translation: str
    nll: float
    num_tokens: int
    links: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class Trained:
    """How a cell's training went.

    Attributes:
        num_parameters: Trained numbers.
        steps: Updates done.
        tokens: Target tokens learnt from; None where training was over within a second.
        seconds: Validations among them.
        tokens_per_second: Real target tokens; None as above.
        peak_memory: Bytes, at most.
        precision: Of matrix products.
        threads: CPU threads.
        chosen: What the weights are: the best checkpoint's, or an average.
        points: Its validations.
    """

    num_parameters: int
    steps: int
    tokens: int | None
    seconds: float
    tokens_per_second: float | None
    peak_memory: int
    precision: str
    threads: int
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

    sentences: tuple[Sentence, ...]
    sentences_per_second: float
    vocabulary: str
    layer: int | None
    head: int | None
    shifted: bool
    gradients: tuple[tuple[int, float], ...]
    attention: tuple[Mapping[str, object], ...]

    def records(self) -> list[AttentionRecord]:
        """The attention of the chosen sentences."""
        return [AttentionRecord.from_dict(one) for one in self.attention]


@dataclass(frozen=True)
class CellResult:
    """Everything about one cell.

    Attributes:
        system: Its system.
        seed: Its seed.
        wall_seconds: Of training and measuring.
        trained: How its training went.
        measured: What its model does.
    """

    system: str
    seed: int
    wall_seconds: float
    trained: Trained
    measured: Measured

    def write(self, path: Path) -> None:
        """Writes the result; it is there wholly or not at all."""
        text = json.dumps(asdict(self), ensure_ascii=False)
        write_file(path, lambda waiting: _put(waiting, text))


_RESULT = TypeAdapter(CellResult)


def read_result(path: Path) -> CellResult:
    """Reads what `CellResult.write` wrote.

    Args:
        path: The file.

    Returns:
        The result.
    """
    return _RESULT.validate_json(path.read_bytes())


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
