"""Finite automaton that reads the subwords of a translation and finds terms in its detokenized text.

A state holds every place within a term that the text read so far may have reached, so a term that is broken off is
found again where its own beginning recurs, as by the failure links of Aho and Corasick (1975). Text is read character
by character as the detokenizer writes it: bytes are joined to characters, blanks become spaces, and runs of spaces
become one. Therefore the division of the text into subwords has no effect.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from regard.search.constraints import Constraints
from regard.search.spelling import Pattern, make_patterns
from regard.text.normalize import replace_blanks
from regard.text.term_vocabulary import (
    CONTINUATION_BYTES,
    INVALID,
    LETTER_CLASS,
    OTHER_CLASS,
    SPACE_CLASS,
    TermVocabulary,
    character_class,
    fold_character,
)
from regard.text.tokenizers import unescape_text

EXCLUDED = 1 << 62
"""Bit that stands for all excluded terms, and for bytes that are not valid UTF-8; bit j stands for included term j."""
UNKNOWN = -1
"""Number that stands for a state that was not computed, to save time: see `Move`."""
MAX_TERMS = 60
"""Largest number of included terms of a sentence."""
_NO_PATTERNS: Sequence[int] = ()
_NO_PLACES: frozenset[tuple[int, int]] = frozenset()
_DECODER = getincrementaldecoder("utf-8")

Place = tuple[int, int]
"""An occurrence of a term that has begun: index of its `Pattern`, and how many of its characters were read."""


@dataclass(frozen=True, slots=True)
class TextState:
    """State of an automaton that finds terms: what it knows about the text read so far.

    Attributes:
        last_class: Class of the last character: `SPACE_CLASS`, `LETTER_CLASS` or `OTHER_CLASS`; `SPACE_CLASS` at the
            start of the text.
        places: The occurrences of terms that have begun but are not complete: index of the pattern, and number of its
            characters that were read. If all were read, the next character decides whether the word ends there.
        pending: Bytes read of a UTF-8 character that is not complete.
    """

    last_class: int = SPACE_CLASS
    places: frozenset[Place] = frozenset()
    pending: bytes = b""


@dataclass(frozen=True, slots=True)
class Move:
    """Transition of the automaton: the result of reading a subword in a state.

    Attributes:
        state: Number of the next state. In `StateInfo.moves` it is `UNKNOWN` for most bytes of a multi-byte character:
            there are many such states, and few are needed. `TermAutomaton.move` computes the true number.
        found: The terms that the subword completes, as a bit mask.
    """

    state: int
    found: int


@dataclass(frozen=True, slots=True)
class StateInfo:
    """Transitions from a state of an automaton that finds terms, and the terms it can complete.

    Sets of terms are bit masks: bit j stands for included term j, and `EXCLUDED` for all excluded terms.

    Attributes:
        after_letter: Whether the last character is a letter.
        moves: Transitions by subword id. For a subword that is missing here, the transition is that of a state in which
            no term has begun, see `TermAutomaton.root_moves`.
        at_boundary: Terms that are completed if the next character is not a letter.
        at_flush: Terms that are completed if the bytes of the last character stay incomplete.
        at_end: Terms that are completed if the text ends here; terms completed earlier are not included.
        silent: Number of the state after a special token, which has no text.
        remaining: Number of subwords still needed to complete each included term.
        next_ids: For ids of possible next subwords, the included terms that need fewer subwords after that subword.
    """

    after_letter: bool
    moves: dict[int, Move]
    at_boundary: int
    at_flush: int
    at_end: int
    silent: int
    remaining: tuple[int, ...]
    next_ids: dict[int, int]


class TermAutomaton:
    """Finite automaton that finds the terms of one sentence's constraints in a translation, subword by subword.

    States have numbers. In the first three no term has begun; their number is the class of the last character:
    `SPACE_CLASS` (also the state at the start of the text), `LETTER_CLASS` or `OTHER_CLASS`.

    Args:
        vocabulary: Target vocabulary.
        constraints: The constraints, whose terms are normalized.
    """

    def __init__(self, vocabulary: TermVocabulary, constraints: Constraints) -> None:
        self.vocabulary = vocabulary
        self.num_terms = len(constraints.include)
        self.patterns: list[Pattern] = make_patterns(vocabulary, constraints, excluded=EXCLUDED)
        self.costs = tuple(
            min(pattern.cost for pattern in self.patterns if pattern.bit == 1 << term) for term in range(self.num_terms)
        )
        self._states = [TextState(kind) for kind in (SPACE_CLASS, LETTER_CLASS, OTHER_CLASS)]
        self._numbers = {state: number for number, state in enumerate(self._states)}
        self._starts: dict[tuple[bool, str], list[int]] = {}  # patterns, by `ignore_case` and first character
        for number, pattern in enumerate(self.patterns):
            self._starts.setdefault((pattern.ignore_case, pattern.text[0]), []).append(number)
        self._any_case = any(pattern.ignore_case for pattern in self.patterns)
        self.root_moves = self._root_moves()
        """Moves, by subword id, where no term has begun: after other characters than letters, and after a letter."""
        self._fresh = tuple(self._fresh_lookahead(kind) for kind in (OTHER_CLASS, LETTER_CLASS))
        self.infos: list[StateInfo] = []
        """`StateInfo` of each state, by its number."""
        self.expand()

    def expand(self) -> None:
        """Computes the `StateInfo` of all states that have a number but no entry in `infos`, such as new ones."""
        while len(self.infos) < len(self._states):
            self.infos.append(self._info(self._states[len(self.infos)]))

    def move(self, number: int, token: int) -> Move:
        """Reads a subword in a state; a next state that is new gets the next free number.

        Args:
            number: Number of a state.
            token: Id of the subword.

        Returns:
            The number of the next state, never `UNKNOWN`, and the terms that the subword completes, as a bit mask.
        """
        state, found = self._read_token(self._states[number], token)
        return Move(self._number(state), found)

    def _number(self, state: TextState) -> int:
        if state not in self._numbers:
            self._numbers[state] = len(self._states)
            self._states.append(state)
        return self._numbers[state]

    def _read_token(self, state: TextState, token: int) -> tuple[TextState, int]:
        surface = self.vocabulary.surfaces[token]
        if isinstance(surface, int) and (state.pending or token in self.vocabulary.part_ids):
            return self._read_byte(state, surface)
        after, found = self._flush(state)
        after, more = self._read(after, self.vocabulary.texts[token])
        return after, found | more

    def _read_byte(self, state: TextState, value: int) -> tuple[TextState, int]:
        decoder = _DECODER("replace")
        text = decoder.decode(state.pending + bytes([value]))
        pending = decoder.getstate()[0]
        after, found = self._read(TextState(state.last_class, state.places), unescape_text(replace_blanks(text)))
        broken = EXCLUDED if INVALID in text else 0
        return TextState(after.last_class, after.places, pending), found | broken

    def _flush(self, state: TextState) -> tuple[TextState, int]:
        """Reads the bytes of an incomplete character as U+FFFD, which a translation must not contain."""
        if not state.pending:
            return state, 0
        after, found = self._read(TextState(state.last_class, state.places), INVALID)
        return after, found | EXCLUDED

    def _read(self, state: TextState, text: str) -> tuple[TextState, int]:
        last_class, places, found = state.last_class, state.places, 0
        for character in text:
            kind = character_class(character)
            if kind == SPACE_CLASS and last_class == SPACE_CLASS:
                continue
            places, completed = self._read_character(places, character, kind, last_class)
            last_class, found = kind, found | completed
        return TextState(last_class, places), found

    def _read_character(
        self, places: frozenset[Place], character: str, kind: int, last_class: int
    ) -> tuple[frozenset[Place], int]:
        reached: set[Place] = set()
        found = 0
        for number, length in places:
            pattern = self.patterns[number]
            if length == len(pattern.text):
                found |= pattern.bit if kind != LETTER_CLASS else 0
            elif pattern.matches(length, character):
                found |= self._advance(reached, number, length + 1)
        starting: Sequence[int] = self._starts.get((False, character), _NO_PATTERNS)
        if self._any_case:
            starting = [*starting, *self._starts.get((True, fold_character(character)), _NO_PATTERNS)]
        if not reached and not starting:
            return _NO_PLACES, found
        for number in starting:
            if last_class != LETTER_CLASS or not self.patterns[number].starts_word:
                found |= self._advance(reached, number, 1)
        return frozenset(reached), found

    def _advance(self, reached: set[Place], number: int, length: int) -> int:
        """Adds the place after `length` characters of a pattern; returns the bit of the term if that completes it."""
        pattern = self.patterns[number]
        if length == len(pattern.text) and not pattern.ends_word:
            return pattern.bit
        reached.add((number, length))
        return 0

    def _root_moves(self) -> tuple[dict[int, Move], dict[int, Move]]:
        """Moves by subwords that begin or complete a term, from states in which no term has begun."""
        tokens: set[int] = set()
        for pattern in self.patterns:
            tokens.update(pattern.starting_tokens(self.vocabulary))
        moves = self._moves(self._states[OTHER_CLASS], tokens)
        # A space between makes the last character irrelevant.
        joined = [token for token in tokens if self.vocabulary.first_classes[token] != SPACE_CLASS]
        after_letter = moves | self._moves(self._states[LETTER_CLASS], joined)
        return _notable(moves), _notable(after_letter)

    def _moves(self, state: TextState, tokens: Iterable[int]) -> dict[int, Move]:
        moves = {}
        for token in tokens:
            after, found = self._read_token(state, token)
            moves[token] = Move(self._number(after), found)
        return moves

    def _info(self, state: TextState) -> StateInfo:
        flushed, at_flush = self._flush(state)
        at_boundary = 0
        for number, length in () if state.pending else state.places:
            pattern = self.patterns[number]
            at_boundary |= pattern.bit if length == len(pattern.text) else 0
        remaining, next_ids = self._lookahead(state)
        # Other next subwords begin a term, so they move as from a state in which no term has begun.
        spelled_bytes = [token for token in next_ids if token in self.vocabulary.part_ids]
        moves = self._byte_moves(state) if state.pending else self._moves(state, self._continuing(state))
        return StateInfo(
            flushed.last_class == LETTER_CLASS,
            moves | self._moves(state, spelled_bytes),
            at_boundary,
            at_flush,
            at_flush if state.pending else at_boundary,
            self._number(flushed),
            remaining,
            next_ids,
        )

    def _continuing(self, state: TextState) -> set[int]:
        """Subwords that move differently than from a state in which no term has begun."""
        return {
            token
            for number, length in state.places
            for token in self.patterns[number].continuing_tokens(self.vocabulary, length, state.last_class)
        }

    def _byte_moves(self, state: TextState) -> dict[int, Move]:
        """Moves by bytes that may continue a character; there are too many states after them to number them all."""
        ids = self.vocabulary.byte_ids
        tokens = [ids[value] for value in CONTINUATION_BYTES if value in ids]
        return {token: Move(UNKNOWN, self._read_token(state, token)[1]) for token in tokens}

    def _lookahead(self, state: TextState) -> tuple[tuple[int, ...], dict[int, int]]:
        """Number of subwords still needed for each included term, and next subwords after which terms need fewer.

        These subwords continue the terms that have begun, and begin the others.
        """
        fresh, costs = self._fresh[state.last_class == LETTER_CLASS]
        remaining, begun = list(costs), 0
        next_ids: dict[int, int] = {}
        places: Iterable[Place] = state.places
        if state.pending:
            fresh, remaining = {}, list(self.costs)
            places = {*places, *((number, 0) for number in self._possible_starts(state.last_class))}
        for number, length in places:
            pattern = self.patterns[number]
            cost = None if pattern.bit == EXCLUDED else pattern.remaining(length, state.pending)
            if cost is None or cost >= self.costs[term := pattern.bit.bit_length() - 1]:
                continue
            remaining[term], begun = min(remaining[term], cost), begun | pattern.bit
            for token in pattern.nearing_tokens(self.vocabulary, length, state.pending):
                next_ids[token] = next_ids.get(token, 0) | pattern.bit
        for token, bits in fresh.items():
            if bits & ~begun:
                next_ids[token] = next_ids.get(token, 0) | bits & ~begun
        return tuple(remaining), next_ids

    def _fresh_lookahead(self, last_class: int) -> tuple[dict[int, int], tuple[int, ...]]:
        """Included terms by subword that begins them, and subwords needed per term, after a character of a class."""
        next_ids: dict[int, int] = {}
        remaining = list(self.costs)
        possible = self._possible_starts(last_class)
        for number, pattern in enumerate(self.patterns):
            if pattern.bit == EXCLUDED:
                continue
            tokens = list(pattern.beginning_tokens(self.vocabulary))
            if number in possible:
                tokens += pattern.nearing_tokens(self.vocabulary, 0, b"")
                term = pattern.bit.bit_length() - 1
                remaining[term] = min(remaining[term], pattern.costs[0])
            for token in tokens:
                next_ids[token] = next_ids.get(token, 0) | pattern.bit
        return next_ids, tuple(remaining)

    def _possible_starts(self, last_class: int) -> set[int]:
        """Indices of the patterns that may begin with the next character, without a space before them."""
        return {
            number
            for number, pattern in enumerate(self.patterns)
            if last_class != LETTER_CLASS or not pattern.starts_word
        }


def _notable(moves: dict[int, Move]) -> dict[int, Move]:
    """The moves without those after which no term has begun and that complete no term."""
    return {token: move for token, move in moves.items() if move.state > OTHER_CLASS or move.found}
