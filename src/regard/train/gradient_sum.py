"""Sums of gradients over all workers: in flat buckets, while the backward pass still computes further gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from regard.train.workers import Workers

BUCKET_BYTES = 25 << 20
"""Approximate size of a bucket: large enough for the full speed of a network, small enough that several are on their
way while the backward pass runs."""


class GradientSum:
    """Replaces the gradients of a model by their sums over all workers.

    The gradients of several parameters are copied into one flat tensor, a *bucket*, which is summed by one operation.
    Buckets are filled from the last parameter to the first, roughly in the order in which the backward pass finishes
    gradients, and each is sent as soon as it is full. All workers send the same buckets in the same order. A parameter
    that the model does not use keeps the gradient None.

    Args:
        parameters: Parameters by name, in the order of the forward pass, the same in all workers.
        workers: All workers.
        overlap: Whether to send buckets during the backward pass. On a CPU the threads that send would take time from
            those that compute.
        bucket_bytes: Approximate size of a bucket.
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        workers: Workers,
        *,
        overlap: bool = False,
        bucket_bytes: int = BUCKET_BYTES,
    ) -> None:
        self.overlap = overlap
        self.workers = workers
        self.bucket_bytes = bucket_bytes
        self._parameters = parameters
        self._buckets: list[list[Tensor]] | None = None  # planned in the first update, which shows what is used
        self._bucket_of: dict[Tensor, int] = {}
        self._missing: list[int] = []
        self._sent: list[tuple[dist.Work, Tensor]] = []
        self._listening = self._spoiled = False
        if workers.count > 1:
            for parameter in parameters.values():
                parameter.register_post_accumulate_grad_hook(self._on_gradient)

    def listen(self) -> None:
        """Starts sending each bucket as soon as the backward pass has filled it; does nothing without `overlap`.

        Must be called before the last backward pass of an update.
        """
        if not self.overlap or self.workers.count == 1 or self._buckets is None or self._sent:
            return
        self._missing = [len(bucket) for bucket in self._buckets]
        self._listening = True

    def stop(self) -> None:
        """Stops sending buckets during the backward pass, which `listen` started.

        Must be called if that backward pass failed, before its gradients are computed again. If buckets were sent
        before, `finish` returns None.
        """
        self._listening = False
        self._spoiled = self._spoiled or bool(
            self._sent
        )  # these sums have incomplete gradients, and cannot be called back

    def finish(self, extra: Tensor) -> Tensor | None:
        """Sends the buckets not sent yet, and waits until the gradients of all parameters are sums over all workers.

        Args:
            extra: Further float32 numbers to add up over all workers, such as losses, `(N,)`, on the device of the
                parameters.

        Returns:
            The sums of `extra`, `(N,)`; None if a backward pass of some worker failed after buckets were sent. All
            workers must then compute their gradients again, and call this method again.

        Raises:
            WorkerError: A worker has ended or does not answer.
        """
        if self.workers.count == 1:
            return extra
        self._listening = False
        buckets = self._planned()
        with self.workers.connected():
            for bucket in buckets[len(self._sent) : -1]:
                self._send(bucket)
            total = self._send(buckets[-1], extra)
            for operation, _ in self._sent:
                operation.wait()
        self._sent.clear()
        spoiled, self._spoiled = self._spoiled, False
        if self.overlap and any(self.workers.sum([spoiled])):
            return None
        return total[len(total) - len(extra) :]

    def _on_gradient(self, parameter: Tensor) -> None:
        """Called by the backward pass when the gradient of a parameter is complete."""
        if not self._listening or self._buckets is None:
            return
        if parameter not in self._bucket_of:
            raise AssertionError(
                "expected gradients for the same parameters in every update, found a gradient of a parameter that had "
                "none in the first update: this is a bug in regard: report it"
            )
        self._missing[self._bucket_of[parameter]] -= 1
        # The last bucket also has what is only known after the backward pass.
        while len(self._sent) < len(self._buckets) - 1 and not self._missing[len(self._sent)]:
            with self.workers.connected():
                self._send(self._buckets[len(self._sent)])

    def _send(self, bucket: list[Tensor], extra: Tensor | None = None) -> Tensor:
        """Starts the sum of a bucket; the gradients become views of the flat tensor, which needs no copy back."""
        parts = [_gradient(parameter).reshape(-1) for parameter in bucket]
        flat = torch.cat(parts if extra is None else [*parts, extra])
        start = 0
        for parameter in bucket:
            parameter.grad = flat[start : start + parameter.numel()].view_as(parameter)
            start += parameter.numel()
        self._sent.append((self.workers.start_tensor_sum(flat), flat))
        return flat

    def _planned(self) -> list[list[Tensor]]:
        """The buckets, planned in the first update, for parameters that have a gradient in any worker."""
        if self._buckets is None:
            has_gradient = [parameter.grad is not None for parameter in self._parameters.values()]
            used = self.workers.sum(has_gradient)
            chosen = [parameter for parameter, count in zip(self._parameters.values(), used, strict=True) if count]
            self._buckets = divide(chosen, self.bucket_bytes)
            self._bucket_of = {parameter: number for number, bucket in enumerate(self._buckets) for parameter in bucket}
        return self._buckets


def divide(parameters: Sequence[Tensor], bucket_bytes: int) -> list[list[Tensor]]:
    """Divides parameters into buckets, from the last parameter to the first.

    Args:
        parameters: Parameters of any shapes `(...)` in the order of the forward pass.
        bucket_bytes: A bucket is full as soon as it has at least this many bytes.

    Returns:
        The buckets, at least one; each of them but the last is full.

    >>> first, second, third = (torch.zeros(size) for size in (1, 2, 3))
    >>> [[len(parameter) for parameter in bucket] for bucket in divide([first, second, third], 16)]
    [[3, 2], [1]]
    """
    buckets: list[list[Tensor]] = [[]]
    size = 0
    for parameter in reversed(parameters):
        if size >= bucket_bytes:
            buckets.append([])
            size = 0
        buckets[-1].append(parameter)
        size += parameter.numel() * parameter.element_size()
    return buckets


def _gradient(parameter: Tensor) -> Tensor:
    """The gradient of a parameter; zeros if this worker computed none."""
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
