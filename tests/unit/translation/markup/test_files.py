from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import pytest
from translators import capitals, shuffled, table, translations, unaligned, unchanged

from regard.errors import DataError
from regard.translation.markup import archive, files
from regard.translation.markup.file_formats import FILE_FORMATS
from regard.translation.markup.files import open_file

W = '<w:document xmlns:w="w" xmlns:r="r"><w:body>{}</w:body></w:document>'
BOLD = "<w:rPr><w:b/></w:rPr>"


def zipped(entries: Mapping[str, str | bytes], *, stored: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content, zipfile.ZIP_STORED if name == stored else None)
    return buffer.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def run(text: str, format: str = "") -> str:
    return f'<w:r>{format}<w:t xml:space="preserve">{text}</w:t></w:r>'


def word_file(*paragraphs: str, **others: str) -> bytes:
    content = "".join(f"<w:p>{paragraph}</w:p>" for paragraph in paragraphs)
    return zipped(
        {"[Content_Types].xml": "<Types/>", "word/document.xml": W.format(content), "word/styles.xml": "<s>No text</s>"}
        | {f"word/{name}.xml": W.format(text) for name, text in others.items()}
    )


def word_text(data: bytes, name: str = "document") -> str:
    return unzipped(data)[f"word/{name}.xml"].decode().removeprefix(W.split("{")[0]).removesuffix(W.split("}")[1])


OFFICE_OPEN = "<office:x xmlns:office='o' xmlns:text='t' xmlns:number='n'>{}</office:x>"
ODT = zipped(
    {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": OFFICE_OPEN.format(
            "<number:text>of </number:text><text:h>A <text:span>big</text:span> title</text:h>"
            "<text:p>See<text:s/>page <text:page-number>7</text:page-number> &amp; go.</text:p>"
        ),
        "styles.xml": OFFICE_OPEN.format("<text:p>Footer</text:p>"),
        "META-INF/manifest.xml": "<manifest/>",
    },
    stored="mimetype",
)
PPTX = zipped(
    {
        "ppt/presentation.xml": "<p/>",
        "ppt/slides/slide1.xml": "<p:sld><a:p><a:pPr/><a:r><a:rPr b='1'/><a:t>Big </a:t></a:r><a:r><a:t>news</a:t>"
        "</a:r><a:br/><a:fld type='slidenum'><a:t>one</a:t></a:fld><a:endParaRPr/></a:p></p:sld>",
        "ppt/notesSlides/notesSlide1.xml": "<p:n><a:p><a:r><a:t>Speak up</a:t></a:r></a:p></p:n>",
    }
)
EPUB = zipped(
    {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": "<container/>",
        "OEBPS/a.xhtml": '<?xml version="1.0" encoding="utf-8"?><html><head><title>Book</title><script src="x"/></head>'
        "<body><p>It was <i>late</i>.</p><pre>raw</pre></body></html>",
        "OEBPS/toc.ncx": "<ncx><navLabel><text>One</text></navLabel><content src='a.xhtml'/></ncx>",
        "OEBPS/b.png": b"\x89PNG\0",
    },
    stored="mimetype",
)
SRT = (
    "\ufeff1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>It was late\r\nand dark</i> &amp; so\r\n\r\n"
    "2\r\n00:00:03,000 --> 00:00:04,000 X1:10\r\n- Yes?\r\n- No.\r\n"
).encode()
FILES = {
    "a.docx": word_file(run("Press ") + run("it", BOLD) + run(" now."), header1="<w:p>" + run("Top") + "</w:p>"),
    "a.odt": ODT,
    "a.odp": ODT,
    "a.pptx": PPTX,
    "a.epub": EPUB,
    "a.srt": SRT,
    "a.txt": "One.\r\n\r\n  Two {x}.\tThree. \n".encode("utf-16"),
    "a.html": b'<meta charset="windows-1252"><p>caf\xe9 <b>noir</b></p>',
    "a.htm": b"<p>One</p>",
    "a.xhtml": b"<p>One</p>",
    "a.xml": b"<?xml version='1.0' encoding='iso-8859-1'?><a><b>caf\xe9</b></a>",
    "a.md": "\ufeff# One\r\n\r\n- *Two* {x}.\r\n".encode(),
    "a.markdown": b"One\ntwo",
    "a.vtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\nIt was\n<i>late</i>\n",
}
SIDE_BY_SIDE = {".xlf", ".xliff", ".tmx", ".csv", ".tsv", ".jsonl", ".po", ".pot"}
"""Formats with translations beside the text, which have tests of their own."""
SENTENCES = {
    "a.docx": ("Press it now.", "Top"),
    "a.odt": ("A big title", "See page & go.", "Footer"),
    "a.odp": ("A big title", "See page & go.", "Footer"),
    "a.pptx": ("Big news", "Speak up"),
    "a.epub": ("Book", "It was late.", "One"),
    "a.srt": ("It was late and dark &amp; so", "- Yes?", "- No."),
    "a.txt": ("One.", "Two.", "Three."),
    "a.html": ("café noir",),
    "a.htm": ("One",),
    "a.xhtml": ("One",),
    "a.xml": ("café",),
    "a.md": ("One", "Two."),
    "a.markdown": ("One two",),
    "a.vtt": ("It was late",),
}


