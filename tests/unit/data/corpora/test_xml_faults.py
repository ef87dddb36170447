"""Broken and hostile XML: a message with file, line and cure, and the units before and after the fault."""

from __future__ import annotations

import re
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import pytest
from xml_corpora import Outcome, outcome, tmx, trans_unit, tu, tuv, xliff

from regard.data.corpora.tmx import TmxReader
from regard.data.corpora.unit import MAX_FAULTS, ReadOptions, ReadReport
from regard.data.corpora.xliff import XliffReader

A, B = ("one", "un"), ("two", "deux")
OK_A, OK_B = tu(*A), tu(*B)
OPEN = f"<tu>{tuv('en', 'x')}"
"""A unit that is not closed."""


@dataclass(frozen=True)
class Case:
    """A file with one fault, and the message that it causes.

    Attributes:
        data: The file.
        error: Pattern of the message.
        before: Units before the fault.
        after: Units behind it.
    """

    data: str | bytes
    error: str
    before: tuple[tuple[str, str], ...] = (A,)
    after: tuple[tuple[str, str], ...] = (B,)


def _cut(text: str, at: str) -> str:
    return text[: text.index(at)]


CASES = {
    "ampersand": Case(tmx(OK_A, tu("AT&T is", "x"), OK_B), ":4: column 33: .*an & that is not escaped: write &amp;"),
    "ampersand and space": Case(tmx(OK_A, tu("A & B", "x"), OK_B), ":4: column 32: .*write &amp;"),
    "less than": Case(tmx(OK_A, tu("a < b", "x"), OK_B), ":4: column 32: .*a < that does not begin a tag: write &lt;"),
    "control character": Case(
        tmx(OK_A, tu("a\x0bb", "x"), OK_B), r":4: column 30: .*U\+000B, which XML does not allow"
    ),
    "number of a control": Case(tmx(OK_A, tu("a&#x1F;b", "x"), OK_B), ":4: column 30: .*not allow .&#x1F;.: remove it"),
    "number of a surrogate": Case(tmx(OK_A, tu("&#55357;", "x"), OK_B), ":4: .*not allow .&#55357;."),
    "noncharacter": Case(tmx(OK_A, tu("a\ufffe", "x"), OK_B), r":4: .*U\+FFFE"),
    "entity of HTML": Case(tmx(OK_A, tu("a&nbsp;b", "x"), OK_B), ":4: .*entity that XML does not define .&nbsp;."),
    "entity of a DTD": Case(
        tmx(OK_A, tu("a&nbsp;b", "x"), OK_B).replace("<tmx", '<!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx'),
        ":4: .*the entity &nbsp; which XML does not define: write the character itself",
    ),
    "seg not closed": Case(
        tmx(OK_A, "<tu><tuv xml:lang='en'><seg>a</tuv></tu>\n", OK_B), ":4: .*closing tag that does"
    ),
    "tuv not closed": Case(
        tmx(OK_A, "<tu><tuv xml:lang='en'><seg>a</seg></tu>\n", OK_B), ":4: .*closing tag that does"
    ),
    "tu not closed": Case(tmx(OK_A, OPEN, "\n", OK_B), ":5: .*end of the unit, found the start of another.* on line 4"),
    "nothing closed": Case(tmx(OK_A, "<tu><tuv xml:lang='en'><seg>a\n", OK_B), ":5: .*end of the unit, .* on line 4"),
    "last unit not closed": Case(tmx(OK_A, OPEN), ":4: .*closing tag that does not match", after=()),
    "tag cut": Case(tmx(OK_A, "<tu><tuv xml:lang='en'><se\n", OK_B), ":5: "),
    "start tag cut": Case(tmx(OK_A, "<tu\n", OK_B), ":5: "),
    "attribute without quotes": Case(tmx(OK_A, "<tu tuid=1></tu>\n", OK_B), ":4: column 10: .*'1' where it is not"),
    "attribute twice": Case(tmx(OK_A, "<tu a='1' a='2'/>\n", OK_B), ":4: .*duplicate attribute"),
    "prefix without namespace": Case(tmx(OK_A, tu("<q:b>x</q:b>", "x"), OK_B), ":4: .*unbound prefix"),
    "text without language": Case(
        tmx(OK_A, tu("x", "y").replace('xml:lang="en"', ""), OK_B), ":4: .*xml:lang of <tuv>"
    ),
    "comment not closed": Case(tmx(OK_A, "<!-- \n", OK_B), ":4: .*the end of a comment, found the end of the file"),
    "CDATA not closed": Case(
        tmx(OK_A, tu("<![CDATA[x", "y"), OK_B), ":7: .*found the end of the file: .*in the unit that begins on line 4"
    ),
    "too deep": Case(tmx(OK_A, tu("<hi>" * 100 + "</hi>" * 100, "x"), OK_B), ":4: .*at most 64 nested elements"),
    "too deep aside": Case(
        tmx(OK_A, "<tu>" + "<a>" * 100 + "</a>" * 100 + "</tu>\n", OK_B), ":4: .*at most 64 nested elements"
    ),
    "text too long": Case(tmx(OK_A, tu("x" * (1 << 21), "x"), OK_B), ":4: .*at most 1,048,576 bytes"),
    "text too long in bytes": Case(tmx(OK_A, tu("é" * 600_000, "x"), OK_B), ":4: .*at most 1,048,576 bytes"),
    "attribute too long": Case(tmx(OK_A, f"<tu a='{'x' * (1 << 22)}'/>\n", OK_B), ":4: .*at most 2,097,152 bytes"),
    "comment too long": Case(tmx(OK_A, f"<!--{'x' * (1 << 22)}-->\n", OK_B), ":4: .*a longer tag or comment"),
    "unit too long": Case(
        tmx(OK_A, f"<tu>{tuv('en', 'x' * 1000) * 20_000}</tu>\n", OK_B), ":4: .*at most 16,777,216 bytes"
    ),
    "UTF-8 broken": Case(
        tmx(OK_A, tu("caf\xe9 au", "x"), OK_B).encode("cp1252"),
        ":4: column 32: expected UTF-8, found the byte 0xE9: .* --encoding cp1252",
    ),
    "surrogate in UTF-8": Case(
        tmx(OK_A, tu("a?b", "x"), OK_B).encode().replace(b"?b", b"\xed\xa0\x80b"),
        ":4: .*expected UTF-8, found the byte 0xED",
    ),
    "surrogate in UTF-16": Case(
        tmx(OK_A, tu("a\ud83db", "x"), OK_B, encoding="utf-16").encode("utf-16-le", "surrogatepass"),
        ":4: .*expected utf-16, found the bytes 0x3D 0xD8",
    ),
    "Shift_JIS broken": Case(
        tmx(OK_A, tu("?", "x"), OK_B, encoding="Shift_JIS").encode("cp932").replace(b"?</", b"\x85\x81</"),
        ":4: .*expected Shift_JIS, found the bytes? 0x85",
    ),
    "file cut": Case(_cut(tmx(OK_A, OK_B), "eux"), ":4: .*found the end of the file: it was cut short", after=()),
    "file cut in a tag": Case(
        _cut(tmx(OK_A, OK_B), ':lang="fr"><seg>deux'), ":4: .*the end of a tag, found the end", after=()
    ),
    "CDATA closed by the next unit": Case(
        tmx(OK_A, "<tu><tuv xml:lang='en'><seg><hi><![CDATA[x\n", tu("<![CDATA[two]]>", "deux")), ":5: .*closing tag"
    ),
    "CDATA closed by that of the next unit": Case(
        tmx(OK_A, tu("<![CDATA[x", "y"), tu("<![CDATA[two]]>", "deux")),
        ":5: .*end of a CDATA section, found the next unit .*in the unit that begins on line 4",
    ),
    "broken name with a namespace": Case(
        tmx(OK_A, "<t xmlns='q'><tuv xml:lang='en'><seg>a</seg></tuv></tu>\n", OK_B), ":4: .*closing tag that does not"
    ),
    "zeros at the end": Case(tmx(OK_A) + "\0\0", ":5: .*U.0000", after=()),
    "two documents": Case(tmx(OK_A) + tmx(OK_B), ":5: .*text after the end of the document"),
}


