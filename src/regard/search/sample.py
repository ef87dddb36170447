"""Sampling: translations drawn at random from the model's distribution."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.model.decoder import StepModel
from regard.search.log_probs import forbid, forbidden_ids, log_probabilities
from regard.search.single_path import run_single_path
from regard.values import Hypothesis, Specials


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """Number of samples, temperature and truncation of the distribution.

    Attributes:
        num_samples: Number of samples per sentence.
        temperature: Divisor of the logits: below 1 sharpens the distribution, above 1 flattens it.
        top_k: Sample from the k most probable tokens (Fan et al. 2018, §5); None = from all.
        top_p: Sample from the smallest set of most probable tokens with total probability p, after temperature and
            `top_k` (Holtzman et al. 2020, §3.1); 1 = from all.
        seed: Seed of the random number generator; equal seeds and sentences give equal samples.

    Raises:
        SearchError: A number is out of its range.
    """

    num_samples: int = 1
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_samples < 1:
            raise SearchError(f"expected num_samples of at least 1, got {self.num_samples}")
        if not 0 < self.temperature < float("inf"):
            raise SearchError(
                f"expected a temperature above 0, got {self.temperature}; greedy search is its limit at 0"
            )
        if self.top_k is not None and self.top_k < 1:
            raise SearchError(f"expected top_k of at least 1, got {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise SearchError(f"expected top_p above 0 and at most 1, got {self.top_p}")


def sample(
    model: StepModel,
    src_ids: Tensor,
    src_len: Tensor,
    *,
    max_len: Tensor,
    specials: Specials,
    generator: torch.Generator,
    options: SampleOptions | None = None,
    need_weights: bool = False,
) -> list[list[Hypothesis]]:
    """Samples translations, token by token.

    Args:
        model: The model, in evaluation mode.
        src_ids: `(B, S)` int64, each row ends with eos, then padding.
        src_len: `(B,)` int64, lengths with eos.
        max_len: `(B,)` int64, largest number of tokens of a hypothesis, eos included.
        specials: Ids of the special tokens.
        generator: Random number generator on the model's device.
        options: How to sample; by default `SampleOptions()`.
        need_weights: Whether to return attention.

    Returns:
        `num_samples` hypotheses per sentence, in the order drawn. Their log-probabilities and scores are those of the
        model, without temperature and truncation.

    Raises:
        SearchError: A limit below 1, or logits that are not finite.
    """
    options = options or SampleOptions()

    def draw(logits: Tensor, sentences: Tensor, paths: Tensor, step: int) -> tuple[Tensor, Tensor]:
        log_probs = forbid(log_probabilities(logits, sentences, step=step), forbidden_ids(specials))
        allowed = truncate(log_probs / options.temperature, top_k=options.top_k, top_p=options.top_p)
        ids = torch.multinomial(allowed.softmax(-1), 1, generator=generator)
        return log_probs.gather(1, ids)[:, 0], ids[:, 0]

    samples = run_single_path(
        model,
        src_ids,
        src_len,
        draw,
        max_len=max_len,
        specials=specials,
        copies=options.num_samples,
        need_weights=need_weights,
    )
    return [samples[start : start + options.num_samples] for start in range(0, len(samples), options.num_samples)]


def truncate(scores: Tensor, *, top_k: int | None = None, top_p: float = 1.0) -> Tensor:
    """Excludes all but the most probable tokens of each distribution.

    Args:
        scores: `(R, V)`, logits or log-probabilities.
        top_k: As in `SampleOptions`; of equally probable tokens at the limit, those with the smallest ids stay.
        top_p: As in `SampleOptions`; the most probable token always stays.

    Returns:
        `(R, V)`, with -inf for excluded tokens.
    """
    if top_k is None and top_p >= 1.0:
        return scores
    ordered, order = scores.sort(dim=-1, descending=True, stable=True)
    if top_k is not None:
        ordered[:, top_k:] = -torch.inf
    probability = ordered.softmax(-1)
    before = probability.cumsum(-1) - probability  # of all more probable tokens
    ordered = ordered.masked_fill(before >= top_p, -torch.inf)
    return torch.empty_like(scores).scatter(-1, order, ordered)
