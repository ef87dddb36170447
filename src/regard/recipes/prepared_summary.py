"""Functions of the command `regard data prepare`: loading vocabularies, checking hashes, and a summary."""

from __future__ import annotations

from pathlib import Path

from regard.config.schema import Config
from regard.errors import DataError
from regard.recipes.prepared_on_disk import describe_mixture
from regard.recipes.prepared_text import PreparedText, find_prepared
from regard.text.subword import Subword


def given_vocabularies(names: str) -> tuple[Subword, Subword]:
    """Loads vocabularies that the user named.

    Args:
        names: Path of a SentencePiece model for both languages, or two paths with a comma between them.

    Returns:
        Source and target vocabulary, the same object if one file is named.

    Raises:
        CheckpointError: A file cannot be read, or is not a vocabulary that regard can use.
    """
    src, comma, tgt = names.partition(",")
    if not comma or Path(names).exists():
        subword = Subword.load(names)
        return subword, subword
    return Subword.load(src), Subword.load(tgt)


def check_prepared(config: Config, directory: Path, subwords: tuple[Subword, Subword] | None) -> None:
    """Checks the hashes of all files of prepared text, and of the files that it was made from.

    Args:
        config: Configuration that names the text files and the options of preparing them.
        directory: Directory of the prepared text.
        subwords: The vocabularies that the prepared text must have; None = any.

    Raises:
        CheckpointError: A file is damaged.
        DataError: The directory contains no text that was prepared from these files, as they are now, with these
            options.
    """
    if find_prepared(config, directory, subwords=subwords, by_content=True) is None:
        raise DataError(
            f"{directory}: expected text prepared from these files with these options, found none, or text of other "
            "files or options: leave out --check to prepare the text"
        )


def prepared_summary(text: PreparedText) -> list[str]:
    """Describes prepared text for the user: its size, its corpora, what was left out, and how to train on it.

    Args:
        text: The prepared text.

    Returns:
        Lines for the user.
    """
    manifest = text.manifest
    size = sum(shard.size for shard in manifest.shards)
    lines = [
        f"{manifest.num_pairs:,} training pairs in {len(manifest.shards)} shards of {size / 1e6:,.1f} MB",
        f"{len(text.val):,} validation pairs",
        *manifest.notes,
        *(describe_mixture(text) if text.config.data.corpora else ()),
    ]
    if manifest.dropped:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in manifest.dropped.items())
        lines.append(f"not among the training pairs: {reasons}")
    return [*lines, f"train on it with --set data.prepared={text.directory}"]
