"""Valid inputs of every reader, and parts of its format, from which fuzzing starts."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

DIGITS = tuple(str(number).encode() for number in range(4))
XML_TOKENS = (
    b"<", b">", b"/>", b"</", b"&", b"&amp;", b"&#233;", b"&#x1F;", b"&x;", b"<!--", b"-->", b"<![CDATA[", b"]]>",
    b"<?",
    b"?>", b'<?xml version="1.0" encoding="utf-16"?>', b'<?xml version="1.0" encoding="cp1252"?>',
    b'<!DOCTYPE a [<!ENTITY x "y">]>', b'<!DOCTYPE a SYSTEM "a.dtd">', b' xmlns="urn:a"', b' xmlns:t="urn:t"', b"<t:a>",
    b"</t:a>", b'"', b"'", b"\n", b"\r", b"\0", b"\xe9", b"\xff\xfe", b"\xef\xbb\xbf", b"\xef\xbf\xbf", b"<a>", b"</a>",
)  # fmt: skip
TMX = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en" datatype="plaintext"><prop type="x">y</prop></header><body>
<tu tuid="1"><note>n</note><tuv xml:lang="en"><seg>A <bpt i="1">&lt;b&gt;</bpt>red<ept i="1">&lt;/b&gt;</ept> cat</seg>
</tuv><tuv xml:lang="fr"><seg>Un chat <hi type="b">rouge</hi></seg></tuv></tu>
<tu><tuv xml:lang="en-US"><seg>AT&amp;T<ph x="1">{\\b <sub>a</sub>}</ph> <![CDATA[x < y]]></seg></tuv>
<tuv xml:lang="FR_ca"><seg>d&#233;j&#xE0;</seg></tuv><tuv xml:lang="de"><seg/></tuv></tu>
<!-- a comment --><tu><tuv lang="en"><seg>Two
lines</seg></tuv><tuv lang="fr"><seg>Deux</seg></tuv></tu>
</body></tmx>
"""
TMX_TOKENS = (
    *XML_TOKENS, b"<tu>", b"</tu>", b'<tuv xml:lang="en">', b'<tuv xml:lang="fr">', b'<tuv xml:lang="zh-TW">', b"<tuv>",
    b"</tuv>", b"<seg>", b"</seg>", b"<seg/>", b"<hi>", b"</hi>", b"<ph>", b"</ph>", b"<sub>", b"</sub>", b"<body>",
    b"</body>", b"</tmx>", b"<tmx>", b"<t:tu>", b"</t:tu>", b"<tux>", b'<header srclang="*all*"/>',
)  # fmt: skip
XLIFF_1 = b"""<?xml version="1.0" encoding="utf-8"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2"><file original="a" source-language="en"
target-language="fr" datatype="plaintext"><body><group>
<trans-unit id="1" approved="yes"><source>A <g id="1">red</g> cat</source><target state="final">Un chat rouge</target>
<alt-trans><source>x</source><target>y</target></alt-trans></trans-unit>
<trans-unit id="2" translate="no"><source>x</source><target>x</target></trans-unit></group>
<trans-unit id="3"><source>One. Two.</source>
<seg-source><mrk mtype="seg" mid="1">One.</mrk> <mrk mtype="seg" mid="2">Two.</mrk>
</seg-source><target><mrk mtype="seg" mid="1">Un.</mrk> <mrk mtype="seg" mid="2">Deux.</mrk></target></trans-unit>
<trans-unit id="4"><source>n</source><target state="needs-translation">n</target></trans-unit>
</body></file></xliff>
"""
XLIFF_2 = b"""<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="en" trgLang="fr"><file id="f">
<unit id="1"><segment state="final"><source>A <ph id="1"/>cat</source><target>Un chat</target></segment>
<ignorable><source> </source></ignorable><segment><source>No</source></segment></unit></file></xliff>
"""
XLIFF_TOKENS = (
    *XML_TOKENS, b'<trans-unit id="9">', b"</trans-unit>", b"<source>", b"</source>", b"<target>", b"</target>",
    b'<mrk mtype="seg" mid="1">', b"</mrk>", b"<group>", b"</group>", b"<unit>", b"</unit>", b"<segment>",
    b"</segment>",
    b"<alt-trans>", b"</alt-trans>", b'<file source-language="de" target-language="en">', b"</file>", b"<x/>",
    b"<note>",
    b"</note>", b"<seg-source>", b"</seg-source>", b"</xliff>", b"<xliff>", b' translate="no"', b' state="new"',
)  # fmt: skip
WMT = b"""<?xml version='1.0' encoding='utf-8'?>
<dataset id="newstest"><doc origlang="en" id="d1"><src lang="en"><p>
<seg id="1">Hello</seg><seg id="2">Yes</seg></p></src>
<ref lang="fr" translator="A"><p><seg id="1">Bonjour</seg><seg id="2">Oui</seg></p></ref>
<ref lang="fr" translator="B"><p><seg id="1">Salut</seg></p></ref>
<hyp system="S" lang="fr"><p><seg id="1">Allo</seg></p></hyp></doc></dataset>
"""
WMT_TOKENS = (
    *XML_TOKENS, b"<doc>", b"</doc>", b'<src lang="en">', b"</src>", b'<ref lang="fr">', b"</ref>", b'<seg id="1">',
    b"</seg>", b"<p>", b"</p>", b"<hyp>", b"</hyp>", b"<dataset>", b"</dataset>",
)  # fmt: skip
SGM = b"""<srcset setid="newstest" srclang="any">
<doc sysid="ref" docid="d1" genre="news" origlang="en">
<p>
<seg id="1">AT&T &amp; co</seg>
<seg id="2">Two
lines</seg>
</p>
</doc>
<DOC docid="d2"><seg id="1">x &lt; y</seg></DOC>
</srcset>
"""
SGM_TOKENS = (
    *DIGITS, b"<seg", b'<seg id="1">', b"</seg>", b"<doc>", b"</doc>", b'<doc docid="d2" sysid="b">', b"&#233;",
    b"&#x110000;",
    b"&#xD800;", b"&", b"\n", b"\r\n", b"<seg id=3>", b"<SEG ID='4'>", b"\xe9", b"\0", b"\xff\xfe", b"\xef\xbb\xbf",
)  # fmt: skip
PO = b"""# Comment
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Language: fr\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

#: a.c:3
#, c-format
#| msgid "Old"
msgid "&Hello %s"
msgstr "_Bonjour %s\\303\\251"

msgctxt "menu"
msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d fichier"
msgstr[1] ""
"%d "
"fichiers\\n"

#, fuzzy
msgid "Maybe"
msgstr "Peut-\xc3\xaatre"

#~ msgid "Gone"
#~ msgstr "Parti"
"""
PO_TOKENS = (
    *DIGITS, b'"', b'""', b"\\", b"\\n", b'\\"', b"\\x", b"\\400", b"\\x00", b"\n", b"\r\n", b"\r", b"\n\n",
    b'msgid "x"\n',
    b'msgstr "y"\n', b"msgstr[1] ", b"msgstr[999] ", b"msgid_plural ", b"msgctxt ", b"#, fuzzy\n", b"#~ ", b"#~| ",
    b"#| ",
    b"#\n", b"charset=latin-1", b"charset=utf-16", b"charset=idna", b"charset=shift_jis", b"plural=n/0",
    b"plural=((((n", b"plural=n*n*n",
    b"nplurals=1", b"nplurals=6", b"Language: sr@latin", b"Language: en", b"\xe9", b"\0", b"\xff\xfe", b"\xfe\xff",
    b"\xef\xbb\xbf",
)  # fmt: skip
JSONL = b"""{"source": "Hello", "target": "Bonjour"}
{"translation": {"en": "a", "fr": "b"}, "id": 3}
{"en": "x\\u00e9", "fr": "y", "score": [1.5, null, true]}
{"src": null, "tgt": "z"}
"""
JSONL_TOKENS = (
    *DIGITS, b"{", b"}", b"[", b"]", b'"', b":", b",", b"null", b"NaN", b"Infinity", b"1e999", b'"\\ud800"',
    b'"\\u0000"',
    b'"source":', b'"target":', b'"en":', b'"fr":', b'"en-US":', b'"zh-TW":"x",', b'"translation":', b"\n", b"\r",
    b"\xe9", b"\0", b"\xef\xbb\xbf", b"\\u",
)  # fmt: skip
TSV = b'source\ttarget\nHello\tBonjour\nA "quote\tUn\n\nx\ty\tz\n1\t2\t3\n\xc3\xa9\t\xe4\xb8\xad\n'
TABLE_TOKENS = (
    *DIGITS, b"\t", b",", b";", b'"', b'""', b'"\n', b"\n", b"\r\n", b"\r", b"\0", b"\xe9", b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\xff\xfe", b"\xef\xbb\xbf", b"source,target\n", b"en\tfr\n", b"en,zh-TW,zh-CN\n", b"\x1c", b"&apos;", b"@-@",
    b"x", b" ",
)  # fmt: skip
CSV = b'source,target,"id"\nHello,Bonjour,1\n"a, b","say ""hi""",2\n"two\nlines",x,3\n;,;\n'
TEXT = b"Hello .\nit &apos;s a @-@ test &amp;amp;\n\n\xc3\xa9 \xe4\xb8\xad\nlast"
GLOSSARY = (
    b"source\ttarget\tflags\tlanguages\ncat|cats\tchat|!minou\tcase, inflect\ten-fr\nX\t\tkeep\t\n# note\n\t!y\t\t\n"
)
GLOSSARY_CSV = b'cat,"chat|a\\|b",inflect\n"dog",!clebs\n'
GLOSSARY_TOKENS = (*TABLE_TOKENS, b"|", b"!", b"\\", b"case", b"inflect", b"keep", b"forbid", b"en-fr", b"languages\n")
TBX = b"""<?xml version="1.0"?><martif type="TBX" xml:lang="en"><martifHeader/><text><body>
<termEntry id="1"><langSet xml:lang="en"><tig><term>cat</term></tig></langSet><langSet xml:lang="fr"><ntig><termGrp>
<term>chat</term><termNote type="administrativeStatus">deprecatedTerm</termNote></termGrp></ntig></langSet></termEntry>
<termEntry><langSet xml:lang="en"><tig><term>a <hi>b</hi></term></tig></langSet><langSet xml:lang="fr"><tig>
<term>c</term></tig></langSet></termEntry></body></text></martif>"""
TBX_TOKENS = (
    *XML_TOKENS, b"<termEntry>", b"</termEntry>", b'<langSet xml:lang="de">', b"</langSet>", b"<tig>", b"</tig>",
    b"<term>", b"</term>", b"<tbx>", b"<conceptEntry>", b"<langSec>", b"<termSec>", b"</body>",
    b'<descrip type="administrativeStatus">',
)  # fmt: skip
LINKS = b"0-0 1-1 2p2\n\n1-0 3?1\n0-5\n"
NAACL = b"1 1 1\n1 2 2 P\n2 1 1 S\n0003 1 2 P 0.5\n"
LINK_TOKENS = (
    *DIGITS,
    b"-",
    b"p",
    b"?",
    b" ",
    b"\n",
    b"\t",
    b"0-0",
    b"1 1 1\n",
    b" S",
    b" P",
    b"99999999999999",
    b"\0",
    b"\xe9",
    b"0.5",
)
CONFIG = b"""preset = "bahdanau"
[model]
embed_size = 32
hidden_size = 48
attention = {score = "additive"}
[data]
src = "a.en"
tgt = "a.fr"
max_len = 50
[subword]
vocab_size = 1000
[train]
steps = 100
learning_rate = 1e-3
batch_tokens = 500
"""
CONFIG_TOKENS = (
    *DIGITS, b"[", b"]", b"[[", b"]]", b"{", b"}", b"=", b".", b",", b'"', b"'''", b'"""', b"\\u0000", b"\\U00110000",
    b"nan", b"inf", b"1979-05-27T07:32:00Z", b"0xffffffffffffffffffff", b"1e400", b"true", b"\n", b"#", b"model.",
    b"train.steps=1\n",
    b"transformer", b"\xe9", b"\0", b"\xef\xbb\xbf", b"[model]\n", b"9" * 5000,
)  # fmt: skip
MANIFEST = json.dumps(
    {
        "format": "regard-model", "format_version": 4, "regard_version": "0.1", "num_parameters": 10, "signature": "s",
        "files": dict.fromkeys(("config.toml", "weights.safetensors", "subword.model"), "a" * 64),
        "src_vocabulary": "v", "tgt_vocabulary": "v", "readout": None, "details": {"a": 1, "b": 2.5, "c": "d"},
    },
    indent=1,
).encode()  # fmt: skip
JSON_TOKENS = (
    *JSONL_TOKENS,
    b"[" * 100,
    b'{"a":' * 70,
    b'"format": "regard-model"',
    b'"format_version": 1',
    b'"files": {}',
    b"9" * 5000,
)
HTML = b"""<!DOCTYPE html><html><head><meta charset="utf-8"><title>T</title><style>p {}</style></head>
<body><p class="a">A <b>red</b> cat &amp; <a href="x">dog</a>.</p>
<script>x < 1</script><ul><li>One<br>Two</ul><!-- c --><pre>
 x </pre><img alt="y"></body></html>"""
