"""Reading files of word links: formats, bases and errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.errors import DataError
from regard.text.links import GoldLinks, check_not_empty, naacl, parse_pharaoh, read_links


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_possible_links_in_both_spellings() -> None:
    assert parse_pharaoh("0-0 1p2 3?4") == GoldLinks(((0, 0),), ((0, 0), (1, 2), (3, 4)))


def test_one_based_links() -> None:
    assert parse_pharaoh("1-1 2p3", base=1) == GoldLinks(((0, 0),), ((0, 0), (1, 2)))
    with pytest.raises(DataError, match=r"gold:3: expected word numbers that start at 1, got '0-1'"):
        parse_pharaoh("0-1", base=1, location="gold:3")


def test_a_zero_proves_that_links_are_zero_based(tmp_path: Path) -> None:
    path = write(tmp_path / "gold", "1-1\n2-0\n")
    assert [gold.sure for gold in read_links(path)] == [((1, 1),), ((2, 0),)]


def test_a_link_beyond_the_sentence_proves_that_links_are_one_based(tmp_path: Path) -> None:
    path = write(tmp_path / "gold", "1-1\n2-2\n")
    links = read_links(path, lengths=[(3, 3), (2, 2)])
    assert [gold.sure for gold in links] == [((0, 0),), ((1, 1),)]


def test_an_ambiguous_base_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "gold", "1-1\n2-2\n")
    for lengths in ((), [(3, 3), (3, 3)]):
        with pytest.raises(DataError, match=r"gold: no link contains a 0, .* --gold-base"):
            read_links(path, lengths=lengths)
    assert read_links(path, base=1)[1].sure == ((1, 1),)
    assert read_links(path, base=0)[1].sure == ((2, 2),)


def test_a_file_without_links_needs_no_base(tmp_path: Path) -> None:
    assert read_links(write(tmp_path / "gold", "\n\n")) == [GoldLinks((), ())] * 2


def test_links_beyond_the_sentence_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "gold", "0-0\n0-0 5-0\n")
    with pytest.raises(DataError, match=r"gold:2: link 5-0 .* 3 source and 2 target words"):
        read_links(path, lengths=[(1, 1), (3, 2)])
    with pytest.raises(DataError, match=r"links of 1 sentence pairs, got 2 lines"):
        read_links(path, lengths=[(1, 1)])


def test_naacl_round_trip(tmp_path: Path) -> None:
    sentences = [((0, 0), (2, 1)), (), ((1, 1),)]
    text = "\n".join(naacl(links, number) for number, links in enumerate(sentences, start=1))
    assert [gold.sure for gold in read_links(write(tmp_path / "gold", text))] == sentences


def test_naacl_sure_and_possible_links_and_the_empty_word(tmp_path: Path) -> None:
    path = write(tmp_path / "gold", "0001 1 1 S\n0001 2 1 P 0.5\n0001 0 2 S\n0003 1 2\n")
    links = read_links(path, lengths=[(2, 2)] * 4)
    assert links[0] == GoldLinks(((0, 0),), ((0, 0), (1, 0)))
    assert [gold.sure for gold in links[1:]] == [(), ((0, 1),), ()]
    with pytest.raises(DataError, match=r"gold:1: expected 1-based sentence numbers"):
        read_links(write(tmp_path / "gold", "0 1 1\n"))


def test_naacl_sentence_numbers_out_of_range_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "gold", "1 1 1\n9999999 1 1\n")
    with pytest.raises(
        DataError, match=r"gold:2: sentence number 9999999 is out of range: the file has links for only 2 pairs"
    ):
        read_links(path)
    with pytest.raises(DataError, match=r"gold:2: sentence number 9999999 is out of range: there are 2 sentence pairs"):
        read_links(path, lengths=[(1, 1), (1, 1)])


def test_naacl_pairs_without_links_share_one_object(tmp_path: Path) -> None:
    links = read_links(write(tmp_path / "gold", "1000 9999999 9999999\n"), num_pairs=2000)
    assert len(links) == 2000
    assert links[999].sure == ((9999998, 9999998),)
    assert len({id(gold) for gold in links}) == 2


def test_a_malformed_link_is_shortened_in_the_message(tmp_path: Path) -> None:
    path = write(tmp_path / "gold", "0-0 " + "e\u0301" * 100_000)
    with pytest.raises(DataError) as raised:
        read_links(path)
    assert len(str(raised.value)) < 300


def test_gold_files_without_links_are_refused(tmp_path: Path) -> None:
    for text in ("", "\n\n"):
        path = write(tmp_path / "gold", text)
        with pytest.raises(DataError, match="gold: expected gold links to compare with, found none in"):
            check_not_empty(read_links(path), path)
    check_not_empty([GoldLinks((), ()), GoldLinks((), ((0, 0),))], "gold")