def _read(path: Path, data: str | bytes, on_error: str) -> tuple[Outcome, ReadReport]:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    reader = TmxReader(path, ReadOptions(langs=("en", "fr"), on_error="skip" if on_error == "skip" else "stop"))
    return outcome(reader), reader.report


@pytest.mark.parametrize("name", CASES)
def test_a_fault_stops_with_its_place_after_the_units_before_it(tmp_path: Path, name: str) -> None:
    case, path = CASES[name], tmp_path / "a.tmx"
    found, _ = _read(path, case.data, "stop")
    assert re.match(re.escape(str(path)) + case.error, found.error)
    assert found.pairs == list(case.before)


@pytest.mark.parametrize("name", CASES)
def test_a_skipped_fault_costs_one_unit_and_is_counted(tmp_path: Path, name: str) -> None:
    case, path = CASES[name], tmp_path / "a.tmx"
    found, report = _read(path, case.data, "skip")
    assert found.pairs == [*case.before, *case.after]
    assert not found.error
    assert report.num_faults >= 1
    assert re.match(re.escape(str(path)) + case.error, report.faults[0])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("", "found an empty file"),
        ("<html><body/></html>", ":1: expected the root element <tmx>, found <html>"),
        (xliff(trans_unit("a", "b")), ":2: expected the root element <tmx>, found <xliff>"),
        (tmx(OK_A, encoding="utf-16"), ":1: expected utf-16, as the XML declaration says, found single bytes"),
        (tmx(OK_A).encode("utf-16"), ":1: expected UTF-8, as the XML declaration says, found UTF-16-LE"),
        (b"\xef\xbb\xbf" + tmx(OK_A, encoding="cp1252").encode(), ":1: expected cp1252, .* found UTF-8"),
        (tmx(OK_A, encoding="klingon"), ":1: the XML declaration names 'klingon', expected an encoding"),
        (tmx(OK_A, encoding="utf-7"), "names 'utf-7', expected an encoding"),
        (tmx(OK_A, encoding="base64"), "names 'base64', expected an encoding"),
        (b"PK\3\4" + bytes(600), "found a .zip archive"),
        (
            tmx(OK_A).replace("<tmx", '<!DOCTYPE tmx [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>\n<tmx'),
            ":2: expected no entity declarations, found that of &a;",
        ),
        (
            tmx(OK_A).replace("<tmx", '<!DOCTYPE tmx [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<tmx'),
            ":2: expected no entity declarations, found that of &x;",
        ),
        (
            tmx(OK_A).replace("<tmx", '<!DOCTYPE tmx [<!ENTITY % p SYSTEM "http://localhost:1/"> %p;]>\n<tmx'),
            ":2: expected no entity declarations, found that of &p;",
        ),
    ],
)
@pytest.mark.parametrize("on_error", ["stop", "skip"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, data: str | bytes, error: str, on_error: str) -> None:
    found, _ = _read(tmp_path / "a.tmx", data, on_error)
    assert re.search(error, found.error)
    assert not found.pairs


@pytest.mark.parametrize("data", ['{"a": 1}', "plain text", "<", "\0\0\0"])
def test_what_is_not_xml_is_said_to_be_none(tmp_path: Path, data: str) -> None:
    found, _ = _read(tmp_path / "a.tmx", data, "stop")
    assert "a.tmx:1: column" in found.error
    assert "expected XML that begins with <tmx>: check the format" in found.error
    found, report = _read(tmp_path / "a.tmx", data, "skip")
    assert (found.pairs, found.error, report.num_faults) == ([], "", 1)


def test_a_passed_encoding_that_is_unknown_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tmx"
    path.write_text(tmx(OK_A))
    found = outcome(TmxReader(path, ReadOptions(encoding="klingon")))
    assert "--encoding names 'klingon'" in found.error


def test_many_faults_cost_only_their_units(tmp_path: Path) -> None:
    found, report = _read(tmp_path / "a.tmx", tmx(*[tu("AT&T", "x"), OK_A] * 2000), "skip")
    assert found.pairs == [A] * 2000
    assert found.lines == list(range(4, 4004, 2))
    assert report.num_faults == 2000
    assert len(report.faults) == MAX_FAULTS


def test_faults_across_the_chunks_of_a_file(tmp_path: Path) -> None:
    filling = tu("y" * 997, "z")
    for shift in range(0, 60, 7):
        units = [f"<!--{'.' * shift}-->\n", *[filling] * 70, tu("AT&T", "x"), OK_B, *[filling] * 3]
        found, report = _read(tmp_path / "a.tmx", tmx(*units), "skip")
        assert len(found.pairs) == 74
        assert found.pairs[70] == B
        assert found.lines[70:] == [75, 76, 77, 78]
        assert report.faults[0].startswith(f"{tmp_path / 'a.tmx'}:74: column 33")


def test_lines_end_in_any_way(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        found, report = _read(tmp_path / "a.tmx", tmx(OK_A, tu("AT&T", "x"), OK_B).replace("\n", end), "skip")
        assert found.lines == [3, 5]
        assert ":4: column" in report.faults[0]


def test_hostile_repetition_is_read_in_bounded_time_and_memory(tmp_path: Path) -> None:
    hostile = [
        "<tu>" * 3_000,
        f"<tu>{'<tuv xml:lang=' + repr('en')}><seg><![CDATA[" * 30_000,
        "<tu><!--" * 3_000,
        "<hi>" * 50_000,
        "".join(f"<e{number}/>" for number in range(30_000)),
    ]
    tracemalloc.start()
    for text in hostile:
        found, _ = _read(tmp_path / "a.tmx", tmx(OK_A, text), "skip")
        assert found.pairs == [A]
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()


def test_an_xliff_keeps_the_context_of_a_unit_behind_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.xlf"
    path.write_text(
        xliff(
            trans_unit("a", "b"),
            trans_unit("AT&T", "x"),
            '<group translate="no">\n',
            trans_unit("AT&T", "x"),
            trans_unit("c", "d"),
            "</group>\n",
            trans_unit("AT&T", "x"),
            '</body></file><file source-language="en" target-language="de"><body>\n',
            trans_unit("e", "f"),
            trans_unit("AT&T", "x"),
            "</body></file><file source-language='en' target-language='fr-CA'><body>",
            trans_unit("g", "h"),
        )
    )
    reader = XliffReader(path, ReadOptions(langs=("en", "fr"), on_error="skip"))
    found = outcome(reader)
    assert found.pairs == [("a", "b"), ("g", "h")]
    assert reader.report.left_out == {"translate=no": 1, "no fr text": 1}
    assert reader.report.num_faults == 4
    assert reader.report.languages == {"en": 2, "fr": 1, "fr-CA": 1}


def test_namespaces_with_prefixes_are_kept_behind_a_fault(tmp_path: Path) -> None:
    unit = re.sub("<(/?)", r"<\1t:", OK_A)
    start = '<t:tmx xmlns:t="urn:x&amp;&quot;"><t:body xmlns:o="urn:o">\n'
    data = f"{start}{unit.replace('one', 'AT&T')}{unit}<o:x/></t:body></t:tmx>"
    found, report = _read(tmp_path / "a.tmx", data, "skip")
    assert found.pairs == [A]
    assert report.num_faults == 1
