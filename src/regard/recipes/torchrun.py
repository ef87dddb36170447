"""The start of `regard train` by `torchrun`: connects the workers, and continues what an earlier start has saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from regard.errors import ConfigError, RegardError, WorkerError
from regard.train.place import Place, open_store
from regard.train.workers import Workers


@contextmanager
def joined_workers(*, overwrite: bool) -> Iterator[tuple[Workers, bool]]:
    """Context that connects this process with the other workers of a training, if `torchrun` started it.

    Args:
        overwrite: Whether an existing training is to be replaced.

    Yields:
        The group of workers (without `torchrun`, this process alone); and True if `torchrun` has restarted them after a
        failure, so that the training is to be resumed.

    Raises:
        ConfigError: `overwrite` is True and `torchrun` may restart the workers.
    """
    place = Place.from_environment()
    if overwrite and place.max_restarts:
        raise ConfigError(
            "--overwrite cannot be used with torchrun --max-restarts, because each restart would replace what was "
            "trained before: remove the old training first, or choose another --out"
        )
    try:
        yield Workers(place, open_store(place)), place.restarts > 0
    except WorkerError:
        raise
    except RegardError as error:
        if place.rank:
            raise type(error)(f"worker {place.rank}: {error}") from None
        raise
