"""The text of a training: its corpora are read and weighted, and validation text is held out of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from regard.config.schema import Config, CorpusConfig, DataConfig
from regard.data.cleaning.checks_language import swapped_languages_warning
from regard.data.corpora.formats import FORMATS
from regard.data.corpora.pairs import PairFile, read_pairs
from regard.data.corpora.unit import ReadOptions
from regard.data.held_out import choose_unshared, hold_out
from regard.data.mismatch import mismatch_warnings
from regard.errors import ConfigError, DataError
from regard.files.printable import counted
from regard.text.languages import parse_direction
from regard.text.tags import add_tag, language_tag, marks_origin, split_tags, tagged_language
from regard.values import Pair

HELD_OUT_SHARE = 0.02
"""Share of the source sentences to hold out for validation if no validation text is given."""
MAX_HELD_OUT = 2000
"""Largest number of source sentences to hold out."""
_SHARED_OPTIONS = ("format", "langs", "encoding", "columns", "on_error", "include_fuzzy", "accelerators")
"""Options about reading that an entry of `data.corpora` takes from `[data]` if it does not set them."""


@dataclass(frozen=True, eq=False)
class TrainingCorpus:
    """One of the corpora of a training.

    Attributes:
        entry: Options of the corpus; those that it does not set are taken from `[data]`.
        name: File or files of the corpus, for messages.
        pairs: Sentence pairs to train on, without the tag of the corpus (`entry.tag`) before the source. The field
            `line` of a pair is its number in the whole training text.
        weight: Mean number of times that an epoch contains each of its pairs.
    """

    entry: CorpusConfig
    name: str
    pairs: Sequence[Pair]
    weight: float = 1.0

    def tagged(self) -> Sequence[Pair]:
        """The sentence pairs, with the tag of the corpus before each source."""
        tag = self.entry.tag
        return self.pairs if tag is None else [replace(pair, src=add_tag(tag, pair.src)) for pair in self.pairs]


@dataclass(frozen=True, eq=False)
class TrainingText:
    """All text of a training.

    Attributes:
        corpora: The corpora to train on.
        val: Validation pairs. If they were held out of the corpora, the source of each begins with the tag of its
            corpus (`entry.tag`), if the corpus has one.
        num_units: Number of sentence pairs in the files of the corpora, including those left out. A file with word
            links (`train.guided_file`) must have as many lines.
        notes: Sentences for the user: what was read, left out and held out.
        warnings: Signs of wrong files for the user to see before anything is learned from them.
        digests: SHA-256 by name: of the pairs to train on and to validate with, and of each entry of `data.corpora`.
    """

    corpora: tuple[TrainingCorpus, ...]
    val: Sequence[Pair]
    num_units: int
    notes: tuple[str, ...]
    digests: dict[str, str]
    warnings: tuple[str, ...] = ()

    def pairs(self) -> Iterator[Pair]:
        """The sentence pairs to train on of all corpora, in order, each once and without tags."""
        return chain.from_iterable(corpus.pairs for corpus in self.corpora)

    def num_characters(self) -> tuple[int, int]:
        """Mean number of source and of target characters in an epoch."""
        src, tgt = (
            sum(corpus.weight * sum(len(getattr(pair, side)) for pair in corpus.pairs) for corpus in self.corpora)
            for side in ("src", "tgt")
        )
        return round(src), round(tgt)


def read_training_text(config: Config, *, by_source: bool = False) -> TrainingText:
    """Reads the training and validation text that a configuration names.

    Args:
        config: Configuration, of which `[data]` and `train.seed` are used.
        by_source: True = held-out validation pairs have no source in common with the training pairs, as in early
            versions of regard; False = they have no target in common, either, if possible.

    Returns:
        The text.

    Raises:
        ConfigError: No training text is named, or an option does not fit the text.
        DataError: A text cannot be read or used.
    """
    data = config.data
    entries = corpus_entries(data)
    if not entries:
        raise ConfigError("data.src: expected the file of the training text's source side, got none: give --src FILE")
    corpora, notes, warnings, num_units = [], [], [], 0
    for entry in entries:
        text = _read(entry)
        pairs = _numbered(text, before=num_units)
        num_units += len(text.pairs) + text.num_empty + (text.num_faults if _is_numbered_by_line(text) else 0)
        notes += reading_notes(entry.src, text, len(text.pairs), summary=bool(data.corpora))
        warnings += _language_warnings(entry, text)
        corpora.append(TrainingCorpus(entry, text.name, pairs))
    digests = {f"corpus.{i}": hash_pairs(corpus.pairs) for i, corpus in enumerate(corpora, 1) if data.corpora}
    if data.val_src is None:
        total = sum(len(corpus.pairs) for corpus in corpora)
        corpora, val = _hold_out(corpora, config.train.seed, by_source=by_source)
        notes.append(f"{len(val)} of the {total} pairs are held out for validation")
        notes += [] if by_source else _leftover_notes(corpora, val, total)
    else:
        entry = _validation_entry(data, data.val_src)
        text = _read(entry)
        val = text.pairs
        check_target_tags(data, val)
        warnings += _language_warnings(entry, text)
    corpora = _weighted(corpora, data.temperature)
    train = [pair for corpus in corpora for pair in corpus.pairs]
    digests |= {"train": hash_pairs(train), "val": hash_pairs(val)}
    notes += mismatch_warnings(train, val)
    return TrainingText(tuple(corpora), val, num_units, tuple(notes), digests, tuple(warnings))


def corpus_entries(data: DataConfig) -> tuple[CorpusConfig, ...]:
    """The corpora of a configuration, each with the options about reading that `[data]` sets for all.

    Args:
        data: The section `[data]`.

    Returns:
        The entries of `data.corpora`; a single entry for `data.src`; empty if neither is set. If the corpora have
        several target languages, the tag of each corpus begins with that of its target language, such as `>>fr<<`, and
        a space separates two tags.
    """
    shared = {name: getattr(data, name) for name in _SHARED_OPTIONS}
    if not data.corpora:
        return () if data.src is None else (CorpusConfig(src=data.src, tgt=data.tgt, **shared),)
    entries = tuple(
        entry.model_copy(update={name: value for name, value in shared.items() if getattr(entry, name) is None})
        for entry in data.corpora
    )
    return tuple(map(_with_target_tag, entries)) if data.has_target_tags else entries


def _with_target_tag(entry: CorpusConfig) -> CorpusConfig:
    """The entry with the tag of its target language before its own tag, unless that names the language."""
    tags = split_tags(entry.tag)
    if entry.langs is None or any(tagged_language(tag) is not None for tag in tags):
        return entry
    return entry.model_copy(update={"tag": " ".join([language_tag(parse_direction(entry.langs)[1]), *tags])})


def read_options(entry: CorpusConfig) -> ReadOptions:
    """Converts the options of a corpus to options of the function that reads its files.

    Args:
        entry: Options of the corpus.

    Returns:
        The options, with defaults for those that are not set.
    """
    return ReadOptions(
        langs=None if entry.langs is None else parse_direction(entry.langs),
        encoding=entry.encoding,
        columns=entry.columns,
        on_error=entry.on_error or "stop",
        include_fuzzy=bool(entry.include_fuzzy),
        accelerators=bool(entry.accelerators),
    )


def hash_pairs(pairs: Iterable[Pair]) -> str:
    """SHA-256 of the text of sentence pairs, in hexadecimal."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.src}\t{pair.tgt}\n".encode())
    return digest.hexdigest()


