"""The mean of the weights of several checkpoints, often better than each of them (Vaswani et al. 2017, section 6.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor

from regard.errors import CheckpointError


def average_states(states: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Averages the weights of several state dicts name by name, in float64.

    Args:
        states: State dicts, at least one. They are read one after another, so at most two are in memory.

    Returns:
        State dict of the means, in the types of the first state dict. Tensors that are not floating-point are copied
        from the first state dict.

    Raises:
        CheckpointError: There is no state dict, or the names or shapes of two state dicts differ.
    """
    first: dict[str, Tensor] = {}
    total: dict[str, Tensor] = {}
    count = 0
    for state in states:
        count += 1
        if not first:
            first = dict(state)
            total = {name: weight.double() for name, weight in state.items() if weight.is_floating_point()}
            continue
        _check_same(first, state, count)
        for name, weight in total.items():
            weight += state[name]
    if not count:
        raise CheckpointError("expected at least one checkpoint to average, but got none: set train.keep to 1 or more")
    return {name: (total[name] / count).to(weight.dtype) if name in total else weight for name, weight in first.items()}


def _check_same(first: Mapping[str, Tensor], other: Mapping[str, Tensor], number: int) -> None:
    expected = {name: tuple(weight.shape) for name, weight in first.items()}
    got = {name: tuple(weight.shape) for name, weight in other.items()}
    for name in sorted(expected.keys() | got.keys()):
        if expected.get(name) != got.get(name):
            raise CheckpointError(
                f"checkpoint {number} does not fit the first: weight '{name}' has shape {got.get(name, 'none')} "
                f"instead of {expected.get(name, 'none')}; average only checkpoints of the same training"
            )
