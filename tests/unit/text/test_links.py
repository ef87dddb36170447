"""Files of word links: forms, bases, and what is refused."""

from __future__ import annotations

import pytest

from regard.errors import DataError
from regard.text.links import GoldLinks, check_not_empty, naacl, parse_pharaoh, read_links


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_possible_links_in_both_spellings():
    assert parse_pharaoh("0-0 1p2 3?4") == GoldLinks(((0, 0),), ((0, 0), (1, 2), (3, 4)))


def test_counted_from_one():
    assert parse_pharaoh("1-1 2p3", base=1) == GoldLinks(((0, 0),), ((0, 0), (1, 2)))
    with pytest.raises(DataError, match=r"gold:3: expected words counted from 1, got '0-1'"):
        parse_pharaoh("0-1", base=1, place="gold:3")


def test_a_zero_shows_that_words_count_from_zero(tmp_path):
    path = write(tmp_path / "gold", "1-1\n2-0\n")
    assert [one.sure for one in read_links(path)] == [((1, 1),), ((2, 0),)]


def test_a_link_beyond_the_sentence_shows_that_words_count_from_one(tmp_path):
    path = write(tmp_path / "gold", "1-1\n2-2\n")
    found = read_links(path, lengths=[(3, 3), (2, 2)])
    assert [one.sure for one in found] == [((0, 0),), ((1, 1),)]


def test_an_open_base_is_demanded(tmp_path):
    path = write(tmp_path / "gold", "1-1\n2-2\n")
    for lengths in ((), [(3, 3), (3, 3)]):
        with pytest.raises(DataError, match=r"gold: no link has a 0, .* --gold-base"):
            read_links(path, lengths=lengths)
    assert read_links(path, base=1)[1].sure == ((1, 1),)
    assert read_links(path, base=0)[1].sure == ((2, 2),)


def test_nothing_linked_needs_no_base(tmp_path):
    assert read_links(write(tmp_path / "gold", "\n\n")) == [GoldLinks((), ())] * 2


def test_links_beyond_the_sentence_are_refused(tmp_path):
    path = write(tmp_path / "gold", "0-0\n0-0 5-0\n")
    with pytest.raises(DataError, match=r"gold:2: link 5-0 .* 3 source and 2 target words"):
        read_links(path, lengths=[(1, 1), (3, 2)])
    with pytest.raises(DataError, match=r"links of 1 sentence pairs, got 2 lines"):
        read_links(path, lengths=[(1, 1)])


def test_naacl_there_and_back(tmp_path):
    sentences = [((0, 0), (2, 1)), (), ((1, 1),)]
    text = "\n".join(naacl(links, number) for number, links in enumerate(sentences, start=1))
    assert [one.sure for one in read_links(write(tmp_path / "gold", text))] == sentences


def test_naacl_sure_possible_and_the_empty_word(tmp_path):
    path = write(tmp_path / "gold", "0001 1 1 S\n0001 2 1 P 0.5\n0001 0 2 S\n0003 1 2\n")
    found = read_links(path, lengths=[(2, 2)] * 4)
    assert found[0] == GoldLinks(((0, 0),), ((0, 0), (1, 0)))
    assert [one.sure for one in found[1:]] == [(), ((0, 1),), ()]
    with pytest.raises(DataError, match=r"gold:1: expected sentences counted from 1"):
        read_links(write(tmp_path / "gold", "0 1 1\n"))


def test_naacl_sentences_without_end_are_refused(tmp_path):
    path = write(tmp_path / "gold", "1 1 1\n9999999 1 1\n")
    with pytest.raises(DataError, match=r"gold:2: .* got number 9999999, but only 2 pairs have links"):
        read_links(path)
    with pytest.raises(DataError, match=r"gold:2: .* got number 9999999, but there are 2 sentence pairs"):
        read_links(path, lengths=[(1, 1), (1, 1)])


def test_naacl_pairs_without_links_cost_next_to_nothing(tmp_path):
    found = read_links(write(tmp_path / "gold", "1000 9999999 9999999\n"), num_pairs=2000)
    assert len(found) == 2000
    assert found[999].sure == ((9999998, 9999998),)
    assert len({id(one) for one in found}) == 2


def test_what_is_no_link_is_shown_in_part(tmp_path):
    path = write(tmp_path / "gold", "0-0 " + "e\u0301" * 100_000)
    with pytest.raises(DataError) as raised:
        read_links(path)
    assert len(str(raised.value)) < 300


def test_right_links_of_which_there_are_none_are_refused(tmp_path):
    for text in ("", "\n\n"):
        path = write(tmp_path / "gold", text)
        with pytest.raises(DataError, match="gold: expected right links to compare with, found none in"):
            check_not_empty(read_links(path), path)
    check_not_empty([GoldLinks((), ()), GoldLinks((), ((0, 0),))], "gold")
