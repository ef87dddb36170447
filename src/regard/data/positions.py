"""Checks for streams of training batches: of their corpus, and of the position from which they continue."""

from __future__ import annotations

from collections.abc import Mapping, Sized

from regard.errors import CheckpointError, DataError, ShapeError


def check_has_pairs(corpus: Sized) -> None:
    """Checks that a corpus can be trained on.

    Args:
        corpus: The corpus.

    Raises:
        DataError: It is empty.
    """
    if not len(corpus):
        raise DataError("expected sentence pairs to train on, got an empty corpus: check the files of the corpus")


def check_same_stream(state: Mapping[str, int], identity: Mapping[str, int]) -> None:
    """Checks that a saved position comes from a stream with the same batches as this stream.

    Args:
        state: The saved position, with what determined the batches of the stream that saved it, by name.
        identity: What determines the batches of this stream, by name, such as `num_pairs` and `seed`.

    Raises:
        CheckpointError: The position was saved with another corpus or other settings.
    """
    for name, value in identity.items():
        if state.get(name) != value:
            raise CheckpointError(
                f"the training to resume had {name} = {state.get(name)}, but now it is {value}, so batches would "
                "differ: use the same corpus and settings, or start a new training"
            )


def check_skip(count: int) -> None:
    """Checks that a number of batches to skip is not negative.

    Args:
        count: Number of batches to skip.

    Raises:
        ShapeError: The number is negative.
    """
    if count < 0:
        raise ShapeError(f"expected a number of batches to skip of at least 0, got {count}: use restore to go back")
