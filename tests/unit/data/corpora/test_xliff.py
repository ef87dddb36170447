"""The XLIFF reader: versions, states, segments, and files in several languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from xml_corpora import Outcome, outcome, trans_unit, xliff

from regard.data.corpora.formats import open_corpus
from regard.data.corpora.unit import ReadOptions, ReadReport
from regard.data.corpora.xliff import XliffReader

EN_FR = ReadOptions(langs=("en", "fr"))
FUZZY = ReadOptions(langs=("en", "fr"), include_fuzzy=True)
HELLO = ("Hello", "Bonjour")


def _read(path: Path, data: str, options: ReadOptions = EN_FR) -> tuple[Outcome, ReadReport]:
    path.write_text(data, encoding="utf-8")
    reader = XliffReader(path, options)
    return outcome(reader), reader.report


def _segments(*texts: tuple[str, str]) -> str:
    return " ".join(f'<mrk mtype="seg" mid="{mid}">{text}</mrk>' for mid, text in texts)


def test_units_come_with_their_lines(tmp_path: Path) -> None:
    found, report = _read(tmp_path / "a.xlf", xliff(trans_unit(*HELLO), "\n", trans_unit("", "")))
    assert found == Outcome([HELLO, ("", "")], [4, 6], "")
    assert report.languages == {"en": 2, "fr": 2}


def test_the_format_is_found_by_name_and_content(tmp_path: Path) -> None:
    for name in ("a.xlf", "a.sdlxliff"):
        (tmp_path / name).write_text(xliff(trans_unit(*HELLO)))
        reader = open_corpus(tmp_path / name)
        assert reader.format == "xliff"
        assert outcome(reader).pairs == [HELLO]


@pytest.mark.parametrize(
    "state",
    ["new", "needs-translation", "needs-adaptation", "needs-l10n", "needs-review-translation", "needs-review-l10n"],
)
def test_unfinished_translations_are_left_out_unless_wanted(tmp_path: Path, state: str) -> None:
    data = xliff(trans_unit(*HELLO, target=f' state="{state}"'))
    found, report = _read(tmp_path / "a.xlf", data)
    assert (found.pairs, report.left_out) == ([], {f"state={state}": 1})
    found, report = _read(tmp_path / "a.xlf", data, FUZZY)
    assert (found.pairs, report.left_out) == ([HELLO], {})


def test_states_of_tools_count_as_they_begin(tmp_path: Path) -> None:
    _, report = _read(tmp_path / "a.xlf", xliff(trans_unit(*HELLO, target=' state="needs-work"')))
    assert report.left_out == {"state=needs-...": 1}
    found, _ = _read(tmp_path / "a.xlf", xliff(trans_unit(*HELLO, target=' state="x-mine"')))
    assert found.pairs == [HELLO]


@pytest.mark.parametrize("state", ["final", "signed-off", "translated"])
def test_finished_translations_are_read_without_approval(tmp_path: Path, state: str) -> None:
    found, report = _read(tmp_path / "a.xlf", xliff(trans_unit(*HELLO, target=f' state="{state}"')))
    assert (found.pairs, report.left_out) == ([HELLO], {})


def test_what_is_not_approved_is_left_out_unless_wanted(tmp_path: Path) -> None:
    units = [trans_unit("a", "b", attributes=f' approved="{value}"') for value in ("no", "yes")]
    found, report = _read(tmp_path / "a.xlf", xliff(*units))
    assert (found.pairs, found.lines, report.left_out) == ([("a", "b")], [5], {"approved=no": 1})
    found, _ = _read(tmp_path / "a.xlf", xliff(*units), FUZZY)
    assert len(found.pairs) == 2


def test_translate_no_is_inherited(tmp_path: Path) -> None:
    data = xliff(
        trans_unit("a", "b", attributes=' translate="no"'),
        '<group translate="no">',
        trans_unit("c", "d"),
        "<group>",
        trans_unit("e", "f", attributes=' translate="yes"'),
        trans_unit("g", "h"),
        "</group></group>",
        trans_unit("i", "j"),
    )
    found, report = _read(tmp_path / "a.xlf", data)
    assert found.pairs == [("e", "f"), ("i", "j")]
    assert report.left_out == {"translate=no": 3}


def test_proposals_and_notes_are_not_read(tmp_path: Path) -> None:
    after = "<alt-trans><source>x</source><target>y</target></alt-trans><note>n<source>z</source></note>"
    other = '<o:source xmlns:o="urn:o"><source>x</source></o:source>'
    data = xliff(
        trans_unit(*HELLO, after=after),
        trans_unit(*HELLO, after=other),
        f"<trans-unit id='1'><source>no</source>{after}</trans-unit>",
    )
    found, report = _read(tmp_path / "a.xlf", data)
    assert found.pairs == [HELLO] * 2
    assert report.left_out == {"no fr text": 1}


def test_segments_are_paired_by_identifier(tmp_path: Path) -> None:
    sources, targets = _segments(("1", "A b."), ("2", 'C <x id="1"/>d.')), _segments(("2", "Cc dd."), ("1", "Aa bb."))
    data = xliff(
        f'<trans-unit id="1"><source>A b. C d.</source><seg-source><g id="0">{sources}</g></seg-source>'
        f'<target><g id="0">{targets}</g></target></trans-unit>'
    )
    found, _ = _read(tmp_path / "a.xlf", data)
    assert found.pairs == [("A b.", "Aa bb."), ("C d.", "Cc dd.")]


def test_segments_of_one_side_are_read_as_a_whole(tmp_path: Path) -> None:
    parts = _segments(("1", "A b."), ("2", "C d."))
    found, _ = _read(tmp_path / "a.xlf", xliff(trans_unit("a", parts), trans_unit(parts, "b")))
    assert found.pairs == [("a", "A b. C d."), ("A b. C d.", "b")]


def test_segments_without_counterpart_are_counted(tmp_path: Path) -> None:
    data = xliff(trans_unit(_segments(("1", "a"), ("2", "b")), _segments(("2", "c"), ("3", "d"))))
    found, report = _read(tmp_path / "a.xlf", data)
    assert found.pairs == [("b", "c")]
    assert report.left_out == {"no fr text": 1, "no source text": 1}


def test_drafts_of_trados_are_left_out_unless_wanted(tmp_path: Path) -> None:
    states = "".join(f'<s:seg id="{mid}" conf="{conf}"/>' for mid, conf in (("1", "Translated"), ("2", "Draft")))
    parts = _segments(("1", "a"), ("2", "b"))
    definitions = f'<s:seg-defs xmlns:s="http://sdl.com/FileTypes/SdlXliff/1.0">{states}</s:seg-defs>'
    data = xliff(trans_unit(parts, parts, after=definitions))
    found, report = _read(tmp_path / "a.xlf", data)
    assert (found.pairs, report.left_out) == ([("a", "a")], {"conf=Draft": 1})
    found, _ = _read(tmp_path / "a.xlf", data, FUZZY)
    assert found.pairs == [("a", "a"), ("b", "b")]


FILES = (
    xliff(trans_unit("a", "b")).removesuffix("</xliff>\n")
    + '<file source-language="en" target-language="de"><body>'
    + trans_unit("c", "d")
    + '</body></file><file source-language="fr-CA" target-language="EN_us"><body>'
    + trans_unit("e", "f")
    + "</body></file></xliff>"
)
"""An XLIFF document with files in three directions."""


def test_files_in_other_languages_are_counted_and_reversed_ones_exchanged(tmp_path: Path) -> None:
    found, report = _read(tmp_path / "a.xlf", FILES)
    assert found.pairs == [("a", "b"), ("f", "e")]
    assert report.left_out == {"no fr text": 1}
    found, report = _read(tmp_path / "a.xlf", FILES, ReadOptions(langs=("fr", "de")))
    assert found.pairs == []
    assert report.left_out == {"no de text": 2, "no fr text": 1}


def test_files_in_several_languages_need_a_choice(tmp_path: Path) -> None:
    found, _ = _read(tmp_path / "a.xlf", FILES, ReadOptions())
    assert found.pairs == [("a", "b")]
    assert "expected en and fr as before in this file, found en and de: name the source and the target" in found.error
    found, report = _read(tmp_path / "a.xlf", FILES, ReadOptions(on_error="skip"))
    assert found.pairs == [("a", "b"), ("f", "e")]
    assert report.num_faults == 1


@pytest.mark.parametrize(("langs", "expected"), [(("en", "fr"), HELLO), (("fr", "en"), HELLO[::-1]), (None, HELLO)])
def test_a_language_that_is_not_named_is_the_requested_one(
    tmp_path: Path, langs: tuple[str, str] | None, expected: tuple[str, str]
) -> None:
    data = xliff(trans_unit(*HELLO), langs='source-language="en"')
    found, report = _read(tmp_path / "a.xlf", data, ReadOptions(langs=langs))
    assert found.pairs == [expected]
    assert report.languages == {"en": 1}


def test_the_target_may_name_its_language(tmp_path: Path) -> None:
    data = xliff(trans_unit(*HELLO, target=' xml:lang="de"'), langs='source-language="en"')
    _, report = _read(tmp_path / "a.xlf", data)
    assert report.left_out == {"no fr text": 1}


def test_the_header_of_a_catalog_is_left_out(tmp_path: Path) -> None:
    data = xliff(trans_unit("h", "h", attributes=' restype="x-gettext-domain-header"'), trans_unit(*HELLO))
    found, report = _read(tmp_path / "a.xlf", data, FUZZY)
    assert (found.pairs, report.left_out) == ([HELLO], {"header of a PO file": 1})


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_older_versions(tmp_path: Path, version: str) -> None:
    data = (
        xliff(trans_unit(*HELLO)).replace(' xmlns="urn:oasis:names:tc:xliff:document:1.2"', "").replace("1.2", version)
    )
    found, _ = _read(tmp_path / "a.xlf", data)
    assert found.pairs == [HELLO]


def test_version_2(tmp_path: Path) -> None:
    data = """<?xml version="1.0"?>
