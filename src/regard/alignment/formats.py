"""Output formats of word alignments."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from regard.text.links import naacl, pharaoh
from regard.values import Links

Words = Sequence[str]


def _as_pharaoh(_sentence: int, links: Links, _src: Words, _tgt: Words) -> str:
    """A line such as `0-0 2-1`, empty without links."""
    return pharaoh(links)


def _as_naacl(sentence: int, links: Links, _src: Words, _tgt: Words) -> str:
    """A line such as `1 3 2` per link, counted from 1."""
    return naacl(links, sentence)


def _as_json(_sentence: int, links: Links, src: Words, tgt: Words) -> str:
    """One object with `src` and `tgt`, the words, and `links`."""
    return json.dumps({"src": list(src), "tgt": list(tgt), "links": [list(link) for link in links]}, ensure_ascii=False)


def _as_tsv(sentence: int, links: Links, src: Words, tgt: Words) -> str:
    """A line per link: sentence from 1, source and target word from 0, and the two words."""
    return "\n".join(f"{sentence}\t{i}\t{j}\t{src[i]}\t{tgt[j]}" for i, j in links)


FORMATS: dict[str, Callable[[int, Links, Words, Words], str]] = {
    "pharaoh": _as_pharaoh,
    "json": _as_json,
    "tsv": _as_tsv,
    "naacl": _as_naacl,
}
"""Function per output format; its arguments are the number of the sentence pair from 1, the pair's links, the source
words and the target words."""
LINE_PER_PAIR = frozenset({"pharaoh", "json"})
"""Formats with exactly one line per sentence pair, also for a pair without links."""
