"""Splitting: no sentence of either side is in two parts, and the same seed gives the same parts."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.cleaning.keys import text_key
from regard.data.cleaning.source import CorpusSource
from regard.data.cleaning.split import PARTS, SplitReport, split
from regard.data.cleaning.summary import split_summary
from regard.data.corpora.unit import ReadOptions
from regard.data.linked_groups import linked_groups
from regard.errors import ConfigError, DataError


def corpus(directory: Path, rows: list[str]) -> CorpusSource:
    path = directory / "corpus.tsv"
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return CorpusSource(path, None, ReadOptions(langs=("en", "fr")))


def split_rows(source: CorpusSource, directory: Path, val: int, test: int, seed: int = 1) -> SplitReport:
    return split(source, directory, {"test": test, "val": val}, format="tsv", seed=seed)


def part(directory: Path, name: str) -> list[str]:
    return (directory / f"{name}.tsv").read_text(encoding="utf-8").splitlines()


def crossed(number: int, seed: int = 0) -> list[str]:
    """Pairs of which many share a source or a target, with small differences in case and punctuation."""
    rng = random.Random(seed)
    ends = ["", ".", " !", "?"]
    return [
        f"{rng.choice(['Source', 'source'])} {rng.randrange(number)}{rng.choice(ends)}\t"
        f"target {rng.randrange(2 * number)}{rng.choice(ends)}"
        for _ in range(number)
    ]


def test_no_sentence_is_in_two_parts_and_no_pair_is_lost(tmp_path: Path) -> None:
    rows = crossed(2000)
    report = split_rows(corpus(tmp_path, rows), tmp_path / "parts", 100, 150)
    parts = {name: part(tmp_path / "parts", name) for name in PARTS}
    assert sorted(row for name in PARTS for row in parts[name]) == sorted(rows)
    assert {name: len(parts[name]) for name in PARTS} == report.sizes == {"train": 1750, "val": 100, "test": 150}
    for side in (0, 1):
        keys = {name: {text_key(row.split("\t")[side]) for row in parts[name]} for name in PARTS}
        assert not keys["train"] & keys["val"]
        assert not keys["train"] & keys["test"]
        assert not keys["val"] & keys["test"]
    for name in PARTS:  # in the order of the corpus
        numbers = [rows.index(row) for row in dict.fromkeys(parts[name])]
        assert numbers == sorted(numbers)


def test_the_seed_decides(tmp_path: Path) -> None:
    source = corpus(tmp_path, crossed(500))
    for directory, seed in (("a", 1), ("b", 1), ("c", 2)):
        split_rows(source, tmp_path / directory, 20, 20, seed)
    assert part(tmp_path / "a", "test") == part(tmp_path / "b", "test") != part(tmp_path / "c", "test")


def test_the_order_of_the_corpus_does_not_matter(tmp_path: Path) -> None:
    rows = list(dict.fromkeys(crossed(500)))
    split_rows(corpus(tmp_path, rows), tmp_path / "a", 20, 20)
    split_rows(corpus(tmp_path, rows[::-1]), tmp_path / "b", 20, 20)
    assert sorted(part(tmp_path / "a", "test")) == sorted(part(tmp_path / "b", "test"))


def test_what_cannot_be_reached_is_reported(tmp_path: Path) -> None:
    rows = [f"same\ttarget {number}" for number in range(90)] + [f"{n}\tother {n}" for n in "abcdefghij"]
    source = corpus(tmp_path, rows)
    report = split_rows(source, tmp_path / "parts", 5, 8)
    assert report.sizes == {"train": 90, "val": 2, "test": 8}
    assert (report.num_groups, report.largest_group) == (11, 90)
    text = "\n".join(split_summary(report, source.name, tmp_path))
    assert "3 fewer than requested" in text
    assert text.count("fewer") == 1


def test_a_large_group_does_not_fill_a_small_part(tmp_path: Path) -> None:
    rows = [f"same\ttarget {number}" for number in range(50)] + [f"a{n}\tb{n}" for n in range(500)]
    for seed in range(20):
        split_rows(corpus(tmp_path, rows), tmp_path / f"parts{seed}", 0, 60, seed)
        assert not any(row.startswith("same") for row in part(tmp_path / f"parts{seed}", "test"))


def test_empty_sides_are_left_out_and_link_nothing(tmp_path: Path) -> None:
    rows = [*(f"a{n}\tb{n}" for n in range(10)), "c\t", "d\t ", "\te", "\t"]
    report = split_rows(corpus(tmp_path, rows), tmp_path / "parts", 3, 3)
    assert (report.num_pairs, report.num_empty, report.num_groups) == (10, 4, 10)


def test_too_few_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"more pairs than the 4 .*found 4"):
        split_rows(corpus(tmp_path, ["a\tb", "c\td", "e\tf", "g\th"]), tmp_path / "parts", 2, 2)
    assert list((tmp_path / "parts").iterdir()) == []


def test_the_input_is_not_overwritten(tmp_path: Path) -> None:
    source = corpus(tmp_path, ["a\tb", "c\td"])
    source.src.rename(tmp_path / "train.tsv")
    source = CorpusSource(tmp_path / "train.tsv", None, source.options)
    with pytest.raises(DataError, match="both input and output"):
        split_rows(source, tmp_path, 1, 0)


def test_existing_parts_are_replaced_only_on_request(tmp_path: Path) -> None:
    source = corpus(tmp_path, crossed(100))
    (tmp_path / "parts").mkdir()
    old = tmp_path / "parts" / "test.tsv"
    old.write_text("mine\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"expected no files of an earlier split, found test\.tsv: .*--overwrite"):
        split_rows(source, tmp_path / "parts", 10, 10)
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["test.tsv"]
    assert old.read_text(encoding="utf-8") == "mine\n"
    split(source, tmp_path / "parts", {"test": 10, "val": 10}, format="tsv", overwrite=True)
    assert len(part(tmp_path / "parts", "test")) == 10


def test_a_corpus_that_changes_is_refused(tmp_path: Path) -> None:
    source = corpus(tmp_path, crossed(100))

    def grow(stage: str, done: int, fraction: float | None) -> None:
        raise AssertionError("the corpus is too small for a report")

    units = source.first_units(tmp_path / "copy", grow)
    assert len(list(units)) == 100
    corpus(tmp_path, crossed(90))
    with pytest.raises(DataError, match="changed while it was read"):
        source.reader()


def slow_groups(pairs: list[tuple[int, int]]) -> list[set[int]]:
    """Groups of linked pairs, by repeated merging."""
    groups = [{index} for index in range(len(pairs))]
    for first, left in enumerate(pairs):
        for second, right in enumerate(pairs[:first]):
            if left[0] == right[0] or left[1] == right[1]:
                merged = next(group for group in groups if first in group)
                other = next(group for group in groups if second in group)
                if merged is not other:
                    groups.remove(other)
                    merged |= other
    return groups


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=12))
def test_groups_are_those_of_repeated_merging(pairs: list[tuple[int, int]]) -> None:
    src, tgt = np.array(pairs, np.uint64).T
    numbers = linked_groups(src, tgt)
    groups = [set(np.flatnonzero(numbers == number).tolist()) for number in range(numbers.max() + 1)]
    assert sorted(map(sorted, groups)) == sorted(map(sorted, slow_groups(pairs)))
    assert [min(group) for group in groups] == sorted(min(group) for group in groups)


def test_parts_of_another_split_do_not_stay_beside_the_new_ones(tmp_path: Path) -> None:
    source, parts = corpus(tmp_path, crossed(200)), tmp_path / "parts"
    split(source, parts, {"test": 5, "val": 5}, format="plain")
    old = {path.name: path.read_bytes() for path in parts.iterdir()}
    with pytest.raises(ConfigError, match=r"files of an earlier split, found test\.en, .*val\.fr: .* remove them"):
        split_rows(source, parts, 5, 5)
    assert {path.name: path.read_bytes() for path in parts.iterdir()} == old
    split(source, parts, {"test": 5, "val": 5}, format="plain", seed=2, overwrite=True)
