"""The TMX reader: languages, inline codes, encodings, and agreement with lxml."""

from __future__ import annotations

import gzip
import os
import re
import threading
from pathlib import Path

import pytest
from lxml import etree
from xml_corpora import Outcome, outcome, tmx, tu, tuv

from regard.data.corpora import tmx as tmx_module
from regard.data.corpora.formats import open_corpus
from regard.data.corpora.tmx import TmxReader
from regard.data.corpora.unit import ReadOptions, ReadReport

EN_FR = ReadOptions(langs=("en", "fr"))
HELLO = ("Hello", "Bonjour")
WORLD = ("World", "Monde")


def _read(path: Path, data: str | bytes, options: ReadOptions = EN_FR) -> tuple[Outcome, ReadReport]:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    reader = TmxReader(path, options)
    return outcome(reader), reader.report


def _skip(langs: tuple[str, str] | None = ("en", "fr")) -> ReadOptions:
    return ReadOptions(langs=langs, on_error="skip")


def test_units_come_with_their_lines(tmp_path: Path) -> None:
    found, report = _read(tmp_path / "a.tmx", tmx(tu(*HELLO), "\n", tu(*WORLD)))
    assert found == Outcome([HELLO, WORLD], [3, 5], "")
    assert report.languages == {"en": 2, "fr": 2}
    assert not report.left_out


@pytest.mark.parametrize("suffix", [".tmx", ".tmx.gz"])
def test_the_format_is_found_by_the_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    data = tmx(tu(*HELLO)).encode()
    path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    reader = open_corpus(path, options=EN_FR)
    assert reader.format == "tmx"
    assert outcome(reader).pairs == [HELLO]
    assert reader.fraction_read() == 1.0


