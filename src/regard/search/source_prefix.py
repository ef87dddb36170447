"""Tokens before every source sentence, such as the tag of the target language, that results do not show."""

from __future__ import annotations

from collections.abc import Sequence

from regard.search.attention_filter import KEEP_ALL, AttentionFilter
from regard.search.beam import BeamOptions
from regard.search.engine import Engine, StepEngine, without_columns
from regard.search.prefix import WordEnd
from regard.search.sample import SampleOptions
from regard.search.term_batch import SearchConstraints
from regard.values import Hypothesis


class PrefixedEngine:
    """Wraps an inference engine so that it puts tokens, such as a language tag, before each source sentence.

    Args:
        engine: The engine, of another library such as CTranslate2.
        prefix: Ids of the tokens.
    """

    def __init__(self, engine: Engine, prefix: Sequence[int]) -> None:
        self._engine = engine
        self._prefix = tuple(prefix)

    def search(
        self,
        sources: Sequence[Sequence[int]],
        limits: Sequence[int],
        options: BeamOptions | SampleOptions,
        *,
        need_weights: bool,
        need_scores: bool = True,
        prefixes: Sequence[Sequence[int]] | None = None,
        word_end: WordEnd | None = None,
        constraints: SearchConstraints | None = None,
    ) -> list[list[Hypothesis]]:
        """Puts the tokens `prefix` before each source sentence, and translates the sentences, given as token ids.

        For arguments and result, see `Engine.search`.
        """
        found = self._engine.search(
            self._prefixed(sources), limits, options, need_weights=need_weights, need_scores=need_scores,
            prefixes=prefixes, word_end=word_end, constraints=constraints,
        )  # fmt: skip
        return [without_columns(hypotheses, len(self._prefix)) for hypotheses in found]

    def force(
        self,
        sources: Sequence[Sequence[int]],
        targets: Sequence[Sequence[int]],
        *,
        attention_filter: AttentionFilter | None = KEEP_ALL,
    ) -> list[Hypothesis]:
        """Puts the tokens `prefix` before each source sentence, and scores given translations.

        All sentences are given as token ids. For arguments and result, see `Engine.force`.
        """
        forced = self._engine.force(self._prefixed(sources), targets, attention_filter=attention_filter)
        return without_columns(forced, len(self._prefix))

    def _prefixed(self, sources: Sequence[Sequence[int]]) -> list[list[int]]:
        return [[*self._prefix, *source] for source in sources]


def with_source_prefix(engine: Engine, prefix: Sequence[int]) -> Engine:
    """Makes an engine that puts tokens, such as a language tag, before each source sentence.

    Args:
        engine: The engine to start from.
        prefix: Ids of the tokens.

    Returns:
        A new engine for the same model. The attention weights that it returns leave out these tokens, so the weights of
        a target token may sum to less than 1.
    """
    return engine.with_source_prefix(prefix) if isinstance(engine, StepEngine) else PrefixedEngine(engine, prefix)
