"""What `regard data prepare` reads and prints."""

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
        config: Configuration with the text and the options of its preparation.
        directory: Directory of the prepared text.
        subwords: The vocabularies that it must have; None = any.

    Raises:
        CheckpointError: A file is damaged.
        DataError: There is no such text, or its files have changed.
    """
    if find_prepared(config, directory, subwords=subwords, by_content=True) is None:
        raise DataError(
            f"{directory}: expected text prepared from these files with these options, found none or another: leave "
            "out --check to prepare it"
        )


def prepared_summary(text: PreparedText) -> list[str]:
    """Describes prepared text.

    Args:
        text: The text.

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