def test_units_before_a_cut_in_the_compressed_data_are_kept(tmp_path: Path) -> None:
    data = gzip.compress(tmx(*(tu(f"{number} {os.urandom(20).hex()}", "x") for number in range(500))).encode())
    stopped, _ = _read(tmp_path / "a.tmx.gz", data[: len(data) // 2])
    skipped, report = _read(tmp_path / "a.tmx.gz", data[: len(data) // 2], _skip())
    assert 100 < len(stopped.pairs) < 400
    assert "a.tmx.gz" in stopped.error
    assert skipped.pairs == stopped.pairs
    assert report.num_faults == 1
    assert not skipped.error


def test_a_pipe_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_text(tmx(*[tu(*HELLO)] * 5000)))
    writer.start()
    found = outcome(TmxReader(path, EN_FR))
    writer.join()
    assert found.pairs == [HELLO] * 5000


@pytest.mark.parametrize(
    ("encoding", "codec", "mark"),
    [
        ("UTF-8", "utf-8", b"\xef\xbb\xbf"),
        ("utf-16", "utf-16-le", b"\xff\xfe"),
        ("utf-16", "utf-16-be", b"\xfe\xff"),
        ("utf-16", "utf-16-le", b""),
        ("UTF-16BE", "utf-16-be", b""),
        ("UTF-32", "utf-32-le", b"\xff\xfe\0\0"),
        ("ISO-8859-1", "latin-1", b""),
        ("windows-1252", "cp1252", b""),
        ("us-ascii", "utf-8", b""),
    ],
)
def test_encodings_of_western_files(tmp_path: Path, encoding: str, codec: str, mark: bytes) -> None:
    found, _ = _read(tmp_path / "a.tmx", mark + tmx(tu("summer", "été"), encoding=encoding).encode(codec))
    assert found == Outcome([("summer", "été")], [3], "")


@pytest.mark.parametrize(
    ("encoding", "codec", "text"),
    [
        ("Shift_JIS", "cp932", "日本①～"),
        ("x-sjis", "cp932", "日本"),
        ("EUC-JP", "euc-jp", "日本"),
        ("EUC-KR", "cp949", "한국어뷁"),
        ("GB2312", "gb18030", "中国鎔𠀀"),
        ("GB18030", "gb18030", "中国"),
        ("Big5", "big5", "中國"),
    ],
)
def test_encodings_of_asian_files(tmp_path: Path, encoding: str, codec: str, text: str) -> None:
    found, _ = _read(tmp_path / "a.tmx", tmx(tu("a", text), encoding=encoding).encode(codec))
    assert found.pairs == [("a", text)]


def test_an_encoding_that_is_passed_wins(tmp_path: Path) -> None:
    data = tmx(tu("summer", "été")).encode("cp1252")
    found, _ = _read(tmp_path / "a.tmx", data, ReadOptions(langs=("en", "fr"), encoding="cp1252"))
    assert found.pairs == [("summer", "été")]
    data = tmx(tu("summer", "été"), encoding="utf-8").encode("utf-16-le")
    found, _ = _read(tmp_path / "a.tmx", data, ReadOptions(langs=("en", "fr"), encoding="utf-16"))
    assert found.pairs == [("summer", "été")]


def test_lang_of_tmx_1_1(tmp_path: Path) -> None:
    found, _ = _read(tmp_path / "a.tmx", tmx(tu(*HELLO)).replace("xml:lang", "lang"))
    assert found.pairs == [HELLO]


@pytest.mark.parametrize("spelling", ["en-US", "EN_us", "eng", "EN", "en-GB-oed"])
def test_spellings_of_a_language(tmp_path: Path, spelling: str) -> None:
    found, report = _read(tmp_path / "a.tmx", tmx(tu(*HELLO, langs=(spelling, "fr"))))
    assert found.pairs == [HELLO]
    assert report.languages[spelling] == 1


def test_another_region_is_another_language(tmp_path: Path) -> None:
    data = tmx(tu(*HELLO, langs=("en", "pt-PT")), tu(*WORLD, langs=("en", "pt-BR")))
    found, report = _read(tmp_path / "a.tmx", data, ReadOptions(langs=("en", "pt-BR")))
    assert found.pairs == [WORLD]
    assert report.left_out == {"no pt-BR text": 1}


@pytest.mark.parametrize(
    ("code", "langs"), [("en", ("en-GB", "en-US")), ("pt", ("pt-BR", "pt-PT")), ("sr", ("sr-Latn", "sr-Cyrl"))]
)
def test_an_ambiguous_language_is_refused_with_those_found(tmp_path: Path, code: str, langs: tuple[str, str]) -> None:
    unit = f"<tu>{tuv(langs[0], 'a')}{tuv(langs[1], 'b')}{tuv('fr', 'c')}</tu>\n"
    good = tu("x", "y", langs=(langs[0], "fr"))
    stopped, _ = _read(tmp_path / "a.tmx", tmx(good, unit, good), ReadOptions(langs=(code, "fr")))
    skipped, report = _read(tmp_path / "a.tmx", tmx(good, unit, good), _skip((code, "fr")))
    assert stopped.pairs == [("x", "y")]
    assert f"a.tmx:4: expected one language that matches {code}, found {', '.join(sorted(langs))}" in stopped.error
    assert skipped.pairs == [("x", "y")] * 2
    assert report.num_faults == 1


def test_scripts_are_not_mixed_but_regions_are(tmp_path: Path) -> None:
    data = tmx(tu("a", "b", langs=("en", "zh-CN")), tu("c", "d", langs=("en", "zh-TW")))
    found, _ = _read(tmp_path / "a.tmx", data, ReadOptions(langs=("en", "zh")))
    assert found.pairs == [("a", "b")]
    assert "zh-Hans and zh-Hant" in found.error
    found, _ = _read(tmp_path / "a.tmx", data, ReadOptions(langs=("en", "zh-Hant")))
    assert found.pairs == [("c", "d")]
    data = tmx(tu("a", "b", langs=("en-US", "fr")), tu("c", "d", langs=("en-GB", "fr")))
    found, report = _read(tmp_path / "a.tmx", data)
    assert found.pairs == [("a", "b"), ("c", "d")]
    assert report.languages == {"en-US": 1, "en-GB": 1, "fr": 2}


def test_the_first_of_several_texts_is_read(tmp_path: Path) -> None:
    unit = f"<tu>{tuv('en', 'a')}{tuv('fr', 'b')}{tuv('FR', 'c')}{tuv('de', 'd')}</tu>"
    found, report = _read(tmp_path / "a.tmx", tmx(unit))
    assert found.pairs == [("a", "b")]
    assert report.left_out == {"another fr text in the same unit": 1}


def test_units_without_a_language_are_counted(tmp_path: Path) -> None:
    units = [tu(*HELLO), tu("a", "b", langs=("en", "de")), "<tu/>", f"<tu>{tuv('fr', 'x')}</tu>", tu("", "")]
    found, report = _read(tmp_path / "a.tmx", tmx(*units))
    assert found.pairs == [HELLO, ("", "")]
    assert report.left_out == {"no fr text": 1, "no en text": 2}


@pytest.mark.parametrize(
    ("srclang", "expected"), [("en", HELLO), ("*all*", HELLO), ("FR-fr", HELLO[::-1]), ("de", HELLO)]
)
def test_languages_of_the_file(tmp_path: Path, srclang: str, expected: tuple[str, str]) -> None:
    data = tmx(f"<tu>{tuv('en', 'only')}</tu>", tu(*HELLO), header=f'<header srclang="{srclang}"/>')
    found, report = _read(tmp_path / "a.tmx", data, ReadOptions())
    assert found == Outcome([expected], [3], "")
    assert report.left_out == {"only one language": 1}


def test_a_third_language_must_be_named(tmp_path: Path) -> None:
    data = tmx(tu(*HELLO), tu("a", "b", langs=("en", "de")), tu(*WORLD))
    stopped, _ = _read(tmp_path / "a.tmx", data, ReadOptions())
    skipped, report = _read(tmp_path / "a.tmx", data, _skip(None))
    assert stopped.pairs == [HELLO]
    assert "a.tmx:4: expected two languages, found de, en, fr: name the source" in stopped.error
    assert skipped.pairs == [HELLO, WORLD]
    assert report.num_faults == 1


def test_text_is_returned_as_it_is(tmp_path: Path) -> None:
    found, _ = _read(tmp_path / "a.tmx", tmx(tu(" a\r\nb\tc&#10;d ", "<![CDATA[x & <y>]]> &amp;amp;<!-- no --><?pi?>")))
    assert found.pairs == [(" a\nb\tc\nd ", "x & <y> &amp;")]


def test_namespaces_with_and_without_a_prefix(tmp_path: Path) -> None:
    unit = re.sub("<(/?)", r"<\1t:", tu(*HELLO))
    data = f'<t:tmx xmlns:t="urn:x"><t:body>\n{unit}</t:body></t:tmx>'
    found, _ = _read(tmp_path / "a.tmx", data)
    assert found.pairs == [HELLO]
    data = (
        tmx(tu(*HELLO)).replace("<tmx ", '<tmx xmlns="urn:x" ').replace("<tu>", '<tu><o:tuv xmlns:o="urn:o">x</o:tuv>')
    )
    found, _ = _read(tmp_path / "a.tmx", data)
    assert found.pairs == [HELLO]


def test_the_dtd_is_not_fetched(tmp_path: Path) -> None:
    data = tmx(tu(*HELLO)).replace("<tmx", '<!DOCTYPE tmx SYSTEM "http://localhost:1/tmx14.dtd">\n<tmx')
    found, _ = _read(tmp_path / "a.tmx", data)
    assert found == Outcome([HELLO], [4], "")


def test_subflows_are_kept_on_request(tmp_path: Path) -> None:
    data = tmx(tu('See<ph>&lt;img alt="<sub>a cat</sub>"&gt;</ph>here', "x"))
    found, _ = _read(tmp_path / "a.tmx", data)
    assert found.pairs == [("See here", "x")]
    found, _ = _read(tmp_path / "a.tmx", data, ReadOptions(langs=("en", "fr"), inline_text=True))
    assert found.pairs == [("See a cat here", "x")]


def test_lxml_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.tmx"
    texts = [
        "é &lt;b&gt; &#x4E2D;",
        " <hi>x</hi>y\n z",
        "<![CDATA[<&>]]>&amp;",
        "<hi type='bold'>a<hi>b</hi></hi>",
        "",
        "𝔘 \u200b",
    ]
    path.write_text(tmx(*(tu(f"{number} {text}", text) for number, text in enumerate(texts))), encoding="utf-8")
    expected = [
        tuple("".join(seg.itertext()) for seg in unit.iter("seg")) for unit in etree.parse(path).getroot().iter("tu")
    ]
    found = outcome(TmxReader(path, EN_FR))
    assert found.pairs == expected
    assert len(found.pairs) == len(texts)


def test_many_combinations_of_languages_are_read_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    units = [tu(*HELLO), "".join(("<tu>", tuv("en-GB", "a"), tuv("fr-CA", "b"), "</tu>"))]
    expected = _read(tmp_path / "a.tmx", tmx(*units))[0]
    assert len(expected.pairs) == 2
    monkeypatch.setattr(tmx_module, "_MAX_CHOICES", 1)
    assert _read(tmp_path / "a.tmx", tmx(*units))[0] == expected


def test_one_language_twice_is_no_pair(tmp_path: Path) -> None:
    unit = "".join(("<tu>", tuv("en", "a"), "</tu>"))
    found, report = _read(tmp_path / "a.tmx", tmx(unit), ReadOptions(langs=("en-US", "en-GB")))
    assert found.pairs == []
    assert report.left_out == {"no separate en-GB text": 1}
