"""The text of a lab (a comparison of systems), copied once into the lab's directory and read from there."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regard.data.corpora.pairs import PairFile, read_pairs
from regard.data.corpora.unit import ReadOptions
from regard.data.held_out import choose_unshared, hold_out
from regard.errors import ConfigError, DataError
from regard.evaluate.scores import normalized_lines
from regard.evaluate.tokenizers import bleu_metric, choose_tokenizer
from regard.files.atomic import atomic_directory, sha256
from regard.files.json_text import validation_messages
from regard.files.reading import decode_utf8, read_bytes
from regard.lab.schema import CorpusConfig
from regard.store.sealed_json import read_sealed, sealed
from regard.text.languages import parse_direction
from regard.text.links import GoldLinks, pharaoh, read_links, read_pharaoh
from regard.values import Pair
from regard_phrasebook.corpus import write_corpus

PHRASEBOOK_PAIRS = 20_000
LONG_WORDS = 20
HELD_OUT = 1000
"""Largest number of source sentences held out for validation, and for the test, if no files are given for these; at
most 5 % of the text each."""

_ABOUT, _GOLD = "about.json", "test.align"
_MAX_ABOUT_BYTES, _MAX_TEXT_BYTES = 1 << 26, 1 << 30
_CURE = (
    "the text with which systems are compared must not change; restore the original file, or start `regard lab run` in "
    "another directory"
)
_ADDED_LATER: dict[str, object] = {"langs": None}
"""Options that labs of early versions do not have."""
T = TypeVar("T")
Gold = tuple[GoldLinks, ...]


@dataclass(frozen=True)
class LabCorpus:
    """Training, validation and test text, the same for all systems of a lab.

    Attributes:
        directory: Directory of the files `train.src`, `train.tgt`, `val.src`, `val.tgt`, `test.src` and `test.tgt`, and
            of `test.align` if there are gold links.
        description: Description of the text for the report.
        sizes: Number of sentence pairs, by name of the text: `train`, `val` and `test`.
        num_seen: Number of test pairs whose source sentence also occurs in the training text.
        counts: Number of occurrences in the training text of each word of the test references.
        files: SHA-256 of each file, by file name; empty in labs of early versions, which stored no hashes.
    """

    directory: Path
    description: str
    sizes: dict[str, int]
    num_seen: int
    counts: dict[str, int]
    files: dict[str, str] = field(default_factory=dict)

    def lines(self, name: str) -> list[str]:
        """Reads a text file of the corpus, and checks its hash.

        Args:
            name: File name, such as `test.src`.

        Returns:
            The lines, one per sentence pair.

        Raises:
            DataError: The file is missing, or has changed since the lab was started.
        """
        path, size = self.directory / name, self.sizes.get(name.partition(".")[0])
        lines = decode_utf8(self._read(path), str(path), remedy=_CURE, error=DataError).split("\n")[:-1]
        if len(lines) != size:
            raise DataError(f"{path}: expected {size} lines, found {len(lines)}: {_CURE}")
        return lines

    def gold(self) -> Gold | None:
        """Reads the gold word alignments of the test pairs.

        Returns:
            Gold alignment links of each test pair; None for a corpus without them.

        Raises:
            DataError: The file is missing, or has changed since the lab was started.
        """
        path = self.directory / _GOLD
        if _GOLD not in self.files and not os.path.lexists(path):
            return None
        self._read(path)
        links = tuple(read_pharaoh(path))
        if len(links) != self.sizes.get("test"):
            raise DataError(f"{path}: expected {self.sizes.get('test')} lines, found {len(links)}: {_CURE}")
        return links

    def _read(self, path: Path) -> bytes:
        data = read_bytes(path, max_bytes=_MAX_TEXT_BYTES, remedy=_CURE, error=DataError)
        expected = self.files.get(path.name)
        if expected is not None and hashlib.sha256(data).hexdigest() != expected:
            raise DataError(f"{path}: changed since `regard lab run` wrote it: {_CURE}")
        return data


class _Sizes(BaseModel):
    """Number of pairs in each part."""

    model_config = ConfigDict(strict=True, extra="forbid")

    train: Annotated[int, Field(ge=0)]
    val: Annotated[int, Field(ge=0)]
    test: Annotated[int, Field(ge=0)]


class _About(BaseModel):
    """Contents of `about.json`: a description of the corpus, and the options that it was made with."""

    model_config = ConfigDict(strict=True, extra="forbid")

    description: str
    sizes: _Sizes
    num_seen: Annotated[int, Field(ge=0)]
    counts: dict[str, Annotated[int, Field(ge=0)]]
    files: dict[str, str] = {}
    made_of: dict[str, object]


def word_splitter(targets: Sequence[str]) -> Callable[[str], list[str]]:
    """Returns the BLEU tokenizer for a language's script, as a function that splits text into words.

    >>> word_splitter(["Comment vas-tu, mon ami ?"])("Comment vas-tu ?")
    ['Comment', 'vas-tu', '?']

    Args:
        targets: Reference translations, whose script determines the tokenizer (see `regard.evaluate.tokenizers`).

    Returns:
        Function from a text to its words.
    """
    tokens: Callable[[str], str] = bleu_metric(choose_tokenizer(normalized_lines(targets))).tokenizer
    return lambda text: tokens(text).split()


def prepare_corpus(config: CorpusConfig, directory: Path) -> LabCorpus:
    """Writes the corpus of a lab (a comparison of systems) to a directory, or opens the corpus already there.

    Args:
        config: The `[corpus]` section of the lab: names the text files, or the language pair of regard's built-in
            generator of sentences (the phrasebook), from which the corpus is made.
        directory: Directory of the corpus; a new directory is written atomically.

    Returns:
        The corpus.

    Raises:
        ConfigError: The directory contains a corpus that was made with other options.
        DataError: A file cannot be read, or there is too little text.
    """
    if not directory.exists():
        with atomic_directory(directory) as temporary:
            _write(config, temporary)
    corpus, made_of = _open(directory)
    if not isinstance(made_of, dict) or {**_ADDED_LATER, **made_of} != config.model_dump(mode="json"):
        raise ConfigError(
            f"{directory}: this comparison of systems was started with other options in [corpus]: use the same "
            "options, or start `regard lab run` in another directory"
        )
    return corpus


def open_corpus(directory: Path) -> LabCorpus:
    """Opens a corpus that `prepare_corpus` wrote.

    Args:
        directory: Directory of the corpus.

    Returns:
        The corpus.

    Raises:
        DataError: The directory does not contain a corpus.
    """
    return _open(directory)[0]


def _open(directory: Path) -> tuple[LabCorpus, object]:
    path = directory / _ABOUT
    if not os.path.lexists(path):
        raise DataError(
            f"{directory}: expected the text of a comparison of systems, found no {_ABOUT}: start a comparison with "
            "`regard lab run`"
        )
    tree = read_sealed(path, max_bytes=_MAX_ABOUT_BYTES, remedy=_CURE, error=DataError)
    try:
        about = _About.model_validate(tree)
    except ValidationError as error:
        raise DataError(f"{path}: damaged: {validation_messages(error)[0]}: {_CURE}") from None
    corpus = LabCorpus(
        directory, about.description, about.sizes.model_dump(), about.num_seen, about.counts, about.files
    )
    return corpus, about.made_of


def _write(config: CorpusConfig, directory: Path) -> None:
    splits, gold, description = _phrasebook(config, directory) if config.phrasebook else _files(config)
    for name, pairs in splits.items():
        _write_lines(directory / f"{name}.src", [pair.src for pair in pairs])
        _write_lines(directory / f"{name}.tgt", [pair.tgt for pair in pairs])
    if gold:
        _write_lines(directory / _GOLD, [_pharaoh(links) for links in gold])
    split = word_splitter([pair.tgt for pair in splits["test"]])
    test_words = {word for pair in splits["test"] for word in split(pair.tgt)}
    counts = Counter(word for pair in splits["train"] for word in split(pair.tgt) if word in test_words)
    train_sources = {pair.src for pair in splits["train"]}
    about = _About(
        description=description,
        sizes=_Sizes(**{name: len(pairs) for name, pairs in splits.items()}),
        num_seen=sum(pair.src in train_sources for pair in splits["test"]),
        counts=dict(counts),
        files={path.name: sha256(path) for path in sorted(directory.iterdir())},
        made_of=config.model_dump(mode="json"),
    )
    (directory / _ABOUT).write_text(sealed(about.model_dump()), encoding="utf-8")


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _pharaoh(links: GoldLinks) -> str:
    only_possible = set(links.possible) - set(links.sure)
    return " ".join([pharaoh(links.sure), *(f"{src}p{tgt}" for src, tgt in sorted(only_possible))]).strip()


Splits = dict[str, list[Pair]]


def _phrasebook(config: CorpusConfig, directory: Path) -> tuple[Splits, list[GoldLinks], str]:
    pair, count = str(config.phrasebook), config.pairs or PHRASEBOOK_PAIRS
    src, tgt = pair.split("-")
    parts = [directory / "phrasebook"]
    write_corpus(parts[0], pair=pair, pairs=count, seed=1, max_length=config.max_words)
    if config.long_test:
        parts.append(directory / "long")
        write_corpus(parts[1], pair=pair, pairs=max(20, count // 5), seed=2, min_length=LONG_WORDS)
    splits = {
        name: read_pairs(parts[0] / f"{name}.{src}", parts[0] / f"{name}.{tgt}").pairs for name in ("train", "val")
    }
    tests = [read_pairs(part / f"test.{src}", part / f"test.{tgt}").pairs for part in parts]
    golds = [list(read_pharaoh(part / "test.align")) for part in parts]
    for part in parts:
        shutil.rmtree(part)
    by_source: dict[str, tuple[Pair, GoldLinks]] = {}  # a long sentence may be in both parts
    for test, gold in zip(tests, golds, strict=True):
        by_source |= {test_pair.src: (test_pair, links) for test_pair, links in zip(test, gold, strict=True)}
    chosen = _evenly_spread(list(by_source.values()), config.test_pairs)
    splits["test"] = [test_pair for test_pair, _ in chosen]
    longer = f" and on sentences of {LONG_WORDS} words and more" if config.long_test else ""
    description = f"the built-in phrasebook, {pair}; tested on its test split{longer}"
    return splits, [links for _, links in chosen], description


def _files(config: CorpusConfig) -> tuple[Splits, list[GoldLinks] | None, str]:
    if config.train is None:
        raise AssertionError(
            "expected corpus.train or corpus.phrasebook, got neither: set one in the TOML file for `regard lab run`"
        )
    train = _read_files(config.train, config.langs).pairs
    generator = random.Random(1)
    splits: Splits = {}
    for name, files in (("test", config.test), ("val", config.val)):
        if files is None:
            train, splits[name] = _hold_out(train, generator)
        else:
            splits[name] = _read_files(files, config.langs).pairs
    if config.pairs is not None and config.pairs < len(train):
        train = [train[row] for row in sorted(generator.sample(range(len(train)), config.pairs))]
    gold = _gold(config)
    rows = _evenly_spread(list(range(len(splits["test"]))), config.test_pairs)
    splits["test"] = [splits["test"][row] for row in rows]
    names = " and ".join(Path(file).name for file in config.train)
    test_names = " and ".join(Path(file).name for file in config.test) if config.test else "pairs held out of them"
    description = f"{names}; tested on {test_names}"
    return {**splits, "train": train}, gold and [gold[row] for row in rows], description


def _read_files(files: Sequence[str], langs: str | None) -> PairFile:
    """The pairs of one file with both languages, or of two files."""
    options = ReadOptions(langs=None if langs is None else parse_direction(langs))
    return read_pairs(files[0], files[1] if len(files) > 1 else None, options)


def _hold_out(pairs: Sequence[Pair], generator: random.Random) -> tuple[list[Pair], list[Pair]]:
    chosen = _draw_sources(pairs, generator)
    return hold_out(pairs, lambda _: chosen)


def _draw_sources(pairs: Sequence[Pair], generator: random.Random) -> list[str]:
    """Draws the sources to test or to validate with, if possible such that no target is in both parts either."""
    sources = list(dict.fromkeys(pair.src for pair in pairs))
    count = min(HELD_OUT, max(1, len(sources) // 20), len(sources) - 1)
    if count < 1:
        raise DataError(
            "corpus.train: expected at least 3 different source sentences, so that some can be held out for validation "
            "and test, got fewer: use a larger text"
        )
    ranked = generator.sample(sources, len(sources))
    return choose_unshared(pairs, ranked, count) or ranked[:count]


def _gold(config: CorpusConfig) -> list[GoldLinks] | None:
    """Gold links of the test pairs; a pair with an empty side is left out, but has a line in the file of links."""
    if config.gold is None:
        return None
    if config.test is None:
        raise ConfigError(
            "corpus.gold: expected corpus.test too, the test text that the gold links belong to, got none: set "
            "corpus.test, or use --test"
        )
    test = _read_files(config.test, config.langs)
    lengths = [(0, 0)] * (len(test.pairs) + test.num_empty)
    for row, pair in zip(test.rows, test.pairs, strict=True):
        lengths[row] = (len(pair.src.split()), len(pair.tgt.split()))
    links = read_links(config.gold, lengths=lengths)
    return [links[row] for row in test.rows]


def _evenly_spread(items: list[T], most: int) -> list[T]:
    """At most `most` of the items, evenly spread over the list."""
    if len(items) <= most:
        return items
    return [items[number * len(items) // most] for number in range(most)]
