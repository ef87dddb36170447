"""The options that determine prepared text, besides its files: how they are read, held out and encoded."""

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
        config: Configuration, in which these options may be missing.
        corpora: Sizes and weights of the corpora.

    Returns:
        The complete configuration, and a note for the user per derived option.
    """
    src, tgt = (round(sum(corpus.weight * corpus.num_chars[side] for corpus in corpora)) for side in (0, 1))
    num_pairs = sum(corpus.num_texts for corpus in corpora)
    return derive(config, num_pairs=num_pairs, num_src_chars=src, num_tgt_chars=tgt)


def text_options(config: DerivedConfig, entries: Sequence[CorpusConfig], given: Sequence[str] = ()) -> Options:
    """Collects the options on which the content of prepared text depends, besides the text files.

    Args:
        config: Complete configuration.
        entries: Options of the corpora.
        given: Hashes of source and target vocabulary if the user named their files; empty = they are learned.

    Returns:
        The options by name, with values as they are read from JSON (lists in place of tuples).
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
    """Whether prepared text can be used by a training, because it was prepared with the same options.

    Two differences are allowed. If the text was prepared with vocabularies that the user named, a training that names
    none uses these vocabularies, and its own options about vocabularies have no effect. And the shards may contain the
    text of the pairs, even if the training needs only their subword ids.

    Args:
        prepared: Options that the text was prepared with, from its manifest.
        options: Options of the training, as from `text_options`.

    Returns:
        True if the training can use the text.
    """
    options = dict(options)
    vocabulary, own = prepared.get("vocabulary"), options["vocabulary"]
    is_given = [isinstance(value, dict) and "given" in value for value in (vocabulary, own)]
    if is_given == [True, False]:
        options["vocabulary"] = vocabulary
    if prepared.get("with_text"):
        options["with_text"] = True
    return dict(prepared) == options
