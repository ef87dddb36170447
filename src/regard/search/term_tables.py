"""Transition tables of a batch's term automata, with which a search reads the subwords of many prefixes at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from regard.search.term_automaton import EXCLUDED, UNKNOWN, Move, TermAutomaton
from regard.text.term_vocabulary import LETTER_CLASS, NO_CLASS, OTHER_CLASS, SPACE_CLASS, TermVocabulary

_ROOTS = SPACE_CLASS, LETTER_CLASS, OTHER_CLASS
_NEVER = (1 << 63) - 1
"""A key larger than all others."""


class TermTables:
    """Tables of the automata that find the terms of a batch's constraints in the translations.

    The tables hold the `StateInfo` of each state: its transitions, and the subwords that can complete included terms.
    States are numbered across all automata. Sets of terms are bit masks: bit j stands for included term j.

    Args:
        automata: The automata, all for the same vocabulary.
        token_ids: Id in the full vocabulary of each of the model's K ids, `(K,)` int64; None = they are the same.
        device: Device of the search.
    """

    def __init__(self, automata: Sequence[TermAutomaton], token_ids: Tensor | None, device: torch.device) -> None:
        vocabulary = automata[0].vocabulary
        self._automata = automata
        self._token_ids = None if token_ids is None else token_ids.to(device)
        self._device = device
        self._own_ids = None if self._token_ids is None else _inverse(self._token_ids, len(vocabulary))
        self._size = len(vocabulary) if token_ids is None else len(token_ids)
        self._locals: list[tuple[int, int]] = []  # automaton and its own number of each state
        self._globals: list[list[int]] = [[] for _ in automata]  # number of each state of each automaton
        self._bits = 1 << torch.arange(max(automaton.num_terms for automaton in automata), device=device)
        self._set_classes(vocabulary)
        self._build()

    def start(self, automaton: int) -> int:
        """Number of the start state of the automaton with this index."""
        return self._globals[automaton][SPACE_CLASS]

    def move(self, states: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Looks up the state that follows each given state when a subword is read there.

        Args:
            states: Numbers of states, int64 `(...)`.
            tokens: The model's ids of the subwords, int64, of a shape that broadcasts with `states`, `(...)`.

        Returns:
            Numbers of the next states, and bit masks of the terms that the subwords complete, int64 `(...)` each.
            After most bytes of multi-byte characters the next state is `UNKNOWN`: before it is used in another call,
            replace it by the true state (`resolve`) or by a substitute (`known`).
        """
        states, tokens = torch.broadcast_tensors(states, tokens)
        automata = self._automaton[states]
        after = self._roots[automata, self._last_class[tokens]].where(~self._silent[tokens], self._silent_state[states])
        found = self._at_flush[states] | self._at_boundary[states] & self._boundary_bits[tokens] | self._invalid[tokens]
        hit, index = _find(self._root_keys, self._root_of[states] * self._size + tokens)
        after = self._root_after[index].where(hit, after)
        found = found | self._root_found[index].where(hit, 0)
        hit, index = _find(self._keys, states * self._size + tokens)
        return self._after[index].where(hit, after), self._found[index].where(hit, found)

    def resolve(self, states: Tensor, tokens: Tensor, after: Tensor) -> Tensor:
        """Computes the next states that `move` returned as `UNKNOWN`.

        Args:
            states: Numbers of the states before the subwords, `(...)` int64.
            tokens: The model's ids of the subwords, `(...)` int64.
            after: Next states, as returned by `move`, `(...)` int64.

        Returns:
            The next states, `(...)` int64, none of them `UNKNOWN`.
        """
        unknown = after == UNKNOWN
        if not bool(unknown.any()):
            return after
        numbers = []
        for state, token in zip(states[unknown].tolist(), tokens[unknown].tolist(), strict=True):
            automaton, number = self._locals[state]
            full = token if self._token_ids is None else int(self._token_ids[token])
            numbers.append((automaton, self._automata[automaton].move(number, full).state))
        self._build()
        result = after.clone()
        result[unknown] = torch.tensor([self._globals[k][number] for k, number in numbers], device=after.device)
        return result

    def missing(self, states: Tensor, found: Tensor, required: Tensor) -> Tensor:
        """Number of further subwords that are needed to complete all required terms.

        Args:
            states: Numbers of states, `(...)` int64.
            found: Bit masks of the terms that are complete, `(...)` int64.
            required: Bit masks of the required terms, `(...)` int64.

        Returns:
            The number, `(...)` int64; a term that the end of the text would complete needs none.
        """
        missing = required & ~(found | self._at_end[states])
        is_open = (missing[..., None] & self._bits) != 0
        costs = self._costs[self._automaton[states]]
        savings = (costs - self._remaining[states]) * is_open
        return (costs * is_open).sum(-1) - (savings.amax(-1) if savings.shape[-1] else 0)

    def known(self, before: Tensor, after: Tensor) -> Tensor:
        """Replaces `UNKNOWN` by a substitute: the state after a letter in which no term has begun.

        This is cheaper than `resolve`. In this state a term of whole words needs the most subwords, since a space must
        come before it, so `missing` does not underestimate their number.

        Args:
            before: Numbers of the states before the subwords, int64, of a shape that broadcasts with `after`.
            after: Next states, as returned by `move`, `(...)` int64.

        Returns:
            Numbers of states of the same automata, none of them `UNKNOWN`, `(...)` int64.
        """
        return after.where(after != UNKNOWN, self._roots[self._automaton[before], LETTER_CLASS])

    def at_end(self, states: Tensor) -> Tensor:
        """Bit masks of the terms that become complete if the text ends in these states, `(...)` int64."""
        return self._at_end[states]

    def before_letter(self, states: Tensor) -> Tensor:
        """Bit masks of the terms that become complete unless a letter is next in these states, `(...)` int64."""
        return self._at_boundary[states]

    def next_ids(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Finds the next subwords that begin or continue included terms, so that these need fewer further subwords.

        Args:
            states: Numbers of R states, `(R,)` int64.

        Returns:
            The model's ids of the subwords, and bit masks of the terms that each begins or continues, `(R, A)` int64
            each. A is the largest number of such subwords of any state; shorter rows are padded with masks of 0.
        """
        return self._next_ids[states], self._next_bits[states]

    def _set_classes(self, vocabulary: TermVocabulary) -> None:
        """Classes of the first and last characters of the model's subwords."""
        first = torch.frombuffer(bytearray(vocabulary.first_classes), dtype=torch.uint8).long().to(self._device)
        last = torch.frombuffer(bytearray(vocabulary.last_classes), dtype=torch.uint8).long().to(self._device)
        leads, invalid = torch.zeros_like(first), torch.zeros_like(first)
        leads[list(vocabulary.lead_ids)] = 1
        invalid[list(vocabulary.invalid_ids)] = EXCLUDED
        if self._token_ids is not None:
            first, last, leads, invalid = (values[self._token_ids] for values in (first, last, leads, invalid))
        # All bits for subwords that begin with another character than a letter.
        self._boundary_bits = -((first == SPACE_CLASS) | (first == OTHER_CLASS)).long()
        self._invalid = invalid
        self._last_class = last  # NO_CLASS for bytes that begin a character, and special tokens
        self._silent = (last == NO_CLASS) & (leads == 0)

    def _build(self) -> None:
        """Makes the tables of all states that the automata have numbered."""
        for number, automaton in enumerate(self._automata):
            automaton.expand()
            known = self._globals[number]
            for local in range(len(known), len(automaton.infos)):
                known.append(len(self._locals))
                self._locals.append((number, local))
        self._build_states()
        self._build_moves()

    def _build_states(self) -> None:
        """Tables with one row per state."""
        automata = [automaton for automaton, _ in self._locals]
        infos = [self._automata[automaton].infos[local] for automaton, local in self._locals]
        self._automaton = self._tensor(automata)
        self._root_of = 2 * self._automaton + self._tensor([info.after_letter for info in infos])
        self._roots = self._tensor([[*(states[kind] for kind in _ROOTS), UNKNOWN] for states in self._globals])
        self._silent_state = self._tensor(
            [self._globals[automaton][info.silent] for automaton, info in zip(automata, infos, strict=True)]
        )
        self._at_boundary = self._tensor([info.at_boundary for info in infos])
        self._at_flush = self._tensor([info.at_flush for info in infos])
        self._at_end = self._tensor([info.at_end for info in infos])
        most = len(self._bits)
        self._costs = self._tensor([_padded(automaton.costs, most) for automaton in self._automata])
        self._remaining = self._tensor([_padded(info.remaining, most) for info in infos])
        most = max(len(info.next_ids) for info in infos)
        self._next_ids = self._own(self._tensor([_padded(info.next_ids, most) for info in infos]))
        self._next_bits = self._tensor([_padded(info.next_ids.values(), most) for info in infos])
        if self._own_ids is not None:  # the shortlist contains all of them, but the padding may be any subword
            self._next_ids = self._next_ids.clamp(min=0)

    def _build_moves(self) -> None:
        """Tables with one row per pair of state and subword, sorted by the pair."""
        rows = [
            (state, token, automaton, move)
            for state, (automaton, local) in enumerate(self._locals)
            for token, move in self._automata[automaton].infos[local].moves.items()
        ]
        self._keys, self._after, self._found = self._table(rows)
        rows = [
            (2 * number + kind, token, number, move)
            for number, automaton in enumerate(self._automata)
            for kind, moves in enumerate(automaton.root_moves)
            for token, move in moves.items()
        ]
        self._root_keys, self._root_after, self._root_found = self._table(rows)

    def _table(self, rows: Sequence[tuple[int, int, int, Move]]) -> tuple[Tensor, Tensor, Tensor]:
        """Keys, next states and completed terms, from states, subwords, automata and moves."""
        tokens = self._own(self._tensor([token for _, token, _, _ in rows]))
        keys = self._tensor([state for state, _, _, _ in rows]) * self._size + tokens
        after = [
            UNKNOWN if move.state == UNKNOWN else self._globals[automaton][move.state] for _, _, automaton, move in rows
        ]
        next_states, found = self._tensor(after), self._tensor([move.found for _, _, _, move in rows])
        keys, order = keys.where(tokens >= 0, _NEVER).sort()
        # A last row that no pair has, so that a table is never empty.
        nothing = keys.new_zeros(1)
        return (
            torch.cat((keys, keys.new_tensor([_NEVER]))),
            torch.cat((next_states[order], nothing)),
            torch.cat((found[order], nothing)),
        )

    def _own(self, ids: Tensor) -> Tensor:
        """The model's ids of subwords, -1 for those outside the shortlist, from ids of the full vocabulary `(...)`."""
        return ids if self._own_ids is None else self._own_ids[ids]

    def _tensor(self, values: Sequence[int] | Sequence[Sequence[int]]) -> Tensor:
        return torch.tensor(values, dtype=torch.int64, device=self._device)


def _padded(values: Iterable[int], length: int) -> list[int]:
    row = list(values)
    return row + [0] * (length - len(row))


def _inverse(token_ids: Tensor, size: int) -> Tensor:
    """Index of each id of the full vocabulary in `token_ids`, -1 where it is not there, `(V,)` int64."""
    own = torch.full((size,), -1, dtype=torch.int64, device=token_ids.device)
    return own.index_copy(0, token_ids, torch.arange(len(token_ids), device=token_ids.device))


def _find(keys: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Whether sorted keys contain some numbers, and at which index."""
    index = torch.searchsorted(keys, numbers)  # at most the last, which no pair has
    return keys[index] == numbers, index
