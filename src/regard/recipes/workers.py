"""What several workers (processes) of one training need before it starts: a device, threads, batches and files."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from regard.config.resolved import DerivedConfig
from regard.config.schema import Config
from regard.config.threads import available_cores
from regard.errors import ConfigError, DataError
from regard.native.device import resolve_device
from regard.recipes.prepare import Prepared, load_prepared
from regard.recipes.prepared_on_disk import PreparedOnDisk
from regard.store.training_directory import SETTINGS
from regard.train.interrupt import Interrupt
from regard.train.place import Place


def check_share(config: Config, count: int) -> None:
    """Checks that each update of a new training has at least one batch for each worker.

    Args:
        config: Configuration as the user gave it. If it sets neither the batch size nor the number of batches per
            update, both are derived from the number of workers.
        count: Number of workers.

    Raises:
        ConfigError: An update has fewer batches than there are workers.
    """
    train = config.train
    if train.accumulate >= count or (train.batch_tokens is None and "accumulate" not in train.model_fields_set):
        return
    size = ""
    if train.batch_tokens is not None:
        size = f" and train.batch_tokens={math.ceil(train.batch_tokens * train.accumulate / count)}"
    raise ConfigError(
        f"train.accumulate = {train.accumulate}: {_batches(train.accumulate)} cannot be shared by {count} workers: set "
        f"train.accumulate={count}{size}, for the same number of tokens per update, or start at most "
        f"{train.accumulate} of them"
    )


def check_saved_share(config: DerivedConfig, count: int, out: Path) -> None:
    """Checks that each update of a training that resumes has at least one batch for each worker.

    Args:
        config: Saved configuration of the training.
        count: Number of workers.
        out: Directory of the model, for the message.

    Raises:
        ConfigError: An update has fewer batches than there are workers.
    """
    accumulate = config.train.accumulate
    if accumulate < count:
        raise ConfigError(
            f"{out}: this training has train.accumulate = {accumulate}, and {_batches(accumulate)} cannot be shared by "
            f"{count} workers: resume it with at most {accumulate} of them, or start a new training"
        )


def share_note(config: DerivedConfig, count: int) -> str:
    """A note for the user if some workers have more batches per update than others.

    Args:
        config: Configuration of the training.
        count: Number of workers.

    Returns:
        The note; an empty string if all workers have the same number of batches.
    """
    accumulate = config.train.accumulate
    if accumulate % count == 0:
        return ""
    return (
        f"train.accumulate = {accumulate} is no multiple of the {count} workers: {count - accumulate % count} of them "
        "wait at each update while the others compute one more batch"
    )


def device_of(name: str, place: Place) -> str:
    """Chooses the device of a worker: if the training uses GPUs, each worker of a machine gets its own.

    Args:
        name: Value of `train.device`.
        place: Rank of the worker, and number of workers, in all and on this machine.

    Returns:
        A device name, such as `cpu` or `cuda:1`; whether the device works is not checked.

    Raises:
        ConfigError: Several workers would share a GPU.
    """
    kind = resolve_device(name)
    if place.count == 1 or not kind.startswith("cuda"):
        return kind
    if kind != "cuda":
        raise ConfigError(
            f"train.device = {name!r} names one GPU, but there are {place.count} workers: set train.device = 'cuda', "
            "and each worker uses a GPU of its own"
        )
    num_gpus = torch.cuda.device_count()
    if num_gpus < place.local_count:
        raise ConfigError(
            f"expected a GPU for each of the {place.local_count} workers of this machine, found {num_gpus} GPUs: start "
            f"torchrun with --nproc-per-node {max(1, num_gpus)}, or set train.device = 'cpu'"
        )
    return f"cuda:{place.local_rank}"


def threads_of(threads: int, place: Place) -> tuple[int, str]:
    """Chooses the number of CPU threads of a worker, so that the workers of a machine share its cores.

    Args:
        threads: Value of `train.threads`.
        place: Rank of the worker, and number of workers, in all and on this machine.

    Returns:
        The number of threads, at most `threads`; and a note for the user, empty if the number is `threads`.
    """
    most = max(1, available_cores() // place.local_count)
    if place.count == 1 or threads <= most:
        return threads, ""
    return most, f"threads per worker: {most}, because {place.local_count} workers share {available_cores()} cores"


def load_for_worker(directory: Path, place: Place) -> Prepared:
    """Loads the input of a training, which worker 0 has prepared and saved, in another worker.

    Args:
        directory: Directory in which worker 0 has saved it, by the path that worker 0 used.
        place: Rank of this worker, and number of workers.

    Returns:
        The same input of the training as in worker 0.

    Raises:
        DataError: On this machine, the directory or a text file is missing, or a text differs.
    """
    if not (directory / SETTINGS).is_file():
        raise DataError(
            f"{directory}: worker 0 has prepared the training there, but worker {place.rank} finds nothing: texts and "
            "the directory of the model must have the same paths on all machines: put them on a disk that all share"
        )
    return load_prepared(directory, on_disk=PreparedOnDisk(directory.parent, None, Interrupt()))


def _batches(number: int) -> str:
    return f"the {number} batches of an update" if number > 1 else "the single batch of an update"
