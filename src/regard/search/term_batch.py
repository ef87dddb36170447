"""Prepares the constraints of a batch, which are terms that translations must and must not contain, for a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from regard.search.constrained_beam import TermConstraints
from regard.search.constraints import Constraints
from regard.search.term_automaton import TermAutomaton
from regard.search.term_tables import TermTables
from regard.text.term_vocabulary import TermVocabulary


@dataclass(frozen=True)
class SearchConstraints:
    """Constraints of the sentences of a search.

    Attributes:
        vocabulary: Target vocabulary.
        of_sentence: Constraints of each sentence, whose terms are normalized; None = no constraints.
    """

    vocabulary: TermVocabulary
    of_sentence: Sequence[Constraints | None]

    def rows(self) -> set[int]:
        """Indices of the sentences that have constraints."""
        return {row for row, constraints in enumerate(self.of_sentence) if constraints}

    def batch(self, rows: Sequence[int]) -> BatchConstraints:
        """Makes the automata that find the terms of the sentences with these indices, one per distinct constraints."""
        keys = [_without_sources(self.of_sentence[row] or Constraints()) for row in rows]
        automata = {key: TermAutomaton(self.vocabulary, key) for key in dict.fromkeys(keys)}
        numbers = {key: number for number, key in enumerate(automata)}
        return BatchConstraints(tuple(automata.values()), tuple(numbers[key] for key in keys))


@dataclass(frozen=True)
class BatchConstraints:
    """Constraints of the B sentences of a batch.

    Attributes:
        automata: Automata that find the terms of the constraints in a translation, one per distinct constraints;
            sentences with equal constraints share one.
        numbers: Index in `automata` of the automaton of each sentence, B in all.
    """

    automata: tuple[TermAutomaton, ...]
    numbers: tuple[int, ...]

    def needed_tokens(self) -> list[list[int]]:
        """Ids of the subwords of the full vocabulary that spell the included terms of each sentence."""
        needed = [sorted({token for info in automaton.infos for token in info.next_ids}) for automaton in self.automata]
        return [needed[number] for number in self.numbers]

    def prepare(self, token_ids: Tensor | None, max_len: Tensor, prefixes: Sequence[Sequence[int]]) -> TermConstraints:
        """Makes the constraints of a beam search, with the tables of the automata that find terms.

        Args:
            token_ids: Id in the full vocabulary of each of the model's K ids, `(K,)` int64; None = they are the same.
            max_len: Largest number of tokens of each translation, eos included, `(B,)` int64.
            prefixes: Token ids that each translation begins with; empty if no sentence has a prefix.

        Returns:
            The constraints. Terms that do not fit into the length limit are not required; earlier terms of a sentence
            take precedence.
        """
        tables = TermTables(self.automata, token_ids, max_len.device)
        required = []
        lengths = [len(prefix) for prefix in prefixes] or [0] * len(self.numbers)
        for number, limit, length in zip(self.numbers, max_len.tolist(), lengths, strict=True):
            bits, room = 0, limit - length
            for term, cost in enumerate(self.automata[number].costs):
                if cost <= room:
                    bits, room = bits | 1 << term, room - cost
            required.append(bits)
        starts = [tables.start(number) for number in self.numbers]
        return TermConstraints(
            tables, torch.tensor(starts, device=max_len.device), torch.tensor(required, device=max_len.device)
        )


def _without_sources(constraints: Constraints) -> Constraints:
    """Constraints without the source words of their terms, which the automaton does not use."""
    include = tuple(term if term.source is None else replace(term, source=None) for term in constraints.include)
    return Constraints(include, constraints.exclude)
