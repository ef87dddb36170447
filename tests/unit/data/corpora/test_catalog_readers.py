"""Sentence pairs of gettext catalogs, from source and compiled files: plural forms, languages, unfinished entries."""

from __future__ import annotations

import gettext
import gzip
import io
import struct
from pathlib import Path

import polib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.corpora import mo as compiled_catalogs
from regard.data.corpora.accelerators import remove_accelerators
from regard.data.corpora.formats import open_corpus
from regard.data.corpora.mo import MoReader
from regard.data.corpora.plural_forms import PluralForms
from regard.data.corpora.po import PoReader
from regard.data.corpora.unit import ReadOptions, ReadReport, Unit
from regard.errors import ConfigError, DataError

PLURALS = {
    "ja": "nplurals=1; plural=0;",
    "fr": "nplurals=3; plural=(n == 0 || n == 1) ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2;",
    "ru": "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);",
    "sl": "nplurals=4; plural=(n%100==1 ? 1 : n%100==2 ? 2 : n%100==3 || n%100==4 ? 3 : 0);",
    "ar": "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5;",
}


def header(language: str = "fr", plural: str = "") -> str:
    fields = ["Content-Type: text/plain; charset=UTF-8", f"Language: {language}", f"Plural-Forms: {plural}"]
    return 'msgid ""\nmsgstr ""\n' + "".join(f'"{value}\\n"\n' for value in fields) + "\n"


def read(path: Path, content: str | bytes, options: ReadOptions = ReadOptions()) -> tuple[list[Unit], ReadReport]:  # noqa: B008
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    reader = open_corpus(path, None, options)
    return list(reader.units()), reader.report


def pairs(units: list[Unit]) -> list[tuple[str, str]]:
    return [(unit.src, unit.tgt) for unit in units]


FILES = 'msgid "%d file"\nmsgid_plural "%d files"\n'


@pytest.mark.parametrize(
    ("language", "forms", "expected", "left_out"),
    [
        ("ja", ["%d のファイル"], [("%d file", "%d のファイル"), ("%d files", "%d のファイル")], {}),
        (
            "fr",
            ["%d fichier", "%d de fichiers", "%d fichiers"],
            [("%d file", "%d fichier"), ("%d files", "%d de fichiers"), ("%d files", "%d fichiers")],
            {},
        ),
        (
            "fr",
            ["%d fichier", "%d fichiers", "%d fichiers"],
            [("%d file", "%d fichier"), ("%d files", "%d fichiers")],
            {"plural form equal to another one": 1},
        ),
        (
            "ru",
            ["%d файл", "%d файла", "%d файлов"],
            [("%d file", "%d файл"), ("%d files", "%d файла"), ("%d files", "%d файлов")],
            {},
        ),
        (
            "sl",  # the singular is form 1
            ["%d datotek", "%d datoteka", "%d datoteki", "%d datoteke"],
            [
                ("%d files", "%d datotek"),
                ("%d file", "%d datoteka"),
                ("%d files", "%d datoteki"),
                ("%d files", "%d datoteke"),
            ],
            {},
        ),
        (
            "ar",  # forms 0 and 2 are for exactly these numbers
            ["لا ملفات", "ملف", "ملفان", "%d ملفات", "%d ملفا", ""],
            [("%d file", "ملف"), ("%d files", "%d ملفات"), ("%d files", "%d ملفا")],
            {"plural form for a single number": 2, "untranslated plural form": 1},
        ),
        ("xx", ["un", "deux"], [("%d file", "un"), ("%d files", "deux")], {}),  # the header names no rule
    ],
)
def test_plural_forms_are_not_crossed(
    tmp_path: Path, language: str, forms: list[str], expected: list[tuple[str, str]], left_out: dict[str, int]
) -> None:
    text = FILES + "".join(f'msgstr[{index}] "{form}"\n' for index, form in enumerate(forms))
    units, report = read(tmp_path / "x.po", header("fr", PLURALS.get(language, "")) + text)
    assert pairs(units) == expected
    assert dict(report.left_out) == left_out
    if not all(forms):
        return  # polib compiles complete entries only
    catalog = polib.pofile(str(tmp_path / "x.po"))
    catalog.save_as_mofile(str(tmp_path / "x.mo"))
    reader = MoReader(tmp_path / "x.mo", ReadOptions())
    assert pairs(list(reader.units())) == expected
    assert dict(reader.report.left_out) == left_out


