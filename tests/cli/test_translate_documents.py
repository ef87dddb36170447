"""`regard translate` on documents: by the name of the file or `--format`, to a file or a stream."""

from __future__ import annotations

import io
import os
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import polib
import pytest
from lxml import etree

from regard.translation import loading
from regard.translation.markup import files
from regard.translation.markup.files import open_file


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]
QUICK = ("--beam", "1")
PO = (
    'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n#, c-format\nmsgid "%s"\nmsgstr ""\n\n'
    'msgid "I see a cat."\nmsgstr ""\n'
)
XLF = (
    '<xliff version="1.2"><file source-language="en"><body><trans-unit id="1"><source>I <g id="1">see</g> it.</source>'
    "</trans-unit></body></file></xliff>"
)
TMX = '<tmx version="1.4"><header srclang="en"/><body><tu><tuv xml:lang="en"><seg>I see.</seg></tuv></tu></body></tmx>'


def test_a_catalog_is_filled(at_work: Path, regard: Run) -> None:
    (at_work / "in.po").write_text(PO)
    done = regard("translate", "model", *QUICK, "--input", "in.po", "--output", "out.po", "--mark-fuzzy")
    assert (done.status, done.out) == (0, "")
    first, second = polib.pofile("out.po")
    assert (first.msgstr, first.flags) == ("%s", ["c-format", "fuzzy"])
    assert second.msgstr
    assert second.flags == ["fuzzy"]


@pytest.mark.parametrize(("name", "text"), [("in.XLF", XLF), ("in.tmx", TMX)])
def test_languages_come_from_the_command(at_work: Path, regard: Run, name: str, text: str) -> None:
    (at_work / name).write_text(text)
    done = regard("translate", "model", *QUICK, "--input", name, "--langs", "en-pt-BR")
    assert done.status == 0
    assert "pt-BR" in done.out
    assert etree.fromstring(done.out.encode()).xpath("count(//target | //tuv[@xml:lang='pt-BR'])") == 1


def test_languages_come_from_the_model(at_work: Path, regard: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (at_work / "in.tmx").write_text(TMX)
    refused = regard("translate", "model", "--input", "in.tmx")
    assert refused.status == 2
    assert "in.tmx: expected a target language, which TMX files do not name: add --langs, such as en-fr" in refused.err
    refused = regard("translate", "model", "--input", "in.tmx", "--langs", "xx")
    assert refused.status == 2
    assert "expected a direction such as en-fr" in refused.err
    monkeypatch.setattr(loading, "stored_languages", lambda path: "en-fr")
    assert '<tuv xml:lang="fr">' in regard("translate", "model", *QUICK, "--input", "in.tmx").out


def test_columns(at_work: Path, regard: Run) -> None:
    (at_work / "in.csv").write_text("id,note\n7,I see a cat.\n")
    command = ("translate", "model", *QUICK, "--input", "in.csv", "--column", "note", "--result-column", "fr")
    done = regard(*command)
    assert done.status == 0
    assert done.out.startswith("id,note,fr\n7,I see a cat.,")
    done = regard("translate", "model", "--input", "in.csv", "--column", "text")
    assert done.status == 2
    assert "in.csv:1: expected the column 'text', found id, note" in done.err


def test_standard_input_with_a_format(at_work: Path, regard: Run) -> None:
    done = regard("translate", "model", *QUICK, "--format", "md", stdin=b"# I see a cat.\n\n```\ncode\n```\n")
    assert done.status == 0
    assert done.out.startswith("# ")
    assert done.out.endswith("\n\n```\ncode\n```\n")
    done = regard("translate", "model", "--format", "xlf", stdin=b"<xliff version='1.2'>\n<file>")
    assert done.status == 2
    assert "standard input.xlf:2:7: expected well-formed XML" in done.err


def test_lines_stay_lines(at_work: Path, regard: Run) -> None:
    text = b"I see. It is  late.\n\nYes.\n"
    (at_work / "in.txt").write_bytes(text)
    (at_work / "in.csv").write_bytes(text)
    streamed = regard("translate", "model", *QUICK, stdin=text).out
    assert regard("translate", "model", *QUICK, "--input", "in.txt").out == streamed
    assert regard("translate", "model", *QUICK, "--input", "in.csv", "--format", "lines").out == streamed
    document = regard("translate", "model", *QUICK, "--input", "in.txt", "--format", "txt")
    assert document.status == 0
    assert document.out.count("\n") == 3


def test_an_archive(at_work: Path, regard: Run) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("content.xml", "<o:x xmlns:text='t'><text:p>I see a cat.</text:p></o:x>")
    (at_work / "in.odt").write_bytes(buffer.getvalue())
    assert regard("translate", "model", *QUICK, "--input", "in.odt", "--output", "out.odt").status == 0
    assert len(open_file("out.odt", (at_work / "out.odt").read_bytes()).sentences) >= 1


def test_a_pipe_is_read(at_work: Path, regard: Run) -> None:
    os.mkfifo("in.md")
    thread = threading.Thread(target=lambda: Path("in.md").write_bytes(b"# I see.\n"))
    thread.start()
    done = regard("translate", "model", *QUICK, "--input", "in.md")
    thread.join()
    assert done.out.startswith("# ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--input", "in.po", "--json"),
            "--json cannot be used with a document of type .po: remove it, or add --format lines",
        ),
        (("--input", "in.po", "--n-best", "2"), "the results of --n-best 2 do not fit"),
        (("--input", "in.po", "--column", "a"), "--column: expected an input of type .csv, .tsv, .jsonl, got .po"),
        (
            ("--input", "test.en", "--mark-fuzzy"),
            "--mark-fuzzy: expected an input of type .po, .pot, got lines of text",
        ),
        (("--input", "in.po", "--format", "doc"), "--format: expected lines or one of txt, html"),
        (("--input", "nowhere.po"), "nowhere.po: no such file"),
        (("--input", "in.po", "--output", "in.po"), "in.po"),
        (("--input", "big.md"), "big.md: contains 6 bytes of text; at most 5 are read: split it"),
        (("--input", "bad.po"), "bad.po:1"),
    ],
)
def test_refusals(
    at_work: Path, regard: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    (at_work / "in.po").write_text(PO)
    (at_work / "big.md").write_text("123456")
    (at_work / "bad.po").write_text('msgid "Hi\n')
    if "big.md" in arguments:
        monkeypatch.setattr(files, "MAX_TEXT", 5)
    done = regard("translate", "model", *arguments)
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err
    assert (at_work / "in.po").read_text() == PO


def test_a_missing_directory_is_found_before_the_translation(at_work: Path, regard: Run) -> None:
    (at_work / "in.po").write_text("not a catalog")
    done = regard("translate", "model", "--input", "in.po", "--output", "nowhere/out.po")
    assert done.status == 2
    assert done.err == "regard: error: nowhere: no such directory: make it, or choose another path for out.po\n"
