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
    """Checks that a position saved in a stream of training batches comes from a stream with the same batches.

    Args:
        state: The saved position, which also holds the values of `identity` at the time of saving.
        identity: What determines the batches of the present stream, by name, such as `num_pairs` and `seed`.

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
        raise ShapeError(
            f"expected a number of batches to skip of at least 0, got {count}: to go back in the stream of batches, "
            "call its method restore"
        )