def test_a_singular_without_number_is_not_paired_with_the_only_form(tmp_path: Path) -> None:
    text = 'msgid "One file"\nmsgid_plural "%d files"\nmsgstr[0] "%d のファイル"\n'
    units, report = read(tmp_path / "x.po", header("ja", PLURALS["ja"]) + text)
    assert pairs(units) == [("%d files", "%d のファイル")]
    assert report.left_out == {"singular without the placeholders of the only form": 1}


@pytest.mark.parametrize(
    "rule", ["plural=n!!;", "plural=n%0;", "plural=" + "(" * 300, "nplurals=x; plural=", "plural=9**9"]
)
def test_a_broken_plural_rule_means_that_form_0_is_the_singular(rule: str) -> None:
    assert PluralForms.parse(rule).singular == 0


@given(st.text(st.sampled_from("n()?:!=<>&|%+-*/0123456789 "), max_size=40))
def test_no_plural_rule_crashes(rule: str) -> None:
    PluralForms.parse(f"nplurals=2; plural={rule};")


def test_unfinished_entries_are_counted(tmp_path: Path) -> None:
    text = header() + (
        'msgid "a"\nmsgstr ""\n\n#, c-format, fuzzy\nmsgid "b"\nmsgstr "f"\n\n#~ msgid "c"\n#~ msgstr "g"\n\n'
        '#, fuzzy\nmsgid "d"\nmsgstr ""\n\nmsgctxt "x"\nmsgid "e"\nmsgstr "h"\n\nmsgctxt "y"\nmsgid "e"\nmsgstr "i"\n'
    )
    units, report = read(tmp_path / "x.po", text)
    assert pairs(units) == [("e", "h"), ("e", "i")]
    assert report.left_out == {"untranslated": 2, "fuzzy": 1, "obsolete": 1}
    assert [unit.line for unit in units] == [22, 26]
    units, report = read(tmp_path / "x.po", text, ReadOptions(include_fuzzy=True))
    assert pairs(units) == [("b", "f"), ("e", "h"), ("e", "i")]
    assert report.left_out == {"untranslated": 2, "obsolete": 1}


@pytest.mark.parametrize(
    ("language", "langs", "expected"),
    [
        ("fr", ("en", "fr"), ("Hello", "Bonjour")),
        ("fr_CA", ("en", "fr"), ("Hello", "Bonjour")),
        ("fr", ("fr", "en"), ("Bonjour", "Hello")),
        ("", ("en", "fr"), ("Hello", "Bonjour")),
        ("not a language", ("en", "fr"), ("Hello", "Bonjour")),
        ("sr@latin", ("en", "sr-Latn"), ("Hello", "Bonjour")),
        ("en_GB", ("en-GB", "en"), ("Bonjour", "Hello")),
        ("en_GB", ("en", "en-GB"), ("Hello", "Bonjour")),
        ("pt_BR.UTF-8", ("en", "pt"), ("Hello", "Bonjour")),
    ],
)
def test_the_header_gives_the_direction(
    tmp_path: Path, language: str, langs: tuple[str, str], expected: tuple[str, str]
) -> None:
    units, _ = read(tmp_path / "x.po", header(language) + 'msgid "Hello"\nmsgstr "Bonjour"\n', ReadOptions(langs=langs))
    assert pairs(units) == [expected]


def test_another_language_is_refused(tmp_path: Path) -> None:
    text = header("de") + 'msgid "Hello"\nmsgstr "Hallo"\n'
    with pytest.raises(
        DataError, match=r"x\.po: expected a catalog of translations into fr \(or en\), found Language: de"
    ):
        read(tmp_path / "x.po", text, ReadOptions(langs=("en", "fr")))
    units, report = read(tmp_path / "x.po", text, ReadOptions(langs=("en", "fr"), on_error="skip"))
    assert units == [] and report.num_faults == 1


def test_languages_that_were_read_are_counted(tmp_path: Path) -> None:
    _, report = read(tmp_path / "x.po", header("fr_CA") + 'msgid "a"\nmsgstr "b"\n')
    assert report.languages == {"fr-CA": 1}


