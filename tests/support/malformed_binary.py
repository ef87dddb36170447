"""Malformed and odd archives, compiled catalogs, Parquet files and compressed files; the binary part of the table."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from malformed_case import FIRST, LAST, Case, Pairs

from regard.data.corpora.unit import ReadOptions

HELLO: Pairs = (("Hello", "Bonjour"),)
AROUND: Pairs = (FIRST, LAST)
NO_LANGS = ReadOptions()
TEXT = b"first\tpremier\nlast\tdernier\n"
HEADER = "Content-Type: text/plain; charset=UTF-8\nLanguage: fr\nPlural-Forms: nplurals=2; plural=n > 1;\n"


def mo(
    *pairs: tuple[str, str], header: str = HEADER, order: str = "<", encoding: str = "utf-8", revision: int = 0
) -> bytes:
    """A compiled catalog."""
    rows = [("", header), *pairs] if header else list(pairs)
    texts = [[side.encode(encoding) for side in row] for row in rows]
    place = 28 + 16 * len(texts)
    tables, strings = b"", b""
    for side in (0, 1):
        for row in texts:
            tables += struct.pack(f"{order}2I", len(row[side]), place + len(strings))
            strings += row[side] + b"\0"
    second = 28 + 8 * len(texts)
    return struct.pack(f"{order}7I", 0x950412DE, revision, len(texts), 28, second, 0, place) + tables + strings


def archive(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return buffer.getvalue()


def opus(names: tuple[str, str] = ("C.en-fr.en", "C.en-fr.fr"), compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of OPUS."""
    files = {
        "README": b"x",
        "LICENSE": b"x",
        names[0]: b"first\nlast\n",
        names[1]: b"premier\ndernier\n",
        "C.xml": b"<x/>",
    }
    return archive(files, compression)


def _damaged(data: bytes, part: bytes, replacement: bytes) -> bytes:
    assert part in data
    return data.replace(part, replacement)


def _encrypted(data: bytes) -> bytes:
    """An archive whose directory says that all files have passwords."""
    parts = data.split(b"PK\1\2")
    return b"PK\1\2".join([parts[0], *(part[:4] + b"\1" + part[5:] for part in parts[1:])])


def _damaged_content() -> bytes:
    data = bytearray(
        archive({"C.en": b"first\n" * 20_000, "C.fr": bytes(range(33, 127)) * 300 + b"\n"}, zipfile.ZIP_DEFLATED)
    )
    data[data.index(b"C.fr") + 60] ^= 255
    return bytes(data)


def _lzma_properties() -> bytes:
    """An archive whose LZMA properties need a dictionary that no machine has."""
    data = bytearray(opus(compression=zipfile.ZIP_LZMA))
    place = data.index(b"C.en-fr.en") + len("C.en-fr.en")
    data[place + 4 : place + 9] = b"\xff\xff\xff\xff\xff"
    return bytes(data)


def zst(data: bytes) -> bytes:
    """A frame of Zstandard."""
    from backports import zstd

    return zstd.compress(data)


