"""Sampling: translations drawn at random from the model's distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.model.decoder import StepModel
from regard.search.attention_filter import KEEP_ALL
from regard.search.log_probs import forbid, forbidden_ids, log_probabilities
from regard.search.random_numbers import mix, uniform
from regard.search.restrictions import Restrictions
from regard.search.single_path import run_single_path
from regard.values import Hypothesis, Specials


@dataclass(frozen=True, slots=True)
class SampleOptions(Restrictions):
    """Options for sampling translations: number, temperature, truncation of the distribution, and restrictions.

    Attributes:
        num_samples: Number of translations to sample per sentence, at least 1.
        temperature: Divisor of the logits, above 0: below 1 sharpens the distribution, above 1 flattens it.
        top_k: Number of most probable tokens to sample from, at least 1 (Fan et al. 2018, §5); None = all tokens.
        top_p: Sample from the smallest set of most probable tokens whose total probability is at least this, after
            temperature, `epsilon` and `top_k` (Holtzman et al. 2020, §3.1); above 0, 1 = all tokens.
        epsilon: Sample only from tokens with at least this probability after temperature (epsilon sampling, Hewitt et
            al. 2022, §4.1), or from the most probable token if there are none; 0 = all tokens, below 1.
        seed: Seed of the random numbers.
        streams: Number of the stream of random numbers of each sentence. Equal seeds, streams and sentences give equal
            samples, whichever sentences are sampled together. None = the positions of the sentences: 0, 1, 2, …

    Raises:
        SearchError: A number is out of its range.
    """

    num_samples: int = 1
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    epsilon: float = 0.0
    seed: int = 0
    streams: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        Restrictions.__post_init__(self)
        if self.num_samples < 1:
            raise SearchError(f"expected num_samples of at least 1, got {self.num_samples}")
        if not 0 < self.temperature < float("inf"):
            raise SearchError(
                f"expected a sampling temperature above 0, got {self.temperature}: for temperature 0, use greedy search"
            )
        if self.top_k is not None and self.top_k < 1:
            raise SearchError(f"expected top_k of at least 1, got {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise SearchError(f"expected top_p above 0 and at most 1, got {self.top_p}")
        if not 0 <= self.epsilon < 1:
            raise SearchError(f"expected a sampling epsilon of at least 0 and below 1, got {self.epsilon}")
        if not -(1 << 63) <= self.seed < 1 << 63:
            raise SearchError(f"expected a seed from -2**63 to 2**63 - 1, got {self.seed}")

    def of_rows(self, rows: Sequence[int]) -> SampleOptions:
        """Makes the options for some sentences of a search, given by their indices."""
        streams = tuple(rows) if self.streams is None else tuple(self.streams[row] for row in rows)
        return replace(self, streams=streams)

    def check_streams(self, num_sentences: int) -> None:
        """Checks that there is one stream of random numbers for each of `num_sentences` sentences, or none is given.

        Args:
            num_sentences: Number of sentences of a search.

        Raises:
            SearchError: There are more or fewer streams than sentences.
        """
        if self.streams is not None and len(self.streams) != num_sentences:
            raise SearchError(
                f"expected one stream of random numbers for each of {num_sentences} sentences, got {len(self.streams)}"
                ": give one number per sentence as streams, or leave streams out"
            )


def sample(
    model: StepModel,
    src_ids: Tensor,
    src_len: Tensor,
    *,
    max_len: Tensor,
    specials: Specials,
    options: SampleOptions | None = None,
    need_weights: bool = False,
) -> list[list[Hypothesis]]:
    """Samples translations of source sentences at random from the model's distribution, token by token.

    Args:
        model: The model, in evaluation mode.
        src_ids: Source tokens, `(B, S)` int64; each row ends with eos, then padding.
        src_len: Source lengths with eos, without padding, `(B,)` int64.
        max_len: Largest number of tokens of a hypothesis, eos included, per sentence, `(B,)` int64.
        specials: Ids of the special tokens.
        options: Number of samples, temperature and truncation; by default `SampleOptions()`.
        need_weights: Whether to return attention weights.

    Returns:
        `num_samples` hypotheses per sentence, in the order in which they were drawn. Their log-probabilities and scores
        are those of the model, without temperature and truncation.

    Raises:
        SearchError: `max_len` is below 1, `options.streams` has more or fewer entries than there are sentences, or the
            model's logits are not finite.
    """
    options = options or SampleOptions()
    keys = _path_keys(options, len(src_ids)).to(src_ids.device)

    def draw(logits: Tensor, sentences: Tensor, paths: Tensor, step: int) -> tuple[Tensor, Tensor]:
        forbidden = forbidden_ids(specials, unfinished=step <= options.min_len)
        log_probs = forbid(log_probabilities(logits, sentences, step=step), forbidden)
        scores = log_probs / options.temperature
        allowed = truncate(scores, top_k=options.top_k, top_p=options.top_p, epsilon=options.epsilon)
        ids = draw_tokens(allowed.softmax(-1), uniform(keys[paths], step))
        return log_probs.gather(1, ids[:, None])[:, 0], ids

    samples = run_single_path(
        model,
        src_ids,
        src_len,
        draw,
        max_len=max_len,
        specials=specials,
        copies=options.num_samples,
        attention_filter=KEEP_ALL.apply if need_weights else None,
    )
    return [samples[start : start + options.num_samples] for start in range(0, len(samples), options.num_samples)]


def _path_keys(options: SampleOptions, num_sentences: int) -> Tensor:
    """Key of the random numbers of each sample, `(B * num_samples,)` int64."""
    options.check_streams(num_sentences)
    streams = torch.arange(num_sentences) if options.streams is None else torch.tensor(options.streams)
    per_sentence = mix(mix(torch.tensor(options.seed)) + streams)
    return mix(per_sentence[:, None] + torch.arange(options.num_samples)).flatten()


def draw_tokens(probabilities: Tensor, numbers: Tensor) -> Tensor:
    """Draws one token per row by inverting the distribution function.

    >>> draw_tokens(torch.tensor([[0.25, 0.0, 0.75]] * 3), torch.tensor([0.2, 0.25, 0.9])).tolist()
    [0, 2, 2]

    Args:
        probabilities: Probabilities of R rows, `(R, V)`; they need not sum to exactly 1.
        numbers: Random numbers from 0 to 1, 1 excluded, `(R,)`.

    Returns:
        The ids of the tokens, `(R,)` int64; tokens of probability 0 are never drawn.
    """
    cumulated = probabilities.double().cumsum(-1)
    return torch.searchsorted(cumulated, numbers.double()[:, None] * cumulated[:, -1:], right=True)[:, 0]


def truncate(scores: Tensor, *, top_k: int | None = None, top_p: float = 1.0, epsilon: float = 0.0) -> Tensor:
    """Excludes all but the most probable tokens of each row, for epsilon, top-k and top-p sampling.

    Args:
        scores: Logits or log-probabilities of R rows, `(R, V)`.
        top_k: Number of tokens to keep; of equally probable tokens at the limit, those with the smallest ids are kept.
            None = keep all.
        top_p: Keep the smallest set of most probable tokens whose total probability is at least this, but at least one
            token; 1 = keep all.
        epsilon: Keep tokens of at least this probability, or else the most probable one; applied before the other two;
            0 = keep all.

    Returns:
        The scores, `(R, V)`, with -inf for excluded tokens.
    """
    if epsilon:
        probabilities = scores.softmax(-1)
        least = probabilities.amax(-1, keepdim=True).clamp(max=epsilon)
        scores = scores.masked_fill(probabilities < least, -torch.inf)
    if top_k is None and top_p >= 1.0:
        return scores
    ordered, order = scores.sort(dim=-1, descending=True, stable=True)
    if top_k is not None:
        ordered[:, top_k:] = -torch.inf
    probability = ordered.softmax(-1)
    before = probability.cumsum(-1) - probability  # of all more probable tokens
    ordered = ordered.masked_fill(before >= top_p, -torch.inf)
    return torch.empty_like(scores).scatter(-1, order, ordered)