def test_every_format_is_tested() -> None:
    assert {f".{name.split('.')[1]}" for name in FILES} | SIDE_BY_SIDE == set(FILE_FORMATS)


@pytest.mark.parametrize("name", sorted(FILES))
def test_sentences_and_unchanged_files(name: str) -> None:
    for spelling in (name, f"/x\\{name.upper()}"):
        file = open_file(spelling, FILES[name])
        assert file.sentences == SENTENCES[name]
        assert file.render(translations(file, unchanged)) == FILES[name]


@pytest.mark.parametrize("name", sorted(FILES))
def test_translated_files_are_read_again(name: str) -> None:
    file = open_file(name, FILES[name])
    again = open_file(name, file.render(translations(file, capitals)))
    assert again.sentences == tuple(sentence.upper() for sentence in file.sentences)
    with pytest.raises(ValueError, match="one per sentence, got 0"):
        file.render([])


def test_formatting_of_word_follows_the_words() -> None:
    file = open_file("a.docx", word_file(run("Press the ") + run("red", BOLD) + run(" key.")))
    entries = {"Press the red key.": ("Touche rouge à presser.", "0-3 3-0 2-1")}
    output = word_text(file.render(translations(file, table(entries))))
    assert output == "<w:p>" + run("Touche ") + run("rouge ", BOLD) + run("à presser.") + "</w:p>"


def test_spaces_at_the_ends_of_runs_are_marked() -> None:
    file = open_file("a.docx", word_file("<w:r><w:t>red</w:t></w:r>" + run(" fox", BOLD)))
    output = word_text(file.render(translations(file, capitals)))
    assert output == "<w:p>" + run("RED") + run(" FOX", BOLD) + "</w:p>"


def test_a_word_split_over_runs_is_one_word() -> None:
    file = open_file("a.docx", word_file(run("trans") + run("lation", BOLD) + run(" done")))
    assert file.sentences == ("translation done",)


