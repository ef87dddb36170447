"""Keeps the workers of a training equal: weights, optimizer state, restored state and list of checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from regard.errors import CheckpointError
from regard.store.checkpoint import Plain
from regard.store.weights import own_tensors
from regard.train.checkpoints import CheckpointDirectory
from regard.train.optimizer import Updater
from regard.train.workers import Workers

_UNEQUAL = (
    "the weights of some workers differed in rounding from those of worker 0 and were replaced by them; this happens "
    "if processors or numbers of threads differ"
)
_PRIME, _MODULUS = 1_000_003, 1 << 61


def checksum(tensors: Sequence[Tensor]) -> int:
    """A number that differs, almost certainly, if any bit of some tensors differs.

    Args:
        tensors: Contiguous tensors of any shapes `(...)`.

    Returns:
        An integer from 0 to 2^61 - 1.
    """
    number = 0
    for tensor in tensors:
        data = tensor.detach().reshape(-1).view(torch.uint8)
        words = len(data) // 4
        total = int(data[: 4 * words].view(torch.int32).sum(dtype=torch.int64)) + int(data[4 * words :].sum())
        number = (number * _PRIME + total) % _MODULUS
    return number


def make_equal(workers: Workers, tensors: Sequence[Tensor]) -> bool:
    """Makes the copies of some tensors equal to those of worker 0, if they differ in any worker.

    All workers compute the same updates from the same gradients. But processors of different kinds, or different
    numbers of threads, may round differently.

    Args:
        workers: All workers.
        tensors: Tensors of any shapes `(...)`, the same shapes in all workers.

    Returns:
        Whether the tensors of any worker differed.
    """
    if workers.count == 1:
        return False
    if len(set(map(str, workers.gather(checksum(tensors))))) == 1:
        return False
    workers.copy_from_first(tensors)
    return True


def make_model_equal(workers: Workers, model: nn.Module, updater: Updater, report: Callable[[str], None]) -> None:
    """Gives all workers the weights and optimizer state of worker 0, if those of any worker differ.

    They differ only by rounding, if processors or numbers of threads differ.

    Args:
        workers: All workers.
        model: Model in training.
        updater: Optimizer of the model.
        report: Function that receives a message for the user if some differed.
    """
    if make_equal(workers, [*own_tensors(model).values(), *updater.state().values()]):
        report(_UNEQUAL)


def in_first(workers: Workers, checkpoints: CheckpointDirectory, work: Callable[[], None]) -> None:
    """Runs a function in worker 0 only, and then sends the list of checkpoints of worker 0 to all workers.

    Args:
        workers: All workers.
        checkpoints: Checkpoints of the training.
        work: Function to run in worker 0, which reads or writes files of the training.
    """

    def work_and_list() -> Plain:
        work()
        return checkpoints.state()

    state = workers.first(work_and_list)
    if not workers.is_first:
        checkpoints.restore(state)


def check_same_step(workers: Workers, step: int, checkpoints: CheckpointDirectory) -> None:
    """Checks that all workers have restored the same state.

    Args:
        workers: All workers.
        step: Number of updates of the state that this worker has restored.
        checkpoints: Directory of the state.

    Raises:
        CheckpointError: The states differ.
    """
    steps = workers.gather(step)
    if steps != [step] * workers.count:
        raise CheckpointError(
            f"{checkpoints.directory}: expected the same state for all workers, found states of the steps {steps}: the "
            "directory must be the same on all machines, such as on a shared disk"
        )
