"""Writes the built-in corpus: `train|val|test.{source,target,align}`.

The sentences come from a grammar (such as `regard_phrasebook.en_fr.grammar`); this module measures
them, keeps each English sentence once, and gives it to the split that its combinations of words belong to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from regard.errors import DataError
from regard.files.paths import checked_path
from regard_phrasebook.engine.files import write_files
from regard_phrasebook.engine.grammar import Draft, Grammar
from regard_phrasebook.engine.phrase import SentencePair, pharaoh
from regard_phrasebook.engine.sampler import Sampler
from regard_phrasebook.engine.splits import SPLITS, split_of

GRAMMARS = {
    "en-fr": ("regard_phrasebook.en_fr.grammar", "EnglishFrench"),
    "en-ko": ("regard_phrasebook.en_ko.grammar", "EnglishKorean"),
}
"""Language pairs and where their grammars are; each is loaded when it is asked for."""

LENGTHS: tuple[tuple[float, int, int], ...] = (
    (10, 1, 4),
    (38, 4, 8),
    (25, 7, 12),
    (13, 11, 17),
    (4, 16, 29),
    (4.5, 30, 60),
)
"""Weights of bands of length, in source words: mostly everyday sentences, with a tail of long ones."""

PATIENCE = 2000
"""Tries in a row that may bring nothing new before the grammar is held to be exhausted."""


@dataclass(frozen=True, slots=True)
class CorpusReport:
    """What was written.

    Attributes:
        out: The directory.
        pair: The language pair.
        sizes: Sentence pairs in train, val and test.
        src_words: Different source words in the training text, as spaces separate them.
        tgt_words: Different target words in the training text.
        mean_length: Mean number of source words in the training text.
        constructions: How many training sentences show each construction.
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
    """The sentences of one split as they are collected."""

    wanted: int
    pairs: list[SentencePair] = field(default_factory=list)
    constructions: Counter[str] = field(default_factory=Counter)

    @property
    def full(self) -> bool:
        """Whether nothing more is wanted."""
        return len(self.pairs) >= self.wanted


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

    The same arguments write the same bytes. Val and test have a twentieth of `pairs` each, at most 1000 and at
    least one; each of their sentences holds a combination of words that no training sentence has.

    Args:
        out: Directory to write to; made when it is missing.
        pair: `en-fr` or `en-ko`.
        pairs: Sentence pairs in the training split.
        seed: Of all choices.
        min_length: Fewest words of an English sentence.
        max_length: Most words of an English sentence.
        overwrite: Whether files of these names that say something else are replaced.

    Returns:
        What was written.

    Raises:
        DataError: If the pair is unknown, the lengths are impossible, the grammar has too few sentences of
            these lengths, or the files cannot be written.
        ConfigError: If files of these names are there, with other content.
    """
    directory = checked_path(out, "out")
    grammar = load_grammar(pair)
    _check(grammar, pairs, min_length, max_length)
    collected = _collect(grammar, pairs, seed, (min_length, max_length))
    src, tgt = pair.split("-")
    files: dict[Path, bytes] = {}
    for name, split in collected.items():
        lines = {
            src: [one.src for one in split.pairs],
            tgt: [one.tgt for one in split.pairs],
            "align": [pharaoh(one.links) for one in split.pairs],
        }
        for ending, texts in lines.items():
            files[directory / f"{name}.{ending}"] = "".join(line + "\n" for line in texts).encode()
    write_files(files, overwrite=overwrite)
    return _report(directory, pair, collected)


def load_grammar(pair: str) -> Grammar:
    """The grammar of a language pair.

    Args:
        pair: Such as `en-fr`.

    Returns:
        The grammar.

    Raises:
        DataError: If there is none for that pair.
    """
    if pair not in GRAMMARS:
        known = ", ".join(GRAMMARS)
        raise DataError(f"phrasebook: expected a language pair out of {known}, got {pair!r}")
    module, name = GRAMMARS[pair]
    maker: Callable[[], Grammar] = getattr(import_module(module), name)
    return maker()


def _check(grammar: Grammar, pairs: int, min_length: int, max_length: int) -> None:
    if pairs < 1:
        raise DataError(f"phrasebook: expected at least 1 pair, got pairs={pairs}; ask for more")
    if not 1 <= min_length <= max_length <= grammar.longest:
        raise DataError(
            f"phrasebook: expected lengths with 1 <= min_length <= max_length <= {grammar.longest} words, "
            f"got min_length={min_length} and max_length={max_length}; change the lengths"
        )


def _bands(min_length: int, max_length: int) -> list[tuple[float, tuple[int, int]]]:
    """The bands of `LENGTHS` cut to the lengths that are asked for."""
    cut = [(weight, (max(low, min_length), min(high, max_length))) for weight, low, high in LENGTHS]
    return [(weight, (low, high)) for weight, (low, high) in cut if low <= high]


def _collect(grammar: Grammar, pairs: int, seed: int, lengths: tuple[int, int]) -> dict[str, _Split]:
    """Draws sentences until every split is full."""
    held_out = max(1, min(1000, pairs // 20))
    splits = {"train": _Split(pairs), "val": _Split(held_out), "test": _Split(held_out)}
    seen: set[str] = set()
    for draft in grammar.opening():
        if split_of(draft.combos, grammar.pinned) == "train":
            _place(grammar, draft, lengths, splits["train"], seen)
    sampler = Sampler(seed)
    bands = _bands(*lengths)
    failures = 0
    while not all(split.full for split in splits.values()):
        band = sampler.weighted(bands)
        draft_or_none = grammar.draft(sampler, *band)
        split = None if draft_or_none is None else _choose(grammar, draft_or_none, sampler, splits)
        placed = draft_or_none and split and _place(grammar, draft_or_none, band, split, seen)
        failures = 0 if placed else failures + 1
        if failures > PATIENCE:
            raise _exhausted(splits, pairs, lengths)
    return splits


def _choose(grammar: Grammar, draft: Draft, sampler: Sampler, splits: dict[str, _Split]) -> _Split | None:
    """The split that wants a draft, or None.

    The more combinations a sentence has, the likelier one of them is held out. Without a counterweight the
    held-out splits would be full of long sentences, so such a draft is kept with one chance in their number.
    """
    name = split_of(draft.combos, grammar.pinned)
    if name is None or splits[name].full:
        return None
    if name != "train" and not sampler.chance(1 / len(set(draft.combos))):
        return None
    return splits[name]


def _place(grammar: Grammar, draft: Draft, band: tuple[int, int], split: _Split, seen: set[str]) -> bool:
    """Puts a draft into its split; False when its length is wrong or it is there already."""
    one = grammar.spell(draft)
    if one.src in seen or not band[0] <= len(one.src.split()) <= band[1]:
        return False
    seen.add(one.src)
    split.pairs.append(one)
    split.constructions.update(dict.fromkeys(draft.constructions, 1))
    return True


def _exhausted(splits: dict[str, _Split], pairs: int, lengths: tuple[int, int]) -> DataError:
    found = ", ".join(f"{len(splits[name].pairs)} of {splits[name].wanted} for {name}" for name in SPLITS)
    return DataError(
        f"phrasebook: {pairs} pairs of {lengths[0]} to {lengths[1]} words are more than the grammar finds "
        f"({found}); ask for fewer pairs or a wider range of lengths"
    )


def _report(directory: Path, pair: str, splits: dict[str, _Split]) -> CorpusReport:
    train = splits["train"]
    src_words = Counter(word for one in train.pairs for word in one.src.split())
    tgt_words = Counter(word for one in train.pairs for word in one.tgt.split())
    return CorpusReport(
        directory,
        pair,
        {name: len(split.pairs) for name, split in splits.items()},
        len(src_words),
        len(tgt_words),
        src_words.total() / len(train.pairs),
        dict(sorted(train.constructions.items())),
    )