def read_validation(data: DataConfig) -> list[Pair]:
    """Reads the validation text that is named in the section `[data]`.

    Args:
        data: The section, in which `val_src` is set.

    Returns:
        The pairs.

    Raises:
        DataError: The text cannot be read or used.
    """
    pairs = _read(_validation_entry(data, data.val_src or "")).pairs
    check_target_tags(data, pairs)
    return pairs


def check_target_tags(data: DataConfig, val: Sequence[Pair]) -> None:
    """Checks that each validation source begins with a language tag, if the training has several target languages.

    Args:
        data: The section `[data]`.
        val: The validation pairs.

    Raises:
        DataError: A source does not begin with the tag of its target language, such as `>>fr<<`.
    """
    if not data.has_target_tags:
        return
    missing = next((pair for pair in val if tagged_language(pair.src.partition(" ")[0]) is None), None)
    if missing is not None:
        raise DataError(
            f"{data.val_src}:{missing.line}: expected a source that begins with the tag of its target language, such "
            f"as >>fr<<, since the training text has several target languages, got {missing.src[:60]!r}: add the tags, "
            "or leave out the validation text, so that some pairs of each corpus are held out instead"
        )


def _validation_entry(data: DataConfig, src: str) -> CorpusConfig:
    """Options of the validation text: those of the training text, but its format only if the number of files fits."""
    form = FORMATS.get(data.format or "")
    fits = form is not None and form.num_files == (1 if data.val_tgt is None else 2)
    shared = {name: getattr(data, name) for name in _SHARED_OPTIONS} | {"format": data.format if fits else None}
    return CorpusConfig(src=src, tgt=data.val_tgt, **shared)


