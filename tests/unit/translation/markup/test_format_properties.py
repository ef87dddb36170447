"""Properties of all formats for generated documents, judged by lxml, polib, csv and json."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable

import polib
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from translators import Translate, capitals, emptied, noisy, shuffled, translations, unaligned, unchanged

from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.files import open_file

LANGS = FileOptions("en", "fr")
TRANSLATORS: dict[str, Callable[[int], Translate]] = {
    "unchanged": lambda seed: unchanged,
    "capitals": lambda seed: capitals,
    "unaligned": lambda seed: unaligned,
    "emptied": lambda seed: emptied,
    "shuffled": shuffled,
    "shuffled and changed": lambda seed: shuffled(seed, "s"),
    "noisy": noisy,
}
EMPTYING = ("emptied", "noisy")
"""Translators that may return an empty text, which is filled in again."""
NAMES = st.sampled_from(sorted(TRANSLATORS))
SEEDS = st.integers(0, 10**6)
WORDS = st.sampled_from(
    [
        "Go.",
        "the",
        "red &amp; fox?",
        "(so)",
        "他来了。",
        "{name}",
        "%(n)s",
        "a&lt;b",
        "http://a.example/b",
        "l'eau",
        "B,",
    ]
)
SPACES = st.sampled_from([" ", " ", "\n  ", "\u00a0", ""])


def numbered(text: str) -> str:
    """Gives every code a number of its own: `#` in the text."""
    parts = re.split("(#+)", text)
    return "".join(f"{index}" if part.startswith("#") else part for index, part in enumerate(parts))


def joined(items: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.tuples(items, SPACES), max_size=5).map(lambda found: "".join(a + b for a, b in found))


def codes(points: list[str], elements: list[tuple[str, str]]) -> st.SearchStrategy[str]:
    def within(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.builds(lambda pair, text: pair[0] + text + pair[1], st.sampled_from(elements), joined(inner))

    return joined(st.recursive(WORDS | st.sampled_from(points), within, max_leaves=8)).map(numbered)


XLIFF_1 = codes(
    [
        "<x id='#'/>",
        "<ph id='#'>{\\x}</ph>",
        "<it id='#' pos='open'>&lt;i></it>",
        "<bx id='#'/>",
        "<!-- # -->",
        "<mrk mtype='protected' mid='#'>Do <g id='#'>not</g></mrk>",
    ],
    [
        ("<g id='#'>", "</g>"),
        ("<mrk mtype='x-t' mid='#'>", "</mrk>"),
        ("<bpt id='9'>&lt;b></bpt>", "<ept id='9'>&lt;/b></ept>"),
    ],
)
XLIFF_2 = codes(
    ["<ph id='#'/>", "<cp hex='0001'/>", "<mrk id='#' translate='no'>Not</mrk>", "<sc id='#'/>"],
    [("<pc id='#'>", "</pc>"), ("<mrk id='#'>", "</mrk>"), ("<sc id='z'/>", "<ec startRef='z'/>")],
)
TMX = codes(
    ["<ph x='#'>&lt;br></ph>", "<it pos='begin' x='#'>a</it>", "<ut x='#'>b</ut>"],
    [("<hi x='#'>", "</hi>"), ("<bpt i='1'>&lt;b></bpt>", "<ept i='1'>&lt;/b></ept>")],
)


def elements(node: etree._Element) -> Counter[str]:
    """All elements and comments within an element, with their attributes."""
    copies = (etree.tostring(child, with_tail=False) if child.tag in OPAQUE else _tag(child) for child in node.iter())
    return Counter(str(copy) for copy in copies) - Counter([str(_tag(node))])


OPAQUE = ("x", "ph", "it", "bx", "ut", "cp", "sc", "ec", "bpt", "ept")


def _tag(node: etree._Element) -> tuple[str, tuple[tuple[str, str], ...], str]:
    return str(node.tag), tuple(sorted(node.attrib.items())), "" if isinstance(node.tag, str) else str(node.text)


@settings(deadline=None, max_examples=80)
@given(st.lists(XLIFF_1, max_size=3), SEEDS, NAMES)
def test_xliff_1(segments: list[str], seed: int, name: str) -> None:
    units = "".join(
        f"<trans-unit id='{n}'>\n <source>{text}</source>\n</trans-unit>" for n, text in enumerate(segments)
    )
    text = f"<xliff version='1.2'><file source-language='en' target-language='fr'><body>{units}</body></file></xliff>"
    file = open_file("a.xlf", text.encode(), LANGS)
    output = file.render(translations(file, TRANSLATORS[name](seed)))
    assert re.sub(r"\n <target state.*?</target>", "", output.decode(), flags=re.DOTALL) == text
    for unit in etree.fromstring(output).iter("trans-unit"):
        target = unit.find("target")
        if target is not None:
            target.attrib.clear()
            assert elements(target) == elements(unit.find("source")), etree.tostring(unit)
        else:
            assert not "".join(unit.find("source").itertext()).strip()
    if name not in EMPTYING:
        again = open_file("a.xlf", output, LANGS)
        assert again.sentences == ()
        assert again.render([]) == output


@settings(deadline=None, max_examples=80)
@given(st.lists(XLIFF_2, max_size=3), SEEDS, NAMES)
def test_xliff_2(segments: list[str], seed: int, name: str) -> None:
    content = "".join(f"<segment>\n <source>{text}</source>\n</segment>" for text in segments)
    text = f"<xliff version='2.0' srcLang='en' trgLang='fr'><file id='f'><unit id='u'>{content}</unit></file></xliff>"
    file = open_file("a.xlf", text.encode(), LANGS)
    output = file.render(translations(file, TRANSLATORS[name](seed)))
    bare = re.sub(r"\n <target>.*?</target>", "", output.decode(), flags=re.DOTALL)
    assert re.sub("<segment [^>]*>", "<segment>", bare) == text
    for segment in etree.fromstring(output).iter("segment"):
        target = segment.find("target")
        if target is not None:
            assert elements(target) == elements(segment.find("source"))
    if name not in EMPTYING:
        assert open_file("a.xlf", output, LANGS).render([]) == output


@settings(deadline=None, max_examples=80)
@given(st.lists(TMX, max_size=3), SEEDS, NAMES)
def test_tmx(segments: list[str], seed: int, name: str) -> None:
    units = "".join(f"<tu>\n <tuv xml:lang='en'><seg>{text}</seg></tuv>\n</tu>" for text in segments)
    text = f"<tmx version='1.4'><header srclang='en'/><body>{units}</body></tmx>"
    file = open_file("a.tmx", text.encode(), LANGS)
    output = file.render(translations(file, TRANSLATORS[name](seed)))
    assert re.sub(r'\n <tuv xml:lang="fr">.*?</tuv>', "", output.decode(), flags=re.DOTALL) == text
    for unit in etree.fromstring(output).iter("tu"):
        source, *targets = unit.iter("seg")
        assert [elements(target) for target in targets] == [elements(source)] * len(targets)
    if name not in EMPTYING:
        assert open_file("a.tmx", output, LANGS).render([]) == output


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20) | st.lists(
    st.sampled_from(
        [
            "Hi",
            " ",
            "you.",
            ",",
            '"',
            "\n",
            "\t",
            "\\",
            "<b>",
            "</b>",
            "&amp;",
            "%s",
            "{x}",
            "\u00e9",
            ";",
            "|",
            "\r\n",
            "_",
        ]
    ),
    max_size=10,
).map("".join)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4), SEEDS, NAMES, st.sampled_from([",", ";", "\t"]))
def test_csv(rows: list[tuple[str, str]], seed: int, name: str, delimiter: str) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerows([("note", "text", "z"), *((first, second, "") for first, second in rows)])
    text = buffer.getvalue()
    in_place = open_file("a.csv", text.encode(), FileOptions(column="text", result_column="text"))
    assert in_place.render(translations(in_place, unchanged)).decode() == text
    file = open_file("a.csv", text.encode(), LANGS)
    output = file.render(translations(file, TRANSLATORS[name](seed))).decode()
    read = list(csv.reader(io.StringIO(output, newline=""), delimiter=delimiter))
    assert [row[:3] for row in read] == list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    assert {len(row) for row in read} == {4}


@settings(deadline=None, max_examples=80)
@given(st.lists(st.dictionaries(st.sampled_from(["id", "text", "z"]), TEXTS), max_size=4), SEEDS, NAMES, st.booleans())
def test_json_lines(rows: list[dict[str, str]], seed: int, name: str, escapes: bool) -> None:
    rows = [{"text": "a", **row} for row in rows]
    text = "".join(json.dumps(row, ensure_ascii=escapes) + "\n" for row in rows)
    in_place = open_file("a.jsonl", text.encode(), FileOptions(column="text", result_column="text"))
    assert in_place.render(translations(in_place, unchanged)).decode() == text
    file = open_file("a.jsonl", text.encode(), LANGS)
    lines = file.render(translations(file, TRANSLATORS[name](seed))).decode().split("\n")
    read = [json.loads(line) for line in lines[:-1]]
    assert [{key: value for key, value in row.items() if key != "translation"} for row in read] == rows


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(TEXTS, st.booleans()), max_size=4, unique_by=lambda pair: pair[0]), SEEDS, NAMES)
def test_po(entries: list[tuple[str, bool]], seed: int, name: str) -> None:
    catalog = polib.POFile()
    catalog.metadata = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Plural-Forms": "nplurals=3; plural=(n==1?0:n<5?1:2);",
    }
    for number, (source, has_plural) in enumerate(entries):
        entry = polib.POEntry(msgctxt=f"c{number}", msgid=f"x{source}", occurrences=[("a.c", str(number))])
        if has_plural:
            entry.msgid_plural, entry.msgstr_plural = f"xs{source}", {0: "", 1: "", 2: ""}
        catalog.append(entry)
    text = str(catalog)
    file = open_file("a.po", text.encode())
    output = file.render(translations(file, TRANSLATORS[name](seed))).decode()
    read = polib.pofile(output)
    assert [(e.msgctxt, e.msgid, e.msgid_plural, e.occurrences) for e in read] == [
        (e.msgctxt, e.msgid, e.msgid_plural, e.occurrences) for e in polib.pofile(text)
    ]
    if name == "unchanged":
        assert [e.msgstr or e.msgstr_plural[2] for e in read] == [e.msgid_plural or e.msgid for e in read]
    for entry in read:
        entry.msgstr, entry.msgstr_plural = "", dict.fromkeys(entry.msgstr_plural, "")
    assert str(read) == text


LINES = st.lists(
    st.sampled_from(
        [
            "Hi *you*\n",
            "all.\n",
            "\n",
            "# Top #\n",
            "- one\n",
            "  two\n",
            "> so **it**\n",
            "> is\n",
            "```\n",
            "    x\n",
            "| a | b |\n",
            "|--|--|\n",
            "---\n",
            "1. [l](u) x\n",
            "<div>\n\n",
            "</div>\n\n",
            "a `b` \\* c\n",
            "[x]: y\n",
            "***a** b*\n",
            "![i](j)\n",
            "a  \n",
            "b\\\n",
            "\t- q\n",
            "_z_ {n} &amp;\n",
            "WEBVTT\n",
            "<!--\n",
            "-->\n",
            "~~s~~ [^1]\n",
            "[^1]: t\n",
        ]
    ),
    max_size=10,
).map("".join)


@settings(deadline=None, max_examples=80)
@given(LINES | TEXTS, st.sampled_from(["a.md", "a.txt", "a.html", "a.srt", "a.vtt", "a.xml"]))
def test_unchanged_sentences_give_the_same_bytes(text: str, name: str) -> None:
    head = {"a.srt": "1\n00:00:01,000 --> 00:00:02,000\n", "a.vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\n"}.get(name, "")
    data = (head + text.replace("-->", "->" if name == "a.vtt" else "-->")).encode()
    file = open_file(name, data)
    assert file.render(translations(file, unchanged)) == data


@settings(deadline=None, max_examples=80)
@given(LINES, SEEDS, NAMES)
def test_markdown_keeps_its_lines_that_are_no_text(text: str, seed: int, name: str) -> None:
    file = open_file("a.md", text.encode())
    output = file.render(translations(file, TRANSLATORS[name](seed))).decode()
    for mark in ("`b`", "](u)", "[^1]", "![i](j)", "[x]: y", "{n}", "<div>", "</div>"):
        assert output.count(mark) == text.count(mark), mark