def test_accelerators_are_removed_on_request_only(tmp_path: Path) -> None:
    text = header() + 'msgid "&Open"\nmsgstr "&Ouvrir"\n'
    assert pairs(read(tmp_path / "x.po", text)[0]) == [("&Open", "&Ouvrir")]
    assert pairs(read(tmp_path / "x.po", text, ReadOptions(accelerators=True))[0]) == [("Open", "Ouvrir")]
    marked = text.replace("Language: fr", r"Language: fr\nX-Accelerator-Marker: ~").replace("&", "~")
    assert pairs(read(tmp_path / "x.po", marked, ReadOptions(accelerators=True))[0]) == [("Open", "Ouvrir")]


@pytest.mark.parametrize(
    ("src", "tgt", "expected"),
    [
        ("E&xit", "&Quitter", ("Exit", "Quitter")),
        ("_Open", "打开(_O)", ("Open", "打开")),
        ("Cut && &Paste", "Couper && c&oller", ("Cut & Paste", "Couper & coller")),
        ("R&D and A&B", "R&D et A&B", ("R&D and A&B", "R&D et A&B")),  # two
        ("R&D", "R&D", ("R&D", "R&D")),  # the same word in both
        ("a & b", "a & b", ("a & b", "a & b")),
        ("&lt;b&gt; _Bold", "&lt;b&gt; _Gras", ("&lt;b&gt; Bold", "&lt;b&gt; Gras")),
        ("use file_name", "utiliser file_name", ("use file_name", "utiliser file_name")),
        (
            "<a href='x?a&b'>&Go</a>",
            "<a href='x?a&b'>&Aller</a>",
            ("<a href='x?a&b'>Go</a>", "<a href='x?a&b'>Aller</a>"),
        ),
        ("%(user_name)s", "%(user_name)s", ("%(user_name)s", "%(user_name)s")),
    ],
)
def test_only_real_accelerators_are_removed(src: str, tgt: str, expected: tuple[str, str]) -> None:
    assert remove_accelerators(src, tgt) == expected


def test_faults_are_skipped_and_counted(tmp_path: Path) -> None:
    text = header() + 'msgid "a"\nmsgstr "b"\n\nmsgid "c\nmsgstr "d"\n\nmsgid "e"\nmsgstr "f"\n'
    with pytest.raises(DataError, match=r"x\.po:10: .*without a closing quotation mark"):
        read(tmp_path / "x.po", text)
    units, report = read(tmp_path / "x.po", text, ReadOptions(on_error="skip"))
    assert pairs(units) == [("a", "b"), ("e", "f")]
    assert report.num_faults == 1 and "x.po:10:" in report.faults[0]


