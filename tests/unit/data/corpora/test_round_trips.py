"""Conversion from every format into every other keeps each pair that the target can hold."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.data.corpora.convert import Conversion, convert
from regard.data.corpora.formats import open_corpus
from regard.data.corpora.unit import ReadOptions, Unit, UnitReader
from regard.data.corpora.writers import OUTPUT_FORMATS, open_writer, output_paths
from regard.errors import DataError

LANGS = ("en", "fr")
OPTIONS = ReadOptions(langs=LANGS)
FORMATS = sorted(OUTPUT_FORMATS)
FIRST = ("Text before, since control characters alone look like UTF-16.", "Du texte avant.")
Pairs = list[tuple[str, str]]
WORDS = st.sampled_from(
    [
        "a",
        "é",
        "日本",
        "🙂",
        " ",
        "  ",
        "&amp;",
        "&",
        "<b>",
        "]]>",
        '"',
        "'",
        "\\",
        "\\n",
        "|",
        "[",
        ",",
        ";",
        "_",
        "#",
        "%d",
    ]
)
BREAKS = st.sampled_from(
    ["\n", "\r", "\r\n", "\t", "\u2028", "\x85", "\x0b", "\x1f", "\x7f", "\ufeff", "\ufffe", "@-@"]
)


def texts(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(parts, max_size=5).map("".join)


def lists_of(src: st.SearchStrategy[str], tgt: st.SearchStrategy[str]) -> st.SearchStrategy[Pairs]:
    """Pairs with text on one side at least: readers take a row of spaces for an empty one."""
    return st.lists(st.tuples(src, tgt).filter(lambda pair: any(map(str.strip, pair))), min_size=1, max_size=8)


def write(directory: Path, format: str, pairs: Pairs) -> tuple[Path, ...]:
    path = directory / f"in.{format}"
    with open_writer(path, format, LANGS) as writer:
        for src, tgt in pairs:
            writer.write(Unit(src, tgt, 1))
    return output_paths(path, format, LANGS)


def open_paths(paths: tuple[Path, ...], format: str) -> UnitReader:
    return open_corpus(paths[0], paths[1] if len(paths) > 1 else None, OPTIONS, format)


def read(paths: tuple[Path, ...], format: str) -> Pairs:
    return [(unit.src, unit.tgt) for unit in open_paths(paths, format).units()]


def convert_pairs(directory: Path, source: str, target: str, pairs: Pairs) -> tuple[Pairs, Conversion]:
    paths = write(directory, source, pairs)
    reader = open_paths(paths, source)
    result = convert(reader, directory / f"out.{target}", format=target, langs=LANGS)
    return read(result.paths, target), result


@pytest.mark.parametrize(("source", "target"), list(product(FORMATS, FORMATS)))
@settings(max_examples=6, deadline=None)  # 81 pairs of formats, and each example syncs two files to disk
@given(pairs=lists_of(texts(WORDS), texts(WORDS).filter(bool)))
def test_pairs_without_control_characters_survive(
    tmp_path_factory: pytest.TempPathFactory, source: str, target: str, pairs: Pairs
) -> None:
    directory = tmp_path_factory.getbasetemp()
    found, result = convert_pairs(directory, source, target, pairs)
    assert found == pairs
    assert result.num_written == len(pairs) and not result.lost and not result.read.left_out


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=50, deadline=None)
@given(pairs=lists_of(texts(WORDS | BREAKS), texts(WORDS | BREAKS)))
def test_what_is_not_held_is_counted_and_all_else_is_kept(
    tmp_path_factory: pytest.TempPathFactory, format: str, pairs: Pairs
) -> None:
    pairs = [FIRST, *pairs]
    directory = tmp_path_factory.getbasetemp()
    paths = output_paths(directory / f"any.{format}", format, LANGS)
    with open_writer(directory / f"any.{format}", format, LANGS) as writer:
        for src, tgt in pairs:
            writer.write(Unit(src, tgt, 1))
    reader = open_paths(paths, format)
    found = [(unit.src, unit.tgt) for unit in reader.units()]
    num_untranslated = reader.report.left_out["untranslated"]
    assert len(found) == len(pairs) - num_untranslated
    assert num_untranslated == writer.lost["empty translations (untranslated entries)"]
    changed = [pair for pair in pairs if pair not in found]
    assert len(changed) <= sum(writer.lost.values())
    if not writer.lost:
        assert found == pairs
    again = write(directory, format, found) if found else ()
    assert not again or read(again, format) == [pair for pair in found if format != "po" or pair[1]]


def test_an_input_without_pairs_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.po").write_text('msgid "a"\nmsgstr ""\n\n#, fuzzy\nmsgid "b"\nmsgstr "c"\n')
    (tmp_path / "out.tsv").write_text("old\n")
    reader = open_corpus(tmp_path / "x.po")
    with pytest.raises(
        DataError, match=r"x\.po: expected sentence pairs, found none \(left out: untranslated \(1\), fuzzy"
    ):
        convert(reader, tmp_path / "out.tsv")
    assert (tmp_path / "out.tsv").read_text() == "old\n"


def test_the_summary_names_what_was_left_out_skipped_and_lost(tmp_path: Path) -> None:
    entries = (
        'msgid "a\\nb"\nmsgstr "c"',
        '#, fuzzy\nmsgid "b"\nmsgstr "c"',
        'msgid "d\nmsgstr "e"',
        'msgid "f"\nmsgstr "g"',
    )
    (tmp_path / "x.po").write_text("\n\n".join(entries))
    reader = open_corpus(tmp_path / "x.po", None, ReadOptions(on_error="skip"))
    result = convert(reader, tmp_path / "out.tsv", langs=("en", "fr"))
    assert (tmp_path / "out.tsv").read_text() == "a b\tc\nf\tg\n"
    assert result.summary("x.po").replace(str(tmp_path), "DIR").splitlines() == [
        "x.po: 2 pairs written to DIR/out.tsv (tsv)",
        "  left out: fuzzy (1)",
        "  faulty units skipped: 1, such as",
        f"    {reader.report.faults[0]}".replace(str(tmp_path), "DIR"),
        "  pairs that tsv cannot hold as they are: line breaks (replaced by spaces) (1)",
        "  tsv has no place for the languages",
    ]


def test_languages_that_nobody_named_are_not_lost(tmp_path: Path) -> None:
    paths = write(tmp_path, "tsv", [("a", "b")])
    for langs, lost in ((None, ""), (("en", "fr"), "the languages")):
        assert convert(open_corpus(paths[0]), tmp_path / "out.tsv", langs=langs).not_held == lost


def test_progress_is_reported(tmp_path: Path) -> None:
    pairs = [(f"a{number}", "b") for number in range(2500)]
    paths = write(tmp_path, "tsv", pairs)
    reports: list[tuple[int, float | None]] = []
    convert(
        open_corpus(paths[0]),
        tmp_path / "out.csv",
        progress=lambda done, fraction: reports.append((done, fraction)),
    )
    assert [done for done, _ in reports] == [1000, 2000]
    assert all(fraction is not None and 0 < fraction <= 1 for _, fraction in reports)
