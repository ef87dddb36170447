"""How a command names a corpus, its weight and its languages: `a.tmx`, `a.en,a.fr`, `b.tsv.gz:2.0`, `en-fr=c.tmx`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from regard.errors import ConfigError
from regard.text.languages import parse_direction

_WEIGHT = re.compile(r"(?P<name>.+):(?P<weight>\d+(\.\d*)?|\.\d+)", re.DOTALL)


class NamedCorpus(NamedTuple):
    """A corpus as it was named on the command line.

    Attributes:
        src: File with both languages, or with the source sentences.
        tgt: File with the target sentences; None = `src` has both languages.
        weight: Weight of the corpus; None = not given.
    """

    src: str
    tgt: str | None = None
    weight: float | None = None


def split_languages(text: str) -> tuple[str | None, str]:
    """Separates the languages of a corpus from its name.

    Args:
        text: Value of an option: the name of a corpus, perhaps after its languages and an equals sign.

    Returns:
        Source and target language, None if they are not given or the whole text names a file; and the name.

    >>> split_languages("en-fr=news.tmx:2"), split_languages("a=b.tsv")
    (('en-fr', 'news.tmx:2'), (None, 'a=b.tsv'))
    """
    langs, separator, name = text.partition("=")
    if not separator or _names_files(text):
        return None, text
    try:
        return "-".join(parse_direction(langs)), name
    except ConfigError:
        return None, text


def parse_corpus(text: str) -> NamedCorpus:
    r"""Parses the name of a corpus: `FILE` or `SRC,TGT`, followed by `:WEIGHT` if it has a weight.

    Names of files may contain commas and colons, as on Windows: a comma divides two files unless there is a file of the
    whole name, and the number after the last colon is a weight unless there is such a file.

    Args:
        text: Value of an option.

    Returns:
        Files and weight. Whether the files exist is not checked.

    Raises:
        ConfigError: The value is empty, the text after a file and a colon is not a weight, or the value can be read in
            two ways, since files of both names exist.

    >>> parse_corpus("train.en,train.fr:0.5")
    NamedCorpus(src='train.en', tgt='train.fr', weight=0.5)
    >>> parse_corpus(r"C:\data\memory.tmx")
    NamedCorpus(src='C:\\data\\memory.tmx', tgt=None, weight=None)
    """
    match = _WEIGHT.fullmatch(text)
    whole = _names_files(text)
    name, colon, weight = text.rpartition(":")
    if match is None and colon and not whole and _names_files(name):
        raise ConfigError(
            f"--corpus {text}: expected a weight such as 0.5 or 2 after the colon, got {weight!r}: correct it, or "
            "leave it out"
        )
    if match is None or (whole and not _names_files(match["name"])):
        return NamedCorpus(*_sides(text))
    if whole:
        raise ConfigError(
            f"--corpus {text}: expected one corpus, but there are files named {text!r} and {match['name']!r}: for the "
            f"former, write {text}:1, with a weight; for the latter, rename one of them"
        )
    return NamedCorpus(*_sides(match["name"]), float(match["weight"]))


def _names_files(name: str) -> bool:
    """Whether a name, or each of two names divided by a comma, is that of a file or directory."""
    return _exists(name) or any(_exists(src) and _exists(tgt) for src, tgt in _divisions(name))


def _sides(name: str) -> tuple[str, str | None]:
    if not name:
        raise ConfigError("--corpus: expected FILE, or SRC,TGT, got an empty name (is a shell variable unset?)")
    divisions = _divisions(name)
    if _exists(name) or not divisions:
        return name, None
    existing = [sides for sides in divisions if all(map(_exists, sides))]
    if len(existing) == 1 or (not existing and len(divisions) == 1):
        return (existing or divisions)[0]
    problem = "more than one way to divide it names two files" if existing else "no way to divide it names two files"
    raise ConfigError(
        f"--corpus {name}: expected the names of two files with a comma between, but {problem}: for names with commas, "
        "use [[data.corpora]] in a configuration file"
    )


def _divisions(name: str) -> list[tuple[str, str]]:
    commas = [index for index, sign in enumerate(name) if sign == ","]
    sides = [(name[:index], name[index + 1 :]) for index in commas]
    return [(src, tgt) for src, tgt in sides if src and tgt]


def _exists(name: str) -> bool:
    try:
        return name == "-" or (name != "" and Path(name).exists())
    except (OSError, ValueError):  # too long for the file system, or with a NUL character
        return False
