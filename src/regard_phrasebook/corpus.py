"""Writes the built-in corpus: the splits train, val and test, each in files such as `.en`, `.fr` and `.align`.

The sentences come from a grammar (such as `regard_phrasebook.en_fr.grammar`). This module checks their length,
removes duplicate English sentences, and assigns each sentence to a split by its word combinations, such as `eat+apple`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from regard.errors import DataError
from regard.files.paths import checked_path
from regard.text.links import pharaoh
from regard_phrasebook.engine.files import write_files
from regard_phrasebook.engine.grammar import Draft, Grammar
from regard_phrasebook.engine.phrase import SentencePair
from regard_phrasebook.engine.sampler import Sampler
from regard_phrasebook.engine.splits import SPLITS, split_of

GRAMMARS = {
    "en-fr": ("regard_phrasebook.en_fr.grammar", "EnglishFrench"),
    "en-ko": ("regard_phrasebook.en_ko.grammar", "EnglishKorean"),
}
"""Module and class of the grammar of each language pair; a grammar is imported only when it is used."""

LENGTHS: tuple[tuple[float, int, int], ...] = (
    (10, 1, 4),
    (38, 4, 8),
    (25, 7, 12),
    (13, 11, 17),
    (4, 16, 29),
    (4.5, 30, 60),
)
"""Length bands as `(weight, shortest, longest)` in source words: mostly short sentences, with a tail of long ones."""

MAX_FAILURES = 2000
"""Consecutive failed tries after which the grammar counts as exhausted."""


@dataclass(frozen=True, slots=True)
class CorpusReport:
    """Statistics of a written corpus.

    Attributes:
        out: Output directory.
        pair: Language pair.
        sizes: Number of sentence pairs in train, val and test.
        src_words: Number of distinct whitespace-separated source words in the training text.
        tgt_words: Number of distinct whitespace-separated target words in the training text.
        mean_length: Mean number of source words in the training text.
        constructions: Number of training sentences with each grammatical construction, by its name.
    """

    out: Path
    pair: str
    sizes: dict[str, int]
    src_words: int
    tgt_words: int
    mean_length: float
    constructions: dict[str, int]


@dataclass
class _Split:
    """The sentences collected for one split."""

    size: int
    pairs: list[SentencePair] = field(default_factory=list)
    constructions: Counter[str] = field(default_factory=Counter)

    @property
    def full(self) -> bool:
        """Whether the split has all its sentences."""
        return len(self.pairs) >= self.size


def write_corpus(
    out: str | Path,
    *,
    pair: str = "en-fr",
    pairs: int = 20_000,
    seed: int = 1,
    min_length: int = 1,
    max_length: int = 60,
    overwrite: bool = False,
) -> CorpusReport:
    """Writes a parallel corpus with gold word alignments.

    The same arguments write the same bytes. The val and test splits have 1/20 of `pairs` each, at least 1 and at most
    1000. Each of their sentences contains a combination of words that no training sentence has.

    Args:
        out: Output directory; created if it is missing.
        pair: `en-fr` or `en-ko`.
        pairs: Number of sentence pairs in the training split.
        seed: Random seed.
        min_length: Fewest words of an English sentence.
        max_length: Most words of an English sentence.
        overwrite: Whether to replace existing files that have other content.

    Returns:
        Statistics of the corpus.

    Raises:
        DataError: The pair is unknown, the lengths are invalid, the grammar has too few sentences of these lengths, or
            the files cannot be written.
        ConfigError: Files of these names exist with other content.
    """
    directory = checked_path(out, "out")
    grammar = load_grammar(pair)
    _check(grammar, pairs, min_length, max_length)
    collected = _collect(grammar, pairs, seed, (min_length, max_length))
    src, tgt = pair.split("-")
    files: dict[Path, bytes] = {}
    for name, split in collected.items():
        lines = {
            src: [sentence.src for sentence in split.pairs],
            tgt: [sentence.tgt for sentence in split.pairs],
            "align": [pharaoh(sentence.links) for sentence in split.pairs],
        }
        for suffix, texts in lines.items():
            files[directory / f"{name}.{suffix}"] = "".join(line + "\n" for line in texts).encode()
    write_files(files, overwrite=overwrite)
    return _report(directory, pair, collected)


def load_grammar(pair: str) -> Grammar:
    """Loads the grammar of a language pair.

    Args:
        pair: Language pair, such as `en-fr`.

    Returns:
        The grammar.

    Raises:
        DataError: There is no grammar for the pair.
    """
    if pair not in GRAMMARS:
        known = ", ".join(GRAMMARS)
        raise DataError(f"phrasebook: expected one of the language pairs {known}, got {pair!r}")
    module, name = GRAMMARS[pair]
    grammar_class: Callable[[], Grammar] = getattr(import_module(module), name)
    return grammar_class()


def _check(grammar: Grammar, pairs: int, min_length: int, max_length: int) -> None:
    if pairs < 1:
        raise DataError(f"phrasebook: expected at least 1 pair, got pairs={pairs}; raise pairs")
    if not 1 <= min_length <= max_length <= grammar.longest:
        raise DataError(
            f"phrasebook: expected lengths with 1 <= min_length <= max_length <= {grammar.longest} words, "
            f"got min_length={min_length} and max_length={max_length}; change the lengths"
        )


def _bands(min_length: int, max_length: int) -> list[tuple[float, tuple[int, int]]]:
    """The bands of `LENGTHS`, clipped to the requested lengths."""
    clipped = [(weight, (max(low, min_length), min(high, max_length))) for weight, low, high in LENGTHS]
    return [(weight, (low, high)) for weight, (low, high) in clipped if low <= high]


def _collect(grammar: Grammar, pairs: int, seed: int, lengths: tuple[int, int]) -> dict[str, _Split]:
    """Samples sentences until every split is full."""
    held_out = max(1, min(1000, pairs // 20))
    splits = {"train": _Split(pairs), "val": _Split(held_out), "test": _Split(held_out)}
    seen: set[str] = set()
    for draft in grammar.showcase_drafts():
        if split_of(draft.combos, grammar.pinned) == "train":
            _add(grammar, draft, lengths, splits["train"], seen)
    sampler = Sampler(seed)
    bands = _bands(*lengths)
    failures = 0
    while not all(split.full for split in splits.values()):
        band = sampler.weighted(bands)
        draft_or_none = grammar.draft(sampler, *band)
        split = None if draft_or_none is None else _choose_split(grammar, draft_or_none, sampler, splits)
        added = draft_or_none and split and _add(grammar, draft_or_none, band, split, seen)
        failures = 0 if added else failures + 1
        if failures > MAX_FAILURES:
            raise _exhausted(splits, pairs, lengths)
    return splits


def _choose_split(grammar: Grammar, draft: Draft, sampler: Sampler, splits: dict[str, _Split]) -> _Split | None:
    """The split that a draft is added to, or None if the draft is dropped.

    The more combinations a sentence has, the more likely one of them is held out, so the held-out splits would be full
    of long sentences. To compensate, a held-out draft with n distinct combinations is kept with probability 1/n.
    """
    name = split_of(draft.combos, grammar.pinned)
    if name is None or splits[name].full:
        return None
    if name != "train" and not sampler.chance(1 / len(set(draft.combos))):
        return None
    return splits[name]


def _add(grammar: Grammar, draft: Draft, band: tuple[int, int], split: _Split, seen: set[str]) -> bool:
    """Adds a draft to its split; returns False if its length is out of range or it is a duplicate."""
    sentence = grammar.spell(draft)
    if sentence.src in seen or not band[0] <= len(sentence.src.split()) <= band[1]:
        return False
    seen.add(sentence.src)
    split.pairs.append(sentence)
    split.constructions.update(dict.fromkeys(draft.constructions, 1))
    return True


def _exhausted(splits: dict[str, _Split], pairs: int, lengths: tuple[int, int]) -> DataError:
    counts = ", ".join(f"{len(splits[name].pairs)} of {splits[name].size} for {name}" for name in SPLITS)
    return DataError(
        f"phrasebook: the grammar generates fewer than {pairs} pairs of {lengths[0]} to {lengths[1]} words "
        f"({counts}); request fewer pairs or a wider range of lengths"
    )


def _report(directory: Path, pair: str, splits: dict[str, _Split]) -> CorpusReport:
    train = splits["train"]
    src_words = Counter(word for sentence in train.pairs for word in sentence.src.split())
    tgt_words = Counter(word for sentence in train.pairs for word in sentence.tgt.split())
    return CorpusReport(
        directory,
        pair,
        {name: len(split.pairs) for name, split in splits.items()},
        len(src_words),
        len(tgt_words),
        src_words.total() / len(train.pairs),
        dict(sorted(train.constructions.items())),
    )
