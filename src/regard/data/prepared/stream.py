"""An endless stream of batches of a prepared corpus, made ahead of their use by a thread."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from regard.data.ahead import BatchesAhead, Key
from regard.data.bucket import Batches
from regard.data.collate import collate
from regard.data.corpus import Resampling
from regard.data.positions import check_has_pairs, check_same_stream, check_skip
from regard.data.prepared.corpus import PreparedCorpus
from regard.data.prepared.windows import WINDOW_SIZE, WindowPlan
from regard.data.sampling import BatchSampler, measured_rows
from regard.errors import CheckpointError, DataError
from regard.values import Batch, Specials


class Position(NamedTuple):
    """Position of a batch in an endless stream of training batches.

    Attributes:
        epoch: Number of the epoch, from 0.
        window: Number of the window in the epoch, from 0: a part of the epoch whose batches are planned together.
        batch: Number of the batch in the window, from 0.
    """

    epoch: int
    window: int
    batch: int


class PreparedStream:
    """Endless iterator over training batches of a prepared corpus, with new batches in a new order in each epoch.

    A batch depends only on the constructor arguments and its position. Background threads make the next batches and
    plan those of the next window (part of the epoch), so that training does not wait for them.

    Attributes:
        corpus: The training corpus.
        batch_tokens: Largest number of source tokens, and of target tokens, of a batch, padding included.
        seed: Random seed of the batches, their order and sampled segmentations.
        specials: Ids of the special tokens.
        plan: Plans the batches of each window, a part of an epoch of up to `window_size` pairs.
        sampler: Samples segmentations; None = always use the best segmentation.
    """

    def __init__(
        self,
        corpus: PreparedCorpus,
        *,
        batch_tokens: int,
        seed: int,
        specials: Specials,
        resampling: Resampling | None = None,
        window_size: int = WINDOW_SIZE,
    ) -> None:
        """Makes a stream that starts at the first batch of the first epoch.

        Args:
            corpus: The training corpus, with text if segmentations are sampled.
            batch_tokens: Largest number of source tokens, and of target tokens, of a batch, padding included.
            seed: Random seed, any integer.
            specials: Ids of the special tokens.
            resampling: Options for sampling segmentations; None = always use the best segmentation.
            window_size: Largest number of pairs that are sorted by length together.

        Raises:
            DataError: The corpus is empty, or segmentations cannot be sampled since it has no text.
            ConfigError: `batch_tokens` is not positive.
        """
        check_has_pairs(corpus)
        self.corpus = corpus
        self.batch_tokens = batch_tokens
        self.seed = seed
        self.specials = specials
        self.sampler = None if resampling is None else BatchSampler(resampling, seed=seed)
        self.plan = WindowPlan(
            corpus,
            corpus.shares,
            batch_tokens=batch_tokens,
            seed=seed,
            length_factors=(1.0, 1.0) if self.sampler is None else self._length_factors(self.sampler),
            window_size=window_size,
        )
        self._ahead = BatchesAhead(self._make)
        self._planner = ThreadPoolExecutor(1, "regard-windows")
        self._following: tuple[Position, Future[Batches]] | None = None
        self._position = Position(0, 0, 0)
        self._start_window(Position(0, 0, 0))

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches of the current epoch.

        Returns:
            The number of batches. It is an estimate if the epoch has several windows (parts that are planned
            separately): the number of batches of the current window times the number of windows.
        """
        return len(self._batches) * self.plan.num_windows(self._position.epoch)

    @property
    def epoch(self) -> float:
        """Number of completed epochs, plus the completed fraction of the current epoch."""
        epoch, window, batch = self._position
        return epoch + (window + batch / len(self._batches)) / self.plan.num_windows(epoch)

    def state(self) -> dict[str, int]:
        """Position (`epoch`, `window`, `batch`) and settings, such as `num_pairs`, to save in a checkpoint."""
        return {**self._position._asdict(), **self._identity()}

    def restore(self, state: dict[str, int]) -> None:
        """Moves to a saved position, from which the stream continues like the stream that saved it.

        Args:
            state: Dictionary that the method `state` of the other stream returned.

        Raises:
            CheckpointError: The other stream had another corpus, batch size or seed, or the position is invalid.
        """
        check_same_stream(state, self._identity())
        position = Position(state.get("epoch", -1), state.get("window", -1), state.get("batch", -1))
        is_valid = position.epoch >= 0 and 0 <= position.window < self.plan.num_windows(position.epoch)
        if is_valid and position[:2] != self._position[:2]:
            self._start_window(position)
        if not is_valid or not 0 <= position.batch <= len(self._batches):
            raise CheckpointError(
                f"expected a position in a stream of {len(self._batches)} batches per window (part of an epoch), got "
                f"epoch {position.epoch}, window {position.window}, batch {position.batch}: the training state is "
                "damaged or belongs to another corpus; start a new training"
            )
        self._position = position

    def skip(self, count: int) -> None:
        """Skips batches without making their tensors, also across the end of an epoch.

        Args:
            count: Number of batches to skip, at least 0; the stream continues as it would after `count` calls of
                `next`.

        Raises:
            ShapeError: `count` is negative.
        """
        check_skip(count)
        while count > len(self._batches) - self._position.batch:
            count -= len(self._batches) - self._position.batch
            self._start_window(self._next_window(self._position))
        self._position = self._position._replace(batch=self._position.batch + count)

    def __iter__(self) -> Iterator[Batch]:
        """Returns the stream itself, which is an iterator."""
        return self

    def __next__(self) -> Batch:
        """Returns the next batch, which a background thread may have made already."""
        if self._position.batch == len(self._batches):
            self._start_window(self._next_window(self._position))
        position = self._position
        if self._following is None:
            self._following = self._plan(self._next_window(position))
        self._position = position._replace(batch=position.batch + 1)
        return self._ahead.take(position[:2], position.batch, self._batches)

    def _start_window(self, position: Position) -> None:
        """Moves to the first batch of a window; the next one is planned when a batch of this one is made."""
        position = position._replace(batch=0)
        if self._following is None or self._following[0] != position:
            self._following = self._plan(position)
        self._batches = self._following[1].result()
        self._position = position
        self._following = None

    def _plan(self, position: Position) -> tuple[Position, Future[Batches]]:
        """Begins to plan a window, always in the same thread: it uses the memory of its last plan again."""
        return position, self._planner.submit(self.plan.window, position.epoch, position.window)

    def _next_window(self, position: Position) -> Position:
        if position.window + 1 < self.plan.num_windows(position.epoch):
            return Position(position.epoch, position.window + 1, 0)
        return Position(position.epoch + 1, 0, 0)

    def _make(self, window: Key, rows: tuple[int, ...]) -> Batch:
        sides = [self.corpus.pair_ids(row) for row in rows]
        if self.sampler is not None:
            texts = [self._texts(row) for row in rows]
            sides = self.sampler.sample(rows, texts, sides, epoch=window[0], batch_tokens=self.batch_tokens)
        src, tgt = [src for src, _ in sides], [tgt for _, tgt in sides]
        return collate(src, tgt, specials=self.specials, indices=rows)

    def _texts(self, row: int) -> tuple[str, str]:
        texts = self.corpus.texts(row)
        if texts is None:
            raise DataError(
                f"{self.corpus.directory}: subword.sample_alpha needs the text, which this prepared corpus does not "
                "contain: run `regard data prepare` again with `--set subword.sample_alpha=...`, or train with "
                "subword.sample_alpha = 0"
            )
        return texts

    def _length_factors(self, sampler: BatchSampler) -> tuple[float, float]:
        rows = measured_rows(len(self.corpus)).tolist()
        return sampler.length_factors([self._texts(row) for row in rows], [self.corpus.pair_ids(row) for row in rows])

    def _identity(self) -> dict[str, int]:
        sampling = {} if self.sampler is None else {"sampling": 1}
        num_pairs = len(self.corpus)
        window_size = self.plan.window_size
        return {
            "num_pairs": num_pairs, "batch_tokens": self.batch_tokens, "seed": self.seed, "window_size": window_size,
            **sampling,
        }  # fmt: skip