def test_a_cut_gzip_gives_the_entries_before_the_cut(tmp_path: Path) -> None:
    text = header() + "".join(f'msgid "{number * 7919}"\nmsgstr "x"\n\n' for number in range(5000))
    data = gzip.compress(text.encode())
    assert len(read(tmp_path / "x.po.gz", data)[0]) == 5000
    units, report = read(tmp_path / "x.po.gz", data[: len(data) // 2], ReadOptions(on_error="skip"))
    assert 1000 < len(units) < 4000 and report.num_faults == 1 and "cut short" in report.faults[0]
    units = []
    with pytest.raises(DataError, match="cut short"):
        units.extend(open_corpus(tmp_path / "x.po.gz").units())
    assert len(units) > 1000


@pytest.mark.parametrize("name", ["x.po", "x.mo"])
@pytest.mark.parametrize("encoding", ["klingon", "hex", "utf-7", ""])
def test_an_unknown_encoding_is_refused(tmp_path: Path, name: str, encoding: str) -> None:
    content = mo(MESSAGES) if name == "x.mo" else header() + 'msgid "a"\nmsgstr "b"\n'
    with pytest.raises(ConfigError, match="encoding: expected the name of an encoding"):
        read(tmp_path / name, content, ReadOptions(encoding=encoding))


def test_fraction_read_ends_at_one(tmp_path: Path) -> None:
    path = tmp_path / "x.po"
    path.write_text(header() + 'msgid "a"\nmsgstr "b"\n')
    reader = PoReader(path, ReadOptions())
    list(reader.units())
    assert reader.fraction_read() == 1.0


def mo(messages: dict[bytes, bytes], order: str = "<", revision: int = 0) -> bytes:
    """A compiled catalog, in either byte order."""
    num_messages, keys = len(messages), sorted(messages)
    start = 28 + 16 * num_messages
    tables, strings = b"", b""
    for string in [*keys, *(messages[key] for key in keys)]:
        tables += struct.pack(f"{order}2I", len(string), start + len(strings))
        strings += string + b"\0"
    head = struct.pack(f"{order}7I", 0x950412DE, revision, num_messages, 28, 28 + 8 * num_messages, 0, start)
    return head + tables + strings


MESSAGES = {
    b"": b"Content-Type: text/plain; charset=UTF-8\nLanguage: fr\nPlural-Forms: nplurals=2; plural=(n > 1);\n",
    b"menu\x04Open": b"Ouvrir",
    b"Hello": "Déjà".encode(),
    b"%d file\0%d files": b"%d fichier\0%d fichiers",
}


@pytest.mark.parametrize("order", ["<", ">"])
def test_compiled_catalogs_agree_with_gettext(tmp_path: Path, order: str) -> None:
    data = mo(MESSAGES, order)
    units, _ = read(tmp_path / "x.mo", data, ReadOptions(langs=("en", "fr")))
    catalog = gettext.GNUTranslations(io.BytesIO(data))
    expected = [
        ("%d file", catalog.ngettext("%d file", "%d files", 1)),
        ("%d files", catalog.ngettext("%d file", "%d files", 5)),
        ("Hello", catalog.gettext("Hello")),
        ("Open", catalog.pgettext("menu", "Open")),
    ]
    assert pairs(units) == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "begins with 0x950412de, found b''"),
        (b"\xde\x12\x04\x95\0\0", "expected a header of 28 bytes, found 6"),
        (mo(MESSAGES, revision=2 << 16), "found format 2"),
        (mo(MESSAGES)[:60], "cut short or damaged"),
        (mo(MESSAGES)[:-3], "message 4: expected a string that ends before"),
        (
            mo({b"": b"Content-Type: text/plain; charset=UTF-8\n", b"a": b"\xe9"}),
            "message 2: expected UTF-8, found byte 0xe9",
        ),
        (mo({b"": b"Content-Type: text/plain; charset=klingon\n", b"a": b"b"}), "found charset=klingon"),
        (mo({b"a" * 2_000_000: b""}), "at most 1048576 bytes, found one of 2000000"),
    ],
)
def test_broken_compiled_catalogs_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"x.mo: .*{message}"):
        read(tmp_path / "x.mo", data)
    _, report = read(tmp_path / "x.mo", data, ReadOptions(on_error="skip"))
    assert report.num_faults == 1


def test_one_broken_message_costs_only_itself(tmp_path: Path) -> None:
    data = mo({b"": b"Content-Type: text/plain; charset=UTF-8\n", b"a": b"\xe9", b"b": b"c"})
    units, report = read(tmp_path / "x.mo", data, ReadOptions(on_error="skip"))
    assert pairs(units) == [("b", "c")] and report.num_faults == 1


def test_overlapping_strings_cannot_fill_the_memory(tmp_path: Path) -> None:
    """One string of a megabyte, to which ten thousand messages point."""
    text = b"x" * 1_000_000
    entries = struct.pack("<2I", len(text), 28 + 16 * 10_000) * 20_000
    head = struct.pack("<7I", 0x950412DE, 0, 10_000, 28, 28 + 8 * 10_000, 0, 0)
    with pytest.raises(DataError, match="overlapping"):
        read(tmp_path / "x.mo", head + entries + text)


@given(st.binary(max_size=100))
def test_no_bytes_crash_the_reader_of_compiled_catalogs(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.mo"
    path.write_bytes(b"\xde\x12\x04\x95\0\0\0\0" + tail)
    list(MoReader(path, ReadOptions(on_error="skip")).units())


def test_a_compiled_catalog_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_catalogs, "MAX_SIZE", 99)
    with pytest.raises(DataError, match="expected a catalog of at most 99 bytes, found a larger one"):
        read(tmp_path / "a.mo", b"\xde\x12\x04\x95" + bytes(96))