def parquet(columns: dict[str, object], **options: object) -> Callable[[Path], None]:
    """Writes a Parquet file; a column is a list, or a function that makes an array."""

    def write(path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        arrays = {name: value() if callable(value) else pa.array(value) for name, value in columns.items()}
        pq.write_table(pa.table(arrays), path, **options)

    return write


def _typed(values: list[object], kind: str) -> Callable[[], object]:
    def make() -> object:
        import pyarrow as pa

        types = {
            "large": pa.large_string(),
            "view": pa.string_view(),
            "bytes": pa.binary(),
            "dictionary": pa.dictionary(pa.int8(), pa.string()),
        }
        return pa.array(values, types[kind])

    return make


def _cut(write: Callable[[Path], None], size: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        write(path)
        path.write_bytes(path.read_bytes()[:size])

    return make


def _with_name(name: bytes) -> Callable[[Path], None]:
    """Writes a Parquet file whose column `source` gets another name of as many bytes."""

    def make(path: Path) -> None:
        parquet({"source": ["a"], "target": ["b"]}, store_schema=False)(path)
        path.write_bytes(_damaged(path.read_bytes(), b"source", name))

    return make


def _arrow(path: Path, *, far: bool = False) -> None:
    """Writes an Arrow file; with `far`, an offset points far beyond the texts."""
    import pyarrow as pa

    table = pa.table({"source": ["first", "last"], "target": ["premier", "dernier"]})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    if far:
        offsets = struct.pack("<3i", 0, 5, 9)
        path.write_bytes(_damaged(path.read_bytes(), offsets, struct.pack("<3i", 0, 5, 1 << 30)))


def _dataset(path: Path, *, splits: tuple[str, ...] = ("train",), listed: str = "data-00000-of-00001.arrow") -> None:
    """Makes a directory as `DatasetDict.save_to_disk` does."""
    import json

    path.mkdir()
    (path / "dataset_dict.json").write_text(json.dumps({"splits": list(splits)}))
    for split in splits:
        (path / split).mkdir()
        _arrow(path / split / "data-00000-of-00001.arrow")
        (path / split / "state.json").write_text(json.dumps({"_data_files": [{"filename": listed}]}))


MO = {
    "plurals, contexts, sorted": Case(
        mo(("%d file\0%d files", "%d fichier\0%d fichiers"), ("menu\x04Open", "Ouvrir")),
        (("%d file", "%d fichier"), ("%d files", "%d fichiers"), ("Open", "Ouvrir")),
    ),
    "big-endian": Case(mo(*HELLO, order=">"), HELLO),
    "no header, so no encoding": Case(mo(("a", "é"), header=""), (("a", "é"),)),
    "Latin-1": Case(mo(("a", "é"), header=HEADER.replace("UTF-8", "latin-1"), encoding="latin-1"), (("a", "é"),)),
    "Latin-1 under UTF-8": Case(
        mo(FIRST, ("g", "é"), LAST, encoding="latin-1"),
        AROUND,
        fault=("a.mo: message 3", "0xe9", "--encoding latin-1"),
        before=1,
    ),
    "an unknown encoding": Case(
        mo(LAST, header=HEADER.replace("UTF-8", "klingon")), (LAST,), fault=("a.mo", "klingon", "--encoding")
    ),
    "cut short": Case(mo(FIRST, ("a", "b" * 50))[:-20], (FIRST,), fault=("a.mo: message 3", "cut short"), before=1),
    "cut within the table": Case(mo(*HELLO)[:40], fault=("a.mo", "cut short", "msgfmt")),
    "half of a header": Case(mo()[:20], fault=("a.mo", "28 bytes", "found 20")),
    "another file": Case(b"Hello, this is no catalog", fault=("a.mo", "b'Hell'", "check the file name")),
    "a format of the future": Case(mo(revision=5 << 16), fault=("a.mo", "format 5")),
    "four thousand million messages": Case(
        struct.pack("<7I", 0x950412DE, 0, 0xFFFFFFFF, 28, 28, 0, 28),
        fault=("a.mo", "4,294,967,295 messages", "damaged"),
    ),
    "strings that overlap": Case(
        struct.pack("<7I", 0x950412DE, 0, 2000, 28, 28, 0, 28) + struct.pack("<2I", 100, 16028) * 2000 + b"a" * 100,
        (("a" * 100, "a" * 100),) * 322,
        fault=("a.mo: message 323:", "overlapping", "msgfmt"),
        before=322,
    ),
}

OPUS = {
    "a whole archive": Case(opus(), AROUND, name="a.zip"),
    "bzip2 within the archive": Case(opus(compression=zipfile.ZIP_BZIP2), AROUND, name="a.zip"),
    "LZMA within the archive": Case(opus(compression=zipfile.ZIP_LZMA), AROUND, name="a.zip"),
    "names that lead elsewhere": Case(opus(("../../C.en", "../../C.fr")), AROUND, name="a.zip"),
    "no files of these languages": Case(
        opus(("C.en", "C.de")), fault=("a.zip", "X.en and X.fr", "unpack the archive"), name="a.zip"
    ),
    "two corpora": Case(
        archive({"a.en": b"x", "a.fr": b"x", "b.en": b"x", "b.fr": b"x"}),
        fault=("a.zip", "several such pairs"),
        name="a.zip",
    ),
    "a password": Case(_encrypted(opus()), fault=("a.zip: C.en-fr.en", "password", "unpack it first"), name="a.zip"),
    "cut short": Case(opus()[:-30], fault=("a.zip", "zip archive", "fetch it again"), name="a.zip"),
    "no archive": Case(b"PK\3\4 and nothing else", fault=("a.zip", "zip archive", "fetch it again"), name="a.zip"),
    "damaged content": Case(_damaged_content(), fault=("a.zip: C.fr", "broken"), name="a.zip"),
    "LZMA that needs 4 GB": Case(_lzma_properties(), fault=("a.zip: C.en-fr.en", "broken"), name="a.zip"),
    "a name with a line end": Case(opus(("a\nb.en", "a\nb.de")), fault=("a.zip", "a\\nb.en"), name="a.zip"),
    "a line of 100 MB in 100 KB": Case(
        archive({"C.en": b"a" * 100_000_000, "C.fr": b"x\n"}),
        fault=("a.zip: C.en:1:", "at most 1,048,576 bytes"),
        name="a.zip",
    ),
    "unequal numbers of lines": Case(
        archive({"C.en": b"first\nx\n", "C.fr": b"premier\n"}),
        (FIRST,),
        fault=("2 lines but", "C.fr has 1"),
        before=1,
        name="a.zip",
    ),
}

PARQUET: dict[str, Case] = {
    "source and target": Case(
        parquet({"source": ["a", None], "target": ["b", "c"]}), (("a", "b"),), {"no text in column source": 1}
    ),
    "nested under translation": Case(parquet({"translation": [{"en": "a", "fr": "b"}]}), (("a", "b"),)),
    "large strings, views, bytes and dictionaries": Case(
        parquet({"en": _typed(["a", "c"], "large"), "fr": _typed(["b", "d"], "dictionary")}), (("a", "b"), ("c", "d"))
    ),
    "bytes that are not UTF-8": Case(
        parquet({"en": _typed([b"first", b"\xe9", b"last"], "bytes"), "fr": ["premier", "x", "dernier"]}),
        AROUND,
        fault=("a.parquet: row 2: column en", "0xe9"),
        before=1,
    ),
    "no rows": Case(parquet({"en": _typed([], "large"), "fr": _typed([], "large")})),
    "lists of texts": Case(
        parquet({"en": [["a"]], "fr": [["b"]]}), fault=("a.parquet", "no columns of text", "--columns")
    ),
    "numbers": Case(parquet({"en": [1], "fr": [2]}), fault=("a.parquet", "no columns of text")),
    "a column that is not there": Case(
        parquet({"en": ["a"], "fr": ["b"]}),
        fault=("a.parquet", "a text column named x", "en, fr"),
        options=ReadOptions(columns=("x", "fr")),
    ),
    "other languages": Case(parquet({"de": ["a"], "it": ["b"]}), fault=("a.parquet", "de, it", "--columns")),
    "cut short": Case(
        _cut(parquet({"en": ["a"], "fr": ["b"]}), 300), fault=("a.parquet", "broken one", "fetch it again")
    ),
    "another file": Case("source,target\n", fault=("a.parquet", "PAR1", "check the file name")),
    "a name of a column that is not UTF-8": Case(_with_name(b"sourc\xe9"), fault=("a.parquet", "broken one", "again")),
    "an encrypted file": Case(b"PARE" + bytes(50), fault=("a.parquet", "encrypted", "without encryption")),
    "an empty file": Case("", fault=("a.parquet", "PAR1")),
    "a text of 5 MB": Case(
        parquet({"en": ["first", "a" * 5_000_000, "last"], "fr": ["premier", "x", "dernier"]}),
        AROUND,
        fault=("a.parquet: row 2", "at most 1048576 bytes", "shorten"),
        before=1,
    ),
    "an Arrow file": Case(_arrow, AROUND, name="a.arrow", format="parquet"),
    "an Arrow file with texts beyond its end": Case(
        lambda path: _arrow(path, far=True), fault=("a.arrow", "broken one"), name="a.arrow", format="parquet"
    ),
    "a dataset of one split": Case(_dataset, AROUND, name="data"),
    "a dataset of two splits": Case(
        lambda path: _dataset(path, splits=("train", "test")),
        fault=("data", "one split", "data/train"),
        ends=True,
        name="data",
    ),
    "a dataset that leads elsewhere": Case(
        lambda path: _dataset(path, listed="../../../etc/passwd"),
        fault=("state.json", "names of files", "save"),
        ends=True,
        name="data",
    ),
    "a directory without a dataset": Case(Path.mkdir, fault=("data", "save_to_disk"), ends=True, name="data"),
}

_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zst,
}
COMPRESSED: dict[str, Case] = {}
for _kind, _pack in _PACKERS.items():
    _data, _name = _pack(TEXT), f"a.tsv.{_kind}"
    COMPRESSED |= {
        f".{_kind} of two members": Case(_pack(TEXT[:14]) + _pack(TEXT[14:]), AROUND, name=_name),
        f".{_kind} without its suffix": Case(_data, AROUND, name="a.tsv"),
        f".{_kind} that is cut": Case(
            _pack(TEXT) + _pack(TEXT)[:12],
            AROUND,
            fault=(f"{_name}: broken .{_kind} after line 2", "cut short", "fetch it again"),
            before=2,
            name=_name,
        ),
        f".{_kind} with garbage behind it": Case(
            _data + b"garbage!", AROUND, fault=(_name, "text is complete", "b'garb'"), before=2, name=_name
        ),
        f".{_kind} that is plain text": Case(TEXT, fault=(_name, f"broken .{_kind}", "rename it"), name=_name),
        f".{_kind} with a line of 20 MB": Case(
            _pack(b"first\tpremier\n" + b"a" * 20_000_000 + b"\nlast\tdernier\n"),
            AROUND,
            fault=(f"{_name}:2:", "at most 1,048,576 bytes"),
            before=1,
            name=_name,
        ),
        f".{_kind} of a TMX file": Case(
            _pack(
                b"<tmx><body><tu><tuv xml:lang='en'><seg>Hello</seg></tuv><tuv xml:lang='fr'><seg>Bonjour</seg></tuv>"
                b"</tu></body></tmx>"
            ),
            HELLO,
            name=f"a.{_kind}",
            format="tmx",
        ),
    }
COMPRESSED[".gz with zeros behind it"] = Case(gzip.compress(TEXT) + bytes(512), AROUND, name="a.tsv.gz")
COMPRESSED[".gz with a wrong checksum"] = Case(
    gzip.compress(TEXT)[:-8] + bytes(8), fault=("a.tsv.gz", "incorrect data check", "fetch it again"), name="a.tsv.gz"
)
COMPRESSED["zlib without a header of gzip"] = Case(zlib.compress(TEXT), fault=("a.tsv:1:", "0x9c"), name="a.tsv")

TABLE = {"mo": MO, "opus": OPUS, "parquet": PARQUET, "compressed": COMPRESSED}
"""The cases by format."""
