"""Text of a recipe (back-translation or distillation) as plain files: real pairs, validation pairs, other text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from regard.config.schema import Config, DataConfig
from regard.errors import ConfigError, DataError
from regard.files.atomic import make_directory, sha256, write_file
from regard.recipes.guided_links import ALIGNER, needs_links
from regard.recipes.prepared_sources import file_states
from regard.recipes.training_text import corpus_entries, read_training_text
from regard.text.languages import parse_direction
from regard.text.normalize import normalize
from regard.text.readers import read_lines
from regard.values import Pair

MAX_CHARACTERS = 1000
"""Longest line of monolingual text that is translated; longer ones are seldom sentences."""


@dataclass(frozen=True)
class TextFiles:
    """Paths of the text files of a recipe (back-translation or distillation): normalized text, a sentence per line.

    Attributes:
        directory: The directory that contains the files.
    """

    directory: Path

    @property
    def train(self) -> tuple[Path, Path]:
        """Paths of the source and the target file of the real (not synthetic) training pairs."""
        return self.directory / "train.src", self.directory / "train.tgt"

    @property
    def val(self) -> tuple[Path, Path]:
        """Paths of the source and the target file of the validation pairs."""
        return self.directory / "val.src", self.directory / "val.tgt"

    @property
    def mono(self) -> Path:
        """Path of the file with monolingual text."""
        return self.directory / "mono"

    def data(self, train: tuple[Path, Path], config: DataConfig, *, swapped: bool = False) -> DataConfig:
        """Makes the section `[data]` of a training, which names a training text and the validation pairs.

        Args:
            train: Paths of the source and the target file of the training pairs.
            config: The section that the user gave; its languages and largest length are kept.
            swapped: Whether to train from the target to the source language.

        Returns:
            The section.
        """
        order = -1 if swapped else 1
        src, tgt = (str(path) for path in train[::order])
        val_src, val_tgt = (str(path) for path in self.val[::order])
        langs = config.langs
        if langs is not None and swapped:
            langs = "-".join(parse_direction(langs)[::-1])
        return DataConfig(
            src=src, tgt=tgt, val_src=val_src, val_tgt=val_tgt, langs=langs, max_len=config.max_len, format="plain"
        )


def check_recipe_text(config: Config) -> None:
    """Checks that a configuration names exactly one corpus, and no file of word links, as recipes need.

    Args:
        config: The configuration that the user gave for back-translation or distillation.

    Raises:
        ConfigError: It names no corpus, several corpora, or a file of word links, which would not fit the pairs that a
            recipe makes.
    """
    train = config.train
    if needs_links(train) and train.guided_file not in (None, ALIGNER):
        raise ConfigError(
            f"train.guided_file = {train.guided_file!r}: back-translation and distillation train on other pairs than "
            f"those of this file of word links: leave train.guided_file out, or set it to {ALIGNER!r}; in a "
            "distillation, --guided takes the links from the teacher"
        )
    if config.data.corpora:
        raise ConfigError(
            "data.corpora: back-translation and distillation read one corpus, which data.src names: join the corpora "
            "in one file, for example with `regard data convert`, and give it with --src"
        )
    if config.data.src is None:
        raise ConfigError(
            "--src: expected a file of sentence pairs, got none: give --src FILE, and --tgt FILE if the targets are in "
            "another file"
        )


def text_fingerprint(config: Config, *more: Path) -> list[str]:
    """Lists all that determines the text of a recipe: hashes of its files, options of reading, and the seed.

    Args:
        config: The configuration, of which `[data]` and `train.seed` are used.
        *more: Further files that the recipe reads, such as monolingual text.

    Returns:
        SHA-256 of each file, then the options of reading and the seed as text.

    Raises:
        DataError: A file is missing.
    """
    files = [Path(path) for path, _, _ in file_states(corpus_entries(config.data))]
    data = config.data
    files += [Path(path) for path in (data.val_src, data.val_tgt) if path is not None]
    for path in more:
        if not path.is_file():
            raise DataError(f"{path}: expected a text file, found none: check the path")
    hashes = [sha256(path) for path in (*files, *more)]
    reading = data.model_dump(exclude={"src", "tgt", "val_src", "val_tgt", "prepared", "max_len"})
    return [*hashes, repr(sorted(reading.items())), str(config.train.seed)]


def write_real_text(config: Config, files: TextFiles) -> tuple[list[str], list[Pair]]:
    """Writes the user's (real, not synthetic) training pairs and the validation pairs to plain text files.

    Validation pairs are held out of the training pairs if the configuration names no validation text.

    Args:
        config: The configuration.
        files: The files to write.

    Returns:
        Sentences for the user, and the validation pairs.

    Raises:
        DataError: A text cannot be read or used.
        CheckpointError: A file cannot be written.
    """
    text = read_training_text(config)
    make_directory(files.directory)
    pairs = list(text.pairs())
    for paths, part in ((files.train, pairs), (files.val, list(text.val))):
        write_lines(paths[0], (pair.src for pair in part))
        write_lines(paths[1], (pair.tgt for pair in part))
    notes = [*text.notes, *(f"warning: {warning}" for warning in text.warnings)]
    return notes, list(text.val)


def write_mono_text(sources: Sequence[Path], files: TextFiles, excluded: Iterable[str]) -> str:
    """Writes the distinct lines of monolingual text, without sentences of the validation text.

    Args:
        sources: Text files, one sentence per line, perhaps compressed.
        files: The files to write.
        excluded: Normalized sentences to leave out.

    Returns:
        A sentence for the user about what was left out.

    Raises:
        DataError: A file cannot be read, or nothing is left.
    """
    without = set(excluded)
    counts = {"read": 0, "kept": 0, "excluded": 0, "long": 0}

    def lines() -> Iterator[str]:
        seen: set[int] = set()
        for line in _lines(sources):
            text = normalize(line)
            counts["read"] += 1
            if text in without:
                counts["excluded"] += 1
            elif len(text) > MAX_CHARACTERS:
                counts["long"] += 1
            elif text and hash(text) not in seen:
                seen.add(hash(text))
                counts["kept"] += 1
                yield text

    write_lines(files.mono, lines())
    if not counts["kept"]:
        raise DataError(
            f"{sources[0]}: expected monolingual sentences of at most {MAX_CHARACTERS:,} characters that are not in "
            "the validation text, found none: give other monolingual text"
        )
    repeated = counts["read"] - counts["kept"] - counts["excluded"] - counts["long"]
    return (
        f"monolingual text: {counts['kept']:,} sentences; left out {counts['excluded']:,} of the validation text, "
        f"{repeated:,} empty or repeated, {counts['long']:,} longer than {MAX_CHARACTERS:,} characters"
    )


def _lines(sources: Sequence[Path]) -> Iterator[str]:
    for path in sources:
        yield from read_lines(path)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Writes lines to a text file atomically: an error leaves no incomplete file.

    Args:
        path: The file.
        lines: Its lines, without line ends.

    Raises:
        CheckpointError: The file cannot be written.
    """

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)

    write_file(path, write)


def count_lines(path: Path) -> tuple[int, int]:
    """Number of lines, and of characters without line ends, of a text file that `write_lines` wrote."""
    num_lines = num_characters = 0
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            num_lines += 1
            num_characters += len(line) - 1
    return num_lines, num_characters


def text_lines(path: Path) -> list[str]:
    """The lines of a text file that `write_lines` wrote."""
    with path.open(encoding="utf-8", newline="\n") as file:
        return [line.rstrip("\n") for line in file]