HTML_TOKENS = (
    *XML_TOKENS, b"<p>", b"</p>", b"<b>", b"</b>", b"<script>", b"</script>", b"<br>", b"<table>", b"<textarea>",
    b"&notit;",
    b"&#0;", b"&#x110000;", b"&#xD800;", b"<meta charset=utf-16>", b"<meta charset='shift_jis'>", b"<a href=",
    b"<svg>", b"<plaintext>",
)  # fmt: skip
SRT = (
    b"1\n00:00:01,000 --> 00:00:02,500\nHello <i>you</i>\n- Yes.\n\n"
    b"2\r\n00:00:03,000 --> 00:00:04,000\r\n{\\an8}Two\r\n"
)
SRT_TOKENS = (
    *DIGITS,
    b"\n",
    b"\n\n",
    b"\r\n",
    b"-->",
    b"00:00:05,000 --> 00:00:06,000\n",
    b"<i>",
    b"</i>",
    b"{\\b1}",
    b"\\N",
    b"\xe9",
    b"\0",
    b"\xff\xfe",
)
MARKDOWN = (
    b"# Title\n\nA *red* cat with `code` and [a link](http://x.org 'y').\n\n- one\n- two\n\n```python\nx\n```\n\n"
    b"| a | b |\n|---|---|\n| 1 | 2 |\n\n![i](a.png) <b>h</b> \\* **x**\n"
)
MARKDOWN_TOKENS = (
    b"*",
    b"**",
    b"_",
    b"`",
    b"```",
    b"\n",
    b"\n\n",
    b"[",
    b"](",
    b")",
    b"!",
    b"|",
    b"#",
    b"> ",
    b"- ",
    b"1. ",
    b"    ",
    b"<b>",
    b"&amp;",
    b"\\",
    b"~~",
    b"---\n",
    b"\t",
    b"\xe9",
    b"\0",
)


