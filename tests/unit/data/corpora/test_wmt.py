"""The readers of WMT test sets: references of XML files, and line rules of SGM files."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree
from xml_corpora import Outcome, outcome

from regard.data.corpora import sgm_segments, wmt
from regard.data.corpora.formats import open_corpus
from regard.data.corpora.unit import ReadOptions, ReadReport
from regard.data.corpora.wmt import SgmReader, WmtReader

EN_DE = ReadOptions(langs=("en", "de"))
SET = """<?xml version='1.0' encoding='utf-8'?>
<dataset id="newstest2021.en-de">
<doc origlang="en" id="d1"><src lang="en"><p>
<seg id="1">one &amp; two</seg>
<seg id="2">three</seg></p></src>
<ref lang="de" translator="B"><p><seg id="1">B1</seg><seg id="2">B2</seg></p></ref>
<ref lang="de" translator="A"><p><seg id="2">A2</seg><seg id="1">A1</seg></p></ref>
<hyp system="X" language="de"><p><seg id="1">X1</seg></p></hyp></doc>
<doc origlang="en" id="d2"><src lang="en"><p><seg id="1">alone</seg></p></src></doc>
<doc origlang="en" id="d3"><src lang="en"><p><seg id="1">four</seg></p></src>
<ref lang="de"><seg id="1">vier</seg></ref></doc>
</dataset>
"""
SRC = """<srcset setid="newstest2019" srclang="any">
<doc sysid="src" docid="a" genre="news" origlang="en">
<p>
<seg id="1">AT&T &amp; Co &lt;b&gt; 2 < 3</seg>
<seg id="2">two</seg>
</p>
</doc>
<DOC docid='b'>
<seg id="1">
three
lines
</seg>
</DOC>
</srcset>
"""
REF = (
    SRC.replace("srcset", "refset")
    .replace('sysid="src"', 'sysid="ref"')
    .replace("two", "zwei")
    .replace("three", "drei")
)


def _read(path: Path, data: str, options: ReadOptions = EN_DE) -> tuple[Outcome, ReadReport]:
    path.write_text(data, encoding="utf-8")
    reader = WmtReader(path, options)
    return outcome(reader), reader.report


def _read_sgm(directory: Path, src: str, ref: str | bytes, options: ReadOptions = EN_DE) -> tuple[Outcome, ReadReport]:
    paths = directory / "a.en.sgm", directory / "a.de.sgm"
    paths[0].write_text(src, encoding="utf-8")
    paths[1].write_bytes(ref if isinstance(ref, bytes) else ref.encode())
    reader = SgmReader(*paths, options)
    return outcome(reader), reader.report


def test_reference_a_is_read_or_else_the_first(tmp_path: Path) -> None:
    found, report = _read(tmp_path / "a.xml", SET)
    assert found == Outcome([("one & two", "A1"), ("three", "A2"), ("four", "vier")], [4, 5, 10], "")
    assert report.left_out == {"another reference": 2, "output of a system": 1, "no de text": 1}
    assert report.languages == {"en": 3, "de": 3}


def test_the_format_is_found_by_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(SET)
    reader = open_corpus(tmp_path / "a.xml")
    assert reader.format == "wmt"
    assert len(outcome(reader).pairs) == 3


def test_another_reference_or_system_is_chosen_by_name(tmp_path: Path) -> None:
    found, report = _read(tmp_path / "a.xml", SET, ReadOptions(langs=("en", "de"), columns=("src", "ref:B")))
    assert found.pairs == [("one & two", "B1"), ("three", "B2")]
    assert report.left_out["no ref:B text"] == 2
    found, _ = _read(tmp_path / "a.xml", SET, ReadOptions(columns=("src", "hyp:X")))
    assert found.pairs == [("one & two", "X1")]
    found, _ = _read(tmp_path / "a.xml", SET, ReadOptions(columns=("ref:A", "ref:B")))
    assert found.pairs == [("A2", "B2"), ("A1", "B1")]


def test_a_set_can_be_read_the_other_way_round(tmp_path: Path) -> None:
    found, _ = _read(tmp_path / "a.xml", SET, ReadOptions(langs=("de", "en")))
    assert found.pairs[0] == ("A1", "one & two")
    found, report = _read(tmp_path / "a.xml", SET, ReadOptions(langs=("en", "fr")))
    assert not found.pairs
    assert report.left_out["no fr text"] == 4


def test_sentences_before_and_behind_a_fault_are_kept(tmp_path: Path) -> None:
    broken = SET.replace("A1", "A&T")
    stopped, _ = _read(tmp_path / "a.xml", broken)
    assert stopped.pairs == [("three", "A2")]
    assert "a.xml:7: column" in stopped.error
    skipped, report = _read(tmp_path / "a.xml", broken, ReadOptions(langs=("en", "de"), on_error="skip"))
    assert skipped.pairs == [("three", "A2"), ("four", "vier")]
    assert report.num_faults == 1


def test_a_set_that_is_cut_gives_the_sentences_before(tmp_path: Path) -> None:
    found, _ = _read(tmp_path / "a.xml", SET[: SET.index("A1")])
    assert found.pairs == [("three", "A2")]
    assert "a.xml:7: column" in found.error


def test_lxml_reads_the_same(tmp_path: Path) -> None:
    found, _ = _read(tmp_path / "a.xml", SET, ReadOptions(columns=("src", "ref:B")))
    expected = []
    for doc in etree.parse(tmp_path / "a.xml").getroot().iter("doc"):
        texts = [
            {seg.get("id"): seg.text for part in doc.findall(path) for seg in part.iter("seg")}
            for path in ("src", "ref[@translator='B']")
        ]
        expected += [(text, texts[1][name]) for name, text in texts[0].items() if name in texts[1]]
    assert found.pairs == expected


def test_sgm_is_read_by_lines(tmp_path: Path) -> None:
    found, report = _read_sgm(tmp_path, SRC, REF)
    assert found == Outcome(
        [("AT&T & Co <b> 2 < 3",) * 2, ("two", "zwei"), ("three\nlines", "drei\nlines")], [4, 5, 9], ""
    )
    assert not report.left_out


def test_documents_of_one_line_are_all_read(tmp_path: Path) -> None:
    src, ref = (
        "".join(f'<doc docid="{name}"><seg id="1">{text} {name}</seg></doc>' for name in "abcd")
        for text in ("one", "eins")
    )
    found, report = _read_sgm(tmp_path, src, ref)
    assert found.pairs == [(f"one {name}", f"eins {name}") for name in "abcd"]
    assert not report.left_out


@pytest.mark.parametrize("piece", ["<seg", "<doc ", "<seg id=", "</seg ", 'a="', "a"])
def test_lines_of_hostile_tags_are_read_in_linear_time(tmp_path: Path, piece: str) -> None:
    """In quadratic time, the megabyte would take many minutes."""
    found, _ = _read_sgm(tmp_path, SRC.replace("two", f"<seg {piece * (1_000_000 // len(piece))}>"), REF)
    assert found.pairs[0][0] == "AT&T & Co <b> 2 < 3"


def test_two_sgm_files_are_recognized(tmp_path: Path) -> None:
    for name, data in (("a.en.sgm", SRC), ("a.de.sgm", REF)):
        (tmp_path / name).write_text(data)
    reader = open_corpus(tmp_path / "a.en.sgm", tmp_path / "a.de.sgm")
    assert reader.format == "sgm"
    assert len(outcome(reader).pairs) == 3


def test_one_of_several_references_of_sgm_is_read(tmp_path: Path) -> None:
    more = '<doc sysid="ref2" docid="a"><seg id="1">other</seg></doc></refset>'
    found, report = _read_sgm(tmp_path, SRC, REF.replace("</refset>", more))
    assert [tgt for _, tgt in found.pairs] == ["AT&T & Co <b> 2 < 3", "zwei", "drei\nlines"]
    assert report.left_out == {"another reference": 1}


@pytest.mark.parametrize(
    ("ref", "error", "kept"),
    [
        (REF.replace("docid='b'", "docid='z'"), "a.de.sgm:8: expected the document 'b' as in line 8", ["zwei"]),
        (REF.replace("zwei</seg>", "zwei"), "a.de.sgm:5: expected </seg>, found </doc> on line 7: add", ["drei"]),
        (REF.replace("zwei</seg>", "zwei<seg id='3'>x</seg>"), "a.de.sgm:5: expected </seg>, found another", ["drei"]),
        (REF[: REF.index("drei")], "a.de.sgm:9: expected </seg>, found the end of the file: it was cut", ["zwei"]),
        (REF[: REF.index("<DOC")], "a.en.sgm:8: expected as many documents as in", ["zwei"]),
        (
            REF.replace("zwei", "zwei\xfc").encode("latin-1"),
            "a.de.sgm:5: expected UTF-8, found the byte 0xFC",
            ["drei"],
        ),
        (REF.replace("zwei", "x" * (1 << 21)), "a.de.sgm:5: expected lines of at most 1,048,576 bytes", ["drei"]),
    ],
)
def test_faults_of_sgm(tmp_path: Path, ref: str | bytes, error: str, kept: list[str]) -> None:
    stopped, _ = _read_sgm(tmp_path, SRC, ref)
    assert error in stopped.error
    assert stopped.pairs[0] == ("AT&T & Co <b> 2 < 3",) * 2
    skipped, report = _read_sgm(tmp_path, SRC, ref, ReadOptions(langs=("en", "de"), on_error="skip"))
    assert not skipped.error
    assert report.num_faults == 1
    assert error in report.faults[0]
    assert [tgt.split("\n")[0] for _, tgt in skipped.pairs] == ["AT&T & Co <b> 2 < 3", *kept]


def test_missing_sentences_of_sgm_are_counted(tmp_path: Path) -> None:
    found, report = _read_sgm(tmp_path, SRC, REF.replace('id="2"', 'id="3"'))
    assert len(found.pairs) == 2
    assert report.left_out == {"no de text": 1, "no en text": 1}


def test_documents_that_are_too_long_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wmt, "MAX_UNIT", 12)
    (tmp_path / "a.xml").write_text(SET)
    assert (
        "expected documents of at most 12 characters, found more" in outcome(WmtReader(tmp_path / "a.xml", EN_DE)).error
    )
    monkeypatch.setattr(sgm_segments, "_MAX_DOCUMENT", 20)
    for name, text in (("a-src.en.sgm", SRC), ("a-ref.de.sgm", REF)):
        (tmp_path / name).write_text(text)
    found = outcome(SgmReader(tmp_path / "a-src.en.sgm", tmp_path / "a-ref.de.sgm", EN_DE))
    assert "a-src.en.sgm:5: expected documents of at most 20 characters, found more: add <doc> tags" in found.error