def _read(entry: CorpusConfig) -> PairFile:
    return read_pairs(entry.src, entry.tgt, read_options(entry), format=entry.format)


def _language_warnings(entry: CorpusConfig, text: PairFile) -> list[str]:
    """Warnings if the languages of a text are not those that the configuration says."""
    warnings = text.warnings or swapped_languages_warning(read_options(entry).langs, text.pairs)
    return [f"{text.name}: {warning}" for warning in warnings]


def _numbered(text: PairFile, *, before: int) -> list[Pair]:
    """The pairs with their numbers in the whole training text; `before` pairs of other corpora precede them.

    A file with word links has the links of a pair in the line with this number. In the formats `plain` and `moses`, a
    line that could not be read is counted, too.
    """
    if _is_numbered_by_line(text):
        numbers = [before + pair.line for pair in text.pairs]
    else:
        numbers = [before + row + 1 for row in text.rows]
    return [
        pair if pair.line == number else Pair(pair.src, pair.tgt, number)
        for number, pair in zip(numbers, text.pairs, strict=True)
    ]


def _is_numbered_by_line(text: PairFile) -> bool:
    return text.format in ("plain", "moses")


def reading_notes(src: str, text: PairFile, num_pairs: int, *, summary: bool) -> list[str]:
    """Describes for the user what was read from the files of a corpus, and what was left out.

    Args:
        src: Path of the file, or of the source file if there are two.
        text: The text that was read; its attribute `pairs` is not used.
        num_pairs: Number of pairs with text on both sides.
        summary: True = always give the number of pairs and the format; False = give them unless the format is `plain`
            or `tsv`.

    Returns:
        Sentences for the user.
    """
    notes = []
    if summary or text.format not in ("plain", "tsv"):
        languages = " and ".join(sorted(text.languages))
        shape = f"{text.format}, {languages}" if languages else text.format
        notes.append(f"{text.name}: {counted(num_pairs, 'sentence pair')} read ({shape})")
    if text.num_empty:
        notes.append(f"{src}: left out {counted(text.num_empty, 'pair')} with an empty side")
    if text.left_out:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in text.left_out.most_common())
        notes.append(f"{src}: left out {counted(text.left_out.total(), 'unit')} ({reasons})")
    if text.num_faults:
        notes.append(f"{src}: left out {counted(text.num_faults, 'faulty unit')}; the first: {text.faults[0]}")
    if text.num_wide_rows:
        lines = "1 line has" if text.num_wide_rows == 1 else f"{text.num_wide_rows:,} lines have"
        notes.append(f"{src}: {lines} more than two columns, of which the first two are read")
    return notes