@pytest.mark.parametrize("translate", [capitals, unaligned, *map(shuffled, range(5))])
def test_words_of_word_are_always_within_runs(translate: object) -> None:
    link = f'<w:hyperlink r:id="1">{run("my ")}{run("page", BOLD)}</w:hyperlink>'
    picture = "<w:r><w:drawing><x/></w:drawing></w:r>"
    box = f"<w:r><w:drawing><w:txbxContent><w:p>{run('in a box')}</w:p></w:txbxContent></w:drawing></w:r>"
    data = word_file(
        run("See ") + link + run(" {a} now") + picture + '<w:bookmarkStart w:id="1"/>' + run(".") + "<w:bookmarkEnd/>",
        run("Before") + box + run("after it"),
        "<w:pPr/><w:r><w:t>one</w:t><w:tab/><w:t>two</w:t></w:r>",
    )
    file = open_file("a.docx", data)
    output = word_text(file.render(translations(file, translate)))  # type: ignore[arg-type]
    depth, within = 0, ""
    for part in output.replace("<", "\n<").replace(">", ">\n").split("\n"):
        if part.startswith("<w:t") and part[4:5] in ">_ ":
            within = part
        elif part == "</w:t>":
            within = ""
        elif part.strip() and not part.startswith("<"):
            assert within, part
        depth += part.startswith("<w:r>") - (part == "</w:r>")
    assert depth == 0
    original = word_text(data)
    for tag in ("<w:hyperlink", "<w:drawing>", "<w:b/>", "<w:tab/>", "<w:bookmarkStart", "<w:bookmarkEnd", "{a}"):
        assert output.count(tag) == original.count(tag)
    assert output.index("<w:bookmarkStart") < output.index("<w:bookmarkEnd")


