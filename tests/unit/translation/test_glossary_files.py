"""Glossary files: tables and TBX, their languages, and files that are none."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from regard.errors import ConfigError, DataError
from regard.translation import glossary_files
from regard.translation.glossary import Glossary, GlossaryEntry
from regard.translation.glossary_files import read_glossary

CAT = (GlossaryEntry(("cat",), ("chat", "chats"), inflect=True), GlossaryEntry(("dog",), ("chien",)))
TBX_2 = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE martif SYSTEM "TBXcoreStructV02.dtd">
<martif type="TBX" xml:lang="en"><martifHeader><fileDesc><sourceDesc><p>cats</p></sourceDesc></fileDesc></martifHeader>
<text><body>
<termEntry id="c1"><descrip type="definition">An <hi>animal</hi></descrip>
<langSet xml:lang="fr"><tig><term>chat</term></tig>
<tig><term>minou</term><termNote type="administrativeStatus">deprecatedTerm-admn-sts</termNote></tig></langSet>
<langSet xml:lang="en"><ntig><termGrp><term>cat &amp; <hi>co</hi></term></termGrp></ntig>
<tig><term>kitty</term></tig></langSet>
</termEntry>
<termEntry id="c2"><langSet xml:lang="en"><tig><term>dog</term></tig></langSet></termEntry>
</body></text></martif>
"""
TBX_3 = """<tbx type="TBX-Basic" style="dct" xml:lang="en" xmlns="urn:iso:std:iso:30042:ed-2"
 xmlns:min="http://www.tbxinfo.net/ns/min"><tbxHeader/><text><body><conceptEntry id="1">
<langSec xml:lang="en-US"><termSec><term>cat</term></termSec></langSec>
<langSec xml:lang="fr"><termSec><term>chat</term></termSec><termSec><term>minou</term>
<min:administrativeStatus>supersededTerm-admn-sts</min:administrativeStatus></termSec></langSec>
<langSec xml:lang="de"><termSec><term>Katze</term></termSec></langSec>
</conceptEntry></body></text></tbx>
"""

WITH_LANGUAGES = """source\ttarget\tflags\tsource_language\ttarget_language
cat\tchat|chats\tinflect\ten_US\tfr
Katze\tchat\t\tde\tfr
dog\tchien
"""