def _hold_out(
    corpora: Sequence[TrainingCorpus], seed: int, *, by_source: bool
) -> tuple[list[TrainingCorpus], list[Pair]]:
    """Holds out pairs of the corpora without a tag, or of all if each has one: a tag often marks artificial text."""
    has_untagged = any(not marks_origin(corpus.entry.tag) for corpus in corpora)
    eligible = [corpus for corpus in corpora if not (has_untagged and marks_origin(corpus.entry.tag))]
    sources = list(dict.fromkeys(pair.src for corpus in eligible for pair in corpus.pairs))
    if len(sources) < 2:
        raise DataError(
            f"expected at least 2 different source sentences, one to train on and one to validate with, but got "
            f"{len(sources)}: give more text, or a validation set with --val-src and --val-tgt"
        )
    count = min(MAX_HELD_OUT, max(1, round(HELD_OUT_SHARE * len(sources))))
    ranked = [sources[i] for i in np.random.default_rng(seed).permutation(len(sources))]
    every = [pair for corpus in corpora for pair in corpus.pairs]
    not_eligible = {pair.src for corpus in corpora if corpus not in eligible for pair in corpus.pairs}
    chosen = [] if by_source else choose_unshared(every, [src for src in ranked if src not in not_eligible], count)
    drawn = set(chosen or ranked[:count])
    val: list[Pair] = []
    for index, corpus in enumerate(corpora):
        rest, held_out = hold_out(corpus.pairs, lambda _: drawn)
        corpora = [*corpora[:index], replace(corpus, pairs=rest), *corpora[index + 1 :]]
        val += replace(corpus, pairs=held_out).tagged() if corpus in eligible else []
    return list(corpora), val


def _leftover_notes(corpora: Sequence[TrainingCorpus], val: Sequence[Pair], total: int) -> list[str]:
    """Notes if validation and training text could not be separated without a loss."""
    notes = []
    num_lost = total - len(val) - sum(len(corpus.pairs) for corpus in corpora)
    if num_lost:
        notes.append(f"left out {counted(num_lost, 'pair')} of corpora with a tag, whose source is held out")
    targets = {pair.tgt for corpus in corpora for pair in corpus.pairs}
    count = sum(pair.tgt in targets for pair in val)
    if count:
        notes.append(
            f"the targets of {count} validation pairs are training targets, too, since nearly all sentences share "
            "translations, so that validation overestimates the quality: give validation text of its own"
        )
    return notes


def _weighted(corpora: Sequence[TrainingCorpus], temperature: float | None) -> list[TrainingCorpus]:
    entries, sizes = [corpus.entry for corpus in corpora], [len(corpus.pairs) for corpus in corpora]
    weights = corpus_weights(entries, sizes, temperature)
    return [replace(corpus, weight=weight) for corpus, weight in zip(corpora, weights, strict=True)]


def corpus_weights(entries: Sequence[CorpusConfig], sizes: Sequence[int], temperature: float | None) -> list[float]:
    """Computes the weights of corpora: those of their options, or weights by size if a temperature is given.

    Args:
        entries: Options of the corpora.
        sizes: Number of training pairs of each.
        temperature: The option `data.temperature`; None = each corpus has the weight of its options, by default 1.

    Returns:
        For each corpus, the mean number of times that an epoch contains each of its pairs.

    Raises:
        ConfigError: No product of a weight and a size is at least 1, so an epoch would have no sentence pair.
    """
    if temperature is None:
        weights = [entry.weight or 1.0 for entry in entries]
        if not any(weight * size >= 1 for weight, size in zip(weights, sizes, strict=True)):
            products = ", ".join(f"{weight:g} x {size:,}" for weight, size in zip(weights, sizes, strict=True))
            raise ConfigError(
                "data.corpora: expected a corpus whose weight times its number of sentence pairs is at least 1, got "
                f"{products}: raise a weight"
            )
        return weights
    # Rounded, so that the last bit of a power, which depends on the machine, changes no batch.
    return [round((max(sizes) / max(1, size)) ** (1 - 1 / temperature), 4) for size in sizes]