<xliff version="2.1" srcLang="en" trgLang="fr" xmlns="urn:oasis:names:tc:xliff:document:2.0"
       xmlns:mtc="urn:oasis:names:tc:xliff:matches:2.0">
<file id="f"><notes><note>n</note></notes><group id="g">
<unit id="1"><mtc:matches><mtc:match ref="#1"><source>x</source><target>y</target></mtc:match></mtc:matches>
<originalData><data id="d1">&lt;b&gt;</data></originalData>
<segment><source>Hello <pc id="1">you</pc>.</source><target>Salut <pc id="1">toi</pc>.</target></segment>
<ignorable><source> </source></ignorable>
<segment state="initial"><source>a</source><target>b</target></segment>
<segment state="reviewed"><source>c</source><target>d</target></segment>
<segment><source>e</source></segment></unit>
<unit id="2" translate="no"><segment><source>f</source><target>g</target></segment></unit>
</group></file></xliff>"""
    found, report = _read(tmp_path / "a.xlf", data)
    assert found == Outcome([("Hello you.", "Salut toi."), ("c", "d")], [7, 10], "")
    assert report.left_out == {"state=initial": 1, "no fr text": 1, "translate=no": 1}
    found, _ = _read(tmp_path / "a.xlf", data, FUZZY)
    assert found.pairs == [("Hello you.", "Salut toi."), ("a", "b"), ("c", "d")]


def test_elements_that_are_skipped_are_not_nested_too_deep(tmp_path: Path) -> None:
    for depth, error in ((60, ""), (80, "expected at most 64 nested elements, found more")):
        notes = "<x>" * depth + "</x>" * depth
        unit = f"<trans-unit id='1'>{notes}<source>Hello</source><target>Bonjour</target></trans-unit>"
        assert error in _read(tmp_path / "a.xlf", xliff(unit))[0].error