def test_fields_of_word_stay_in_order() -> None:
    marks = [f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")]
    field = marks[0] + "<w:r><w:instrText>PAGE</w:instrText></w:r>" + marks[1] + run("three") + marks[2]
    file = open_file("a.docx", word_file(run("Page ") + field + run(" of many"), marks[0] + run("Contents"), marks[2]))
    assert file.sentences == ("Page of many", "Contents")
    for seed in range(5):
        output = word_text(file.render(translations(file, shuffled(seed, "s"))))
        assert field in output
        assert output.index(marks[0]) < output.index("Contentss") < output.rindex(marks[2])


def test_archives_keep_other_files_order_and_compression() -> None:
    file = open_file("a.epub", EPUB)
    output = file.render(translations(file, capitals))
    assert list(unzipped(output)) == list(unzipped(EPUB))
    assert output[38:58] == b"application/epub+zip"  # readers find it at this place
    with zipfile.ZipFile(io.BytesIO(output)) as book:
        assert book.getinfo("mimetype").compress_type == zipfile.ZIP_STORED
        assert b"<i>LATE</i>.</p><pre>raw</pre>" in book.read("OEBPS/a.xhtml")
        assert book.read("OEBPS/b.png") == b"\x89PNG\0"


def test_subtitles_keep_times_and_lines() -> None:
    file = open_file("a.srt", SRT)
    output = file.render(translations(file, capitals)).decode()
    expected = SRT.decode()
    for text in ("It was late", "and dark", "&amp; so", "Yes", "No"):
        expected = expected.replace(text, text.upper())
    assert output == expected
    with pytest.raises(DataError, match="no line such as 00:00:01,000"):
        open_file("a.srt", b"1\n0:1 -> 0:2\nHi\n")


def test_encodings() -> None:
    file = open_file("a.html", FILES["a.html"])
    output = file.render(translations(file, table({"café noir": ("черный Käse €", "0-1 1-0")})))
    assert "<b>черный</b> Käse €".encode("cp1252", "xmlcharrefreplace") in output
    assert open_file("a.txt", "\ufeffÄ".encode()).sentences == ("Ä",)
    assert open_file("a.html", "<p>Ä</p>".encode("utf-16")).sentences == ("Ä",)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.pdf", b"x", "PDF files contain positions of letters"),
        ("a.txt", b"%PDF-1.7", "PDF files contain positions of letters"),
        ("a.doc", b"", "save it as .docx"),
        ("a.xyz", b"", r"expected a file of type \.txt, .*\.po, .*\.epub: convert it"),
        ("docx", b"", "expected a file of type"),
        ("a.txt", b"ab\ncd\xff", r"a\.txt: expected utf-8, but byte 5 \(0xff\) in line 2 is not: save the file"),
        ("a.html", b"<meta charset=klingon>", "unknown encoding 'klingon'"),
        ("a.html", b"<meta charset=utf-7>", "unknown encoding 'utf-7'"),
        ("a.txt", b"a\0b", "NUL character at position 1"),
        ("a.txt", b"\xff\xfe\0\0a\0\0\0", "UTF-32"),
        ("a.docx", b"hello", "begins with PK, found other data"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "remove the password"),
        ("a.docx", b"PK\3\4rest", "damaged archive"),
        ("a.docx", FILES["a.docx"][:-30], "damaged archive"),
        ("a.docx", EPUB, r"archive without word/document\.xml"),
        ("a.odt", zipped({"content.xml": "", "META-INF/manifest.xml": "<m:encryption-data/>"}), "without a password"),
        (
            "a.epub",
            zipped({"META-INF/container.xml": "", "a.xhtml": b"\xff", "META-INF/encryption.xml": "<x u='a.xhtml'/>"}),
            "without a password or protection",
        ),
        ("a.docx", zipped({"word/document.xml": b"\xff"}), r"a\.docx: word/document\.xml: expected utf-8, but byte 0"),
        ("a\n\x1b.pdf", b"", r"^a\\n\\x1b\.pdf: "),
    ],
)
def test_files_that_are_refused(name: str, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_file(name, data)


def test_damage_within_an_archive_is_found() -> None:
    data = bytearray(zipped({"word/document.xml": W.format("<w:p/>" * 500)}, stored="word/document.xml"))
    data[100] ^= 1
    with pytest.raises(DataError, match="damaged archive"):
        open_file("a.docx", bytes(data))


def test_encrypted_entries_are_refused() -> None:
    data = bytearray(FILES["a.docx"])
    for mark, offset in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        data[data.index(mark) + offset] |= 1
    with pytest.raises(DataError, match="encrypted: save it without a password"):
        open_file("a.docx", bytes(data))


def test_archives_that_expand_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped({"word/document.xml": "", "x": b"\0" * (20 * 2**20)})
    with pytest.raises(DataError, match="200 times its size"):
        open_file("a.docx", bomb)
    monkeypatch.setattr(archive, "MAX_TEXT", 10)
    with pytest.raises(DataError, match="at most 10 are read"):
        open_file("a.docx", FILES["a.docx"])
    monkeypatch.setattr(files, "MAX_TEXT", 10)
    for name in ("a.txt", "a.po", "a.tmx"):
        with pytest.raises(DataError, match="contains 11 bytes of text; at most 10 are read: split it"):
            open_file(name, b"x" * 11)
    monkeypatch.setattr(archive, "MAX_EXPANDED", 100)
    with pytest.raises(DataError, match="at most 100 bytes"):
        open_file("a.docx", FILES["a.docx"])
    monkeypatch.setattr(archive, "MAX_ENTRIES", 2)
    with pytest.raises(DataError, match="at most 2 files, found"):
        open_file("a.docx", FILES["a.docx"])


def test_an_archive_that_states_a_wrong_size_is_refused() -> None:
    data = bytearray(zipped({"word/document.xml": W.format("<w:p/>" * 500)}))
    size = data.index(b"PK\1\2") + 24
    data[size : size + 4] = (10).to_bytes(4, "little")
    with pytest.raises(DataError, match="damaged archive"):
        open_file("a.docx", bytes(data))


def test_names_in_an_archive_reach_no_file(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.open", lambda *args, **keywords: pytest.fail("a file was opened"))
    data = zipped(
        {"../../etc/x": "a", "/abs": "b", "C:\\x": "c", "word/document.xml": W.format("<w:p>" + run("Hi") + "</w:p>")}
    )
    file = open_file("a.docx", data)
    assert list(unzipped(file.render(translations(file, capitals)))) == list(unzipped(data))