def packed() -> list[bytes]:
    """The same lines in every compression, with one and with two members."""
    text = TSV * 3
    plain = [gzip.compress(text, mtime=0), bz2.compress(text), lzma.compress(text)]
    try:
        from backports import zstd
    except ImportError:
        pass
    else:
        plain.append(zstd.compress(text))
    return [*plain, *(data + data for data in plain)]


def mo(order: str = "<") -> bytes:
    """A compiled catalog in a byte order, `"<"` or `">"`."""
    pairs = [
        (b"", b"Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n > 1);\nLanguage: fr\n"),
        (b"%d file\0%d files", b"%d fichier\0%d fichiers"),
        (b"menu\x04Open", b"Ouvrir"),
    ]
    num_pairs, place = len(pairs), 28 + 16 * len(pairs)
    tables, strings = [], b""
    for side in (0, 1):
        for pair in pairs:
            tables.append(struct.pack(f"{order}2I", len(pair[side]), place + len(strings)))
            strings += pair[side] + b"\0"
    header = struct.pack(f"{order}7I", 0x950412DE, 0, num_pairs, 28, 28 + 8 * num_pairs, 0, place)
    return header + b"".join(tables) + strings


def archive(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as opened:
        for name, content in files.items():
            opened.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()


def opus() -> list[bytes]:
    """OPUS archives with each compression of zip."""
    files = {"README": b"x", "A.en-fr.en": b"Hello\nYes\n", "A.en-fr.fr": b"Bonjour\nOui\n", "A.en-fr.ids": b"1\n"}
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    return [archive(files, kind) for kind in kinds]


def parquet(directory: Path) -> list[bytes]:
    """Parquet and Arrow files of two columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    flat = pa.table({"source": ["Hello", None, "Yes"], "target": ["Bonjour", "x", "Oui"]})
    nested = pa.table({"translation": [{"en": "Hello", "fr": "Bonjour"}]})
    path = directory / "seed"
    files = []
    for table in (flat, nested):
        for compression in ("snappy", "none"):
            pq.write_table(table, path, compression=compression)
            files.append(path.read_bytes())
        for make in (pa.ipc.new_file, pa.ipc.new_stream):
            with make(str(path), table.schema) as writer:
                writer.write_table(table)
            files.append(path.read_bytes())
    path.unlink()
    return files


def docx() -> bytes:
    """A document of Word with one paragraph."""
    body = b'<w:document xmlns:w="urn:w"><w:body><w:p><w:r><w:t>Hello you.</w:t></w:r></w:p></w:body></w:document>'
    return archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": body})


def odt() -> bytes:
    """An OpenDocument text with one paragraph."""
    body = (
        b'<office:document-content xmlns:office="urn:o" xmlns:text="urn:t">'
        b"<text:p>Hello</text:p></office:document-content>"
    )
    return archive({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": body}, zipfile.ZIP_STORED)


PREPARED = json.dumps(
    {
        "format": 1, "options": {"version": 1}, "vocab_sizes": [400, 400], "vocabularies": ["a" * 64, "b" * 64],
        "files": [{"path": "/a", "size": 3, "mtime_ns": 5, "sha256": "c" * 64}],
        "corpora": [{"name": "a", "num_units": 4, "num_texts": 3, "num_pairs": 3, "weight": 1.5, "num_chars": [9, 8]}],
        "shards": [{"corpus": 0, "num_pairs": 3, "size": 99, "sha256": "d" * 64}],
        "dropped": {"empty": 1}, "num_validation": 0, "validation": "", "notes": ["note"],
    },
    indent=1,
).encode()  # fmt: skip
PREPARED_TOKENS = (
    *JSONL_TOKENS,
    b'"format": 1',
    b'"shards": []',
    b'"corpora": []',
    b'"num_pairs": -1',
    b'"corpus": 1',
    b'"weight": 1e999',
    b'"weight": 0',
    b"99999999999999999999",
    b"true",
    b"1.5",
)
SHARD_TOKENS = (
    b"\0" * 8,
    b"\xff" * 8,
    b'"U16"',
    b'"U64"',
    b'"shape":[3,2]',
    b'"shape":[-1]',
    b'"data_offsets":[0,0]',
    b'"ids":{}',
    b"__metadata__",
    b"regard",
    b"{}",
)


def shard(directory: Path) -> bytes:
    """A shard of three pairs with text."""
    import numpy as np

    from regard.data.prepared.shard import ShardContent, write_shard

    lens = np.array([[1, 2], [0, 1], [3, 1]])
    content = ShardContent(np.arange(8, dtype=np.uint32) * 40, lens, np.array([1, 3, 4]), b"abcdefgh", lens)
    write_shard(directory / "shard", content, {"job": "x"})
    return (directory / "shard").read_bytes()


def shortlist() -> bytes:
    """A shortlist in the safetensors format, for vocabularies of three subwords."""
    import torch
    from safetensors.torch import save

    tensors = {"linked": torch.zeros(3, 2, dtype=torch.int32), "order": torch.arange(3, dtype=torch.int32)}
    note = {"always": 1, "src": "v", "tgt": "v"}
    return save(tensors, metadata={"shortlist": json.dumps(note)})


ZIP_TOKENS = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\xff\xff\xff\xff", b"\x0c\0", *HTML_TOKENS)
DOCUMENTS: dict[str, tuple[Callable[[], list[bytes]], tuple[bytes, ...]]] = {
    ".txt": (lambda: [TEXT], TABLE_TOKENS),
    ".html": (lambda: [HTML], HTML_TOKENS),
    ".xhtml": (lambda: [HTML], HTML_TOKENS),
    ".xml": (lambda: [TMX, WMT], XML_TOKENS),
    ".srt": (lambda: [SRT], SRT_TOKENS),
    ".vtt": (lambda: [b"WEBVTT\n\nNOTE x\n\n" + SRT], SRT_TOKENS),
    ".md": (lambda: [MARKDOWN], MARKDOWN_TOKENS),
    ".docx": (lambda: [docx()], ZIP_TOKENS),
    ".odt": (lambda: [odt()], ZIP_TOKENS),
    ".po": (lambda: [PO], PO_TOKENS),
    ".tmx": (lambda: [TMX], TMX_TOKENS),
    ".xlf": (lambda: [XLIFF_1, XLIFF_2], XLIFF_TOKENS),
    ".jsonl": (lambda: [JSONL], JSONL_TOKENS),
    ".csv": (lambda: [CSV], TABLE_TOKENS),
    ".tsv": (lambda: [TSV], TABLE_TOKENS),
}
"""Functions that make valid documents, and the parts of the format, by suffix."""