def write(tmp_path: Path, name: str, text: str | bytes) -> Path:
    """Writes a file."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tsv", "cat\tchat|chats\tinflect\n\n# a comment\ndog\tchien\n"),
        ("a.txt", "\ufeffsource\ttarget\tflags\r\ncat\tchat|chats\tINFLECT\r\ndog\tchien\r\n"),
        ("a.tsv", "note\ttarget\tflags\tsource\nx\tchat|chats\tinflect\tcat\ny\tchien\t\tdog\n"),
        ("a.tsv", "en\tfr\ncat\tchat|chats\ndog\tchien\n"),
        ("a.csv", 'cat,"chat|chats",inflect\n"dog",chien\n'),
        ("a.csv", "source;target;flags\ncat;chat|chats;inflect\ndog;chien;\n"),
        ("terms", "source,target,flags\ncat,chat|chats,inflect\ndog,chien,\n"),
        (
            "a.tsv",
            "source\ttarget\tflags\tlanguages\ncat\tchat|chats\tinflect\ten-fr\ncat\tKatze\t\ten-de\ndog\tchien\n",
        ),
        ("a.tsv", WITH_LANGUAGES),
        ("a.tsv", "cat\tchat|chats\tinflect\ten-fr\ncat\tKatze\tcase\ten-de\ndog\tchien\n"),
    ],
)
def test_tables(name: str, text: str, tmp_path: Path) -> None:
    entries = read_glossary(write(tmp_path, name, text), langs=("en", "fr")).entries
    assert [(entry.sources, entry.targets) for entry in entries] == [(entry.sources, entry.targets) for entry in CAT]
    assert "inflect" not in text or entries == CAT


def test_several_and_compressed_files(tmp_path: Path) -> None:
    first = write(tmp_path, "a.tsv.gz", gzip.compress(b"cat\tchat|chats\tinflect\n"))
    second = write(tmp_path, "b.csv", "source,target\ndog,chien\n")
    assert read_glossary([first, second]).entries == CAT


def test_escapes_and_empty_files(tmp_path: Path) -> None:
    entry = read_glossary(write(tmp_path, "a.tsv", "a\\|b\t\\!x|c\\|d|!e\n")).entries[0]
    assert (entry.sources, entry.targets, entry.forbidden) == (("a|b",), ("!x", "c|d"), ("e",))
    assert len(read_glossary(write(tmp_path, "b.tsv", ""))) == 0


def test_tbx_2_with_two_languages(tmp_path: Path) -> None:
    terms = read_glossary(write(tmp_path, "a.tbx", TBX_2))
    assert terms.entries == (GlossaryEntry(("cat & co", "kitty"), ("chat",), ("minou",)),)
    back = read_glossary(write(tmp_path, "a.xml", TBX_2), langs=("fr", "en"))
    assert back.entries == (GlossaryEntry(("chat", "minou"), ("cat & co", "kitty")),)


def test_tbx_3_with_several_languages(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tbx", TBX_3)
    assert read_glossary(path, langs=("en", "fr")).entries == (GlossaryEntry(("cat",), ("chat",), ("minou",)),)
    assert read_glossary(path, langs=("de", "fr")).entries[0].sources == ("Katze",)
    assert not read_glossary(path, langs=("ko", "fr")).entries
    with pytest.raises(ConfigError, match=r"a\.tbx:2: expected terms in two languages, found en-US, fr, de"):
        read_glossary(path)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.tsv", b"cat\tchat\ndog\n", r"a\.tsv:2: expected at least 2 columns, source and target, found 1"),
        ("a.tsv", b"cat\tchat\tnoun\n", r"a\.tsv:1: expected flags among .*found 'noun'"),
        ("a.tsv", b"cat\tchat\ndog\t\n", r"a\.tsv:2: expected a translation of 'dog'"),
        ("a.tsv", b"cat\tchat\tcase\tenglish-french\n", r"a\.tsv:1: expected a direction"),
        ("a.tsv", b"cat\tch\x00at\n", r"a\.tsv:1: expected text, found a NUL byte"),
        ("a.tsv", b"cat\tch\xe9t\n", r"a\.tsv:1: expected UTF-8, found byte 0xe9"),
        ("a.tsv", b"cat\t" + b"x" * 10_000_000 + b"\n", r"a\.tsv:1: expected a line of at most 1,048,576 bytes"),
        ("a.tsv", b"cat\t" + b"x" * 1_000_000 + b"\n", r"a\.tsv:1: expected terms of at most 500 characters"),
        ("a.csv", b'cat,chat\n"dog,chien\n', r"a\.csv:2: expected a closing quote"),
        ("a.tsv", b"PK\3\4 and so on", r"a\.tsv: expected text, found a \.zip archive"),
        ("a.tsv.gz", b"\x1f\x8b\x08\0 and so on", r"a\.tsv\.gz"),
        ("a.tsv", "cat\tchat\n".encode("utf-16"), r"a\.tsv: expected UTF-8, found the byte order mark of UTF-16"),
        ("a.tbx", b"", r"a\.tbx: expected TBX, found an empty file"),
        ("a.tbx", b"<tmx></tmx>", r"a\.tbx:1: expected the root element <martif>, found <tmx>"),
        ("a.tbx", TBX_2.encode()[:-40], r"a\.tbx:\d+: column \d+: expected"),
        ("a.tbx", TBX_2.replace(' xml:lang="fr"', "").encode(), r"a\.tbx:6: expected the attribute xml:lang"),
        ("a.tbx", b"<tbx>" + b"<a>" * 100, r"expected at most 64 nested elements"),
        (
            "a.tbx",
            b'<!DOCTYPE tbx [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><tbx>&b;</tbx>',
            r"a\.tbx:1: expected no entity declarations",
        ),
        ("a.tbx", TBX_2.replace("kitty", "k" * 6000).encode(), r"a\.tbx:\d+: <term>: expected at most 500 characters"),
    ],
)
def test_hostile_and_faulty_files_are_refused(name: str, data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_glossary(write(tmp_path, name, data))


def test_messages_name_no_option_that_glossaries_lack(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_glossary(write(tmp_path, "a.tbx", TBX_2.encode()[:-40]))
    assert "--on-error" not in str(caught.value)


def test_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.tsv: no such file"):
        read_glossary(tmp_path / "none.tsv")


def test_files_that_expand_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glossary_files, "MAX_CHARACTERS", 1000)
    with pytest.raises(DataError, match="expected at most 1,000 characters"):
        read_glossary(write(tmp_path, "a.tsv.gz", gzip.compress(b"cat\tchat\n" * 1000)))


def test_many_entries_are_read(tmp_path: Path) -> None:
    terms = Glossary(GlossaryEntry((f"term {number}",), ("x",)) for number in range(20_000))
    assert [match.surface for match in terms.find("a term 19999 and term 20000")] == ["term 19999"]
    lines = "".join(f"term {number}\tx\n" for number in range(20_000))
    assert read_glossary(write(tmp_path, "a.tsv", lines)).signature == terms.signature
