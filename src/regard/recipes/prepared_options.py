"""What determines prepared text besides its files: the options of reading, holding out and encoding."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from regard.config.derive import derive
from regard.config.resolved import DerivedConfig
from regard.config.schema import Config, CorpusConfig
from regard.data.prepared.manifest import CorpusSummary
from regard.data.prepared.text_part import PART_SIZE

VERSION = 1
"""Version of what is written, raised if normalization, holding out or encoding changes."""
_READING = ("format", "langs", "encoding", "columns", "on_error", "include_fuzzy", "accelerators", "tag", "weight")

Options = dict[str, object]


def derive_options(config: Config, corpora: Sequence[CorpusSummary]) -> tuple[DerivedConfig, list[str]]:
    """Derives the options that depend on the size of the text.

    Args:
        config: Configuration.
        corpora: The corpora.

    Returns:
        The complete configuration, and a note for the user per derived option.
    """
    src, tgt = (round(sum(corpus.weight * corpus.num_chars[side] for corpus in corpora)) for side in (0, 1))
    num_pairs = sum(corpus.num_texts for corpus in corpora)
    return derive(config, num_pairs=num_pairs, num_src_chars=src, num_tgt_chars=tgt)


def text_options(config: DerivedConfig, entries: Sequence[CorpusConfig], given: Sequence[str] = ()) -> Options:
    """What determines the prepared text, besides the files.

    Args:
        config: Complete configuration.
        entries: The corpora.
        given: Hashes of source and target vocabulary if they are given; empty = they are learned.

    Returns:
        Values as they are read from JSON, by name.
    """
    learned = {"kind": config.subword.kind, "vocab_size": config.subword.vocab_size}
    options: Options = {
        "version": VERSION,
        "part_size": PART_SIZE,
        "reading": [{name: getattr(entry, name) for name in _READING} for entry in entries],
        "temperature": config.data.temperature,
        "holds_out": config.data.val_src is None,
        "seed": config.train.seed,
        "max_len": config.data.max_len,
        "shared": config.subword.shared,
        "vocabulary": {"given": list(given)} if given else learned,
        "with_text": config.subword.sample_alpha > 0,
    }
    plain: Options = json.loads(json.dumps(options))
    return plain


def covers(prepared: Mapping[str, object], options: Options) -> bool:
    """Whether prepared text has all that a training wants of it.

    Args:
        prepared: Options in the manifest of the text. A given vocabulary is used in place of the one that the training
            asks for, and stored text does no harm.
        options: Options of the training.

    Returns:
        True if it can be used.
    """
    options = dict(options)
    vocabulary = prepared.get("vocabulary")
    if isinstance(vocabulary, dict) and "given" in vocabulary:
        options["vocabulary"] = vocabulary
    if prepared.get("with_text"):
        options["with_text"] = True
    return dict(prepared) == options
