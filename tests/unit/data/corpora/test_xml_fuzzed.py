"""Files that were damaged at random: no other error than `DataError`, and other units are kept."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from xml_corpora import outcome, tmx, trans_unit, tu, xliff

from regard.data.corpora.tmx import TmxReader
from regard.data.corpora.unit import ReadOptions, UnitReader
from regard.data.corpora.wmt import SgmReader, WmtReader
from regard.data.corpora.xliff import XliffReader

NUMBERS = range(6)
FILES = {
    "tmx": tmx(*(tu(f's{n} <bpt i="1">&lt;b&gt;</bpt>é<ept i="1"/> &amp;', f"t{n}") for n in NUMBERS)),
    "xliff": xliff(
        "<group>",
        *(trans_unit(f's{n} <g id="1">a</g>', f'<mrk mtype="seg" mid="1">t{n}</mrk>') for n in NUMBERS),
        "</group>",
    ),
    "wmt": '<dataset id="x"><doc id="d"><src lang="en">'
    + "".join(f'<seg id="{n}">s{n} é</seg>\n' for n in NUMBERS)
    + '</src><ref lang="fr">'
    + "".join(f'<seg id="{n}">t{n}</seg>\n' for n in NUMBERS)
    + "</ref></doc></dataset>",
    "sgm": '<srcset>\n<doc docid="a">\n'
    + "".join(f'<seg id="{n}">s{n} &amp; & é</seg>\n' for n in NUMBERS)
    + "</doc>\n</srcset>\n",
}
TOKENS = (
    b"<", b">", b"&", b"</tu>", b"<tu>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?", b"\xff", b"\0", b"&#x0;",
    b"&nbsp;", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"</seg>", b"<seg>", b"\xe9", b'"', b" xmlns='q'", b" xmlns:p='q'",
    b"<p:x>", b"</body>", b"<trans-unit>", b"</trans-unit>", b"<doc id='1'>", b"</doc>", b"\xef\xbf\xbf", b"\r",
    b"<mrk mtype='seg'>", b"</mrk>", b"<file>", b"</file>", b"<sub>", b"<ph>", b" encoding='utf-16'", b"<group>",
)  # fmt: skip
damages = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 40), st.one_of(st.sampled_from(TOKENS), st.binary(max_size=3))),
    min_size=1,
    max_size=6,
)


def _damage(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for place, num_removed, inserted in changes:
        index = int(place * len(data))
        data = data[:index] + inserted + data[index + num_removed :]
    return data


def _reader(name: str, directory: Path, data: bytes, options: ReadOptions) -> UnitReader:
    path = directory / "damaged"
    path.write_bytes(data)
    if name == "sgm":
        (directory / "whole").write_text(FILES["sgm"], encoding="utf-8")
        return SgmReader(path, directory / "whole", options)
    classes: dict[str, Callable[[Path, ReadOptions], UnitReader]] = {
        "tmx": TmxReader,
        "xliff": XliffReader,
        "wmt": WmtReader,
    }
    return classes[name](path, options)


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(FILES)),
    changes=damages,
    encoding=st.sampled_from(["utf-8", "utf-8", "utf-16", "cp1252"]),
    is_named=st.booleans(),
    langs=st.sampled_from([("en", "fr"), None]),
)
def test_no_damage_causes_another_error(
    name: str, changes: list[tuple[float, int, bytes]], encoding: str, is_named: bool, langs: tuple[str, str] | None
) -> None:
    data = _damage(FILES[name].encode(encoding), changes)
    with tempfile.TemporaryDirectory() as directory:
        for on_error in ("stop", "skip"):
            options = ReadOptions(
                langs=langs,
                encoding=encoding if is_named else None,
                on_error="skip" if on_error == "skip" else "stop",
                inline_text=is_named,
            )
            found = outcome(_reader(name, Path(directory), data, options))  # catches `DataError` alone
            assert all(line >= 1 for line in found.lines)


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(["tmx", "xliff"]),
    number=st.sampled_from(NUMBERS),
    place=st.floats(0, 1, exclude_max=True),
    removed=st.integers(0, 60),
    inserted=st.sampled_from([token for token in TOKENS if not token.startswith(b"<!")]),
)
def test_damage_within_a_unit_costs_no_other_unit(
    name: str, number: int, place: float, removed: int, inserted: bytes
) -> None:
    data = FILES[name].encode()
    start, end = [match.span() for match in re.finditer(rb"<(tu|trans-unit)\b.*?</\1>", data)][number]
    index = start + int(place * (end - start))
    damaged = data[:index] + inserted + data[min(index + removed, end) :]
    with tempfile.TemporaryDirectory() as directory:
        options = ReadOptions(langs=("en", "fr"), on_error="skip")
        found = outcome(_reader(name, Path(directory), damaged, options))
    kept = {src[:2] for src, _ in found.pairs}
    assert kept >= {f"s{other}" for other in NUMBERS if other != number}
