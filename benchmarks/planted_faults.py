"""Plants faults of known kinds into a parallel corpus, to measure which of them checks find."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from regard.values import Pair

KINDS = ("duplicate", "misaligned", "language", "leaked", "mojibake", "numbers", "urls")
_SHARES = {"duplicate": 0.02, "misaligned": 0.01, "language": 0.01, "mojibake": 0.01, "numbers": 0.005, "urls": 0.003}
_DIGIT = re.compile(r"\d")


class PlantedCorpus(NamedTuple):
    """A corpus with faults.

    Attributes:
        pairs: The pairs, numbered by `Pair.line` from 1.
        kinds: Per pair, the kind of its fault; the empty string = none was planted.
    """

    pairs: list[Pair]
    kinds: list[str]


def plant(clean: Sequence[Pair], test: Sequence[Pair], other: Sequence[str], *, seed: int = 1) -> PlantedCorpus:
    """Plants faults into a corpus, at most one per pair.

    Args:
        clean: The corpus.
        test: Test pairs, of which 100 are added to the corpus, half of them with only one of their sides.
        other: Sentences in a language that is neither the source nor the target language.
        seed: Seed of all choices.

    Returns:
        The corpus with faults, in a new order.
    """
    rng = random.Random(seed)
    by_length: dict[int, list[str]] = {}
    for text in other:
        by_length.setdefault(len(text) // 8, []).append(text)
    rows = [(pair.src, pair.tgt, "") for pair in _without_real_copies(clean, test)]
    rng.shuffle(rows)
    counts = {kind: round(share * len(rows)) for kind, share in _SHARES.items()}
    free = rng.sample(range(len(rows)), len(rows))
    originals = [free.pop() for _ in range(counts["duplicate"])]  # copies come later; these stay as they are
    copies = [_vary(*rows[row][:2], rng) for row in originals]
    _shuffle_targets(rows, [free.pop() for _ in range(counts["misaligned"])])
    makers: dict[str, Callable[[str, str], tuple[str, str] | None]] = {
        "language": lambda src, tgt: _swap_language(src, tgt, by_length, rows, rng),
        "mojibake": lambda src, tgt: _encode_twice(src, tgt, rng),
        "numbers": lambda src, tgt: _change_number(src, tgt, rng),
        "urls": lambda src, tgt: _add_urls(src, tgt, rng),
    }
    for kind, maker in makers.items():
        _plant_kind(rows, free, kind, counts[kind], maker)
    leaked = [_leak(pair, rows[rng.randrange(len(rows))], rng) for pair in rng.sample(list(test), min(100, len(test)))]
    rows += [(src, tgt, "leaked") for src, tgt in leaked]
    rng.shuffle(rows)
    rows += [(src, tgt, "duplicate") for src, tgt, _ in copies]
    return PlantedCorpus([Pair(src, tgt, line) for line, (src, tgt, _) in enumerate(rows, 1)], [row[2] for row in rows])


Row = tuple[str, str, str]


def _without_real_copies(clean: Sequence[Pair], test: Sequence[Pair]) -> list[Pair]:
    """Removes real duplicates and real leaked sides, so that each copy that is found is a planted one or an error."""
    seen = {(_letters(pair.src), _letters(pair.tgt)) for pair in test}
    sides = {key for pair in seen for key in pair}
    left = []
    for pair in clean:
        key = _letters(pair.src), _letters(pair.tgt)
        if key not in seen and sides.isdisjoint(key):
            seen.add(key)
            left.append(pair)
    return left


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _plant_kind(
    rows: list[Row], free: list[int], kind: str, count: int, maker: Callable[[str, str], tuple[str, str] | None]
) -> None:
    left: list[int] = []
    while count and free:
        row = free.pop()
        changed = maker(*rows[row][:2])
        if changed is None:
            left.append(row)
        else:
            rows[row] = (*changed, kind)
            count -= 1
    free[:0] = left


def _vary(src: str, tgt: str, rng: random.Random) -> Row:
    return rng.choice(((src, tgt, ""), (src, tgt, ""), (src + " ", tgt, ""), (src, tgt.replace(" ", "\u00a0", 1), "")))


def _shuffle_targets(rows: list[Row], chosen: list[int]) -> None:
    targets = [rows[row][1] for row in chosen]
    for row, tgt in zip(chosen, targets[1:] + targets[:1], strict=True):
        rows[row] = (rows[row][0], tgt, "misaligned")


def _swap_language(
    src: str, tgt: str, other: dict[int, list[str]], rows: list[Row], rng: random.Random
) -> tuple[str, str] | None:
    """Replaces a side by a sentence of another language and similar length, or the target by a source sentence."""
    side = rng.choice(("src", "tgt", "untranslated"))
    if side == "untranslated":
        return src, _similar(len(src), rng, lambda: rows[rng.randrange(len(rows))][0])
    texts = other.get(len(src if side == "src" else tgt) // 8)
    if not texts:
        return None
    return (rng.choice(texts), tgt) if side == "src" else (src, rng.choice(texts))


def _similar(length: int, rng: random.Random, draw: Callable[[], str]) -> str:
    return min((draw() for _ in range(20)), key=lambda text: abs(len(text) - length))


def _encode_twice(src: str, tgt: str, rng: random.Random) -> tuple[str, str] | None:
    sides = [_decoded(side) for side in (src, tgt)]
    changed = [side for side in (0, 1) if sides[side] != (src, tgt)[side]]
    if not changed:
        return None
    side = rng.choice(changed)
    return (sides[0], tgt) if side == 0 else (src, sides[1])


def _decoded(text: str) -> str:
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in text.encode())


def _change_number(src: str, tgt: str, rng: random.Random) -> tuple[str, str] | None:
    shared = [match for match in re.finditer(r"(?<!\d)\d+(?!\d)", tgt) if re.search(rf"(?<!\d){match[0]}(?!\d)", src)]
    if not shared:
        return None
    match = rng.choice(shared)
    digit = rng.randrange(match.start(), match.end())
    new = rng.choice([value for value in "123456789" if value != tgt[digit]])
    return src, tgt[:digit] + new + tgt[digit + 1 :]


def _add_urls(src: str, tgt: str, rng: random.Random) -> tuple[str, str]:
    host, number = rng.choice(("www.example.org", "http://docs.example.com", "https://example.net")), rng.randrange(900)
    url = f"{host}/page{number}/index.html"
    wrong = rng.choice(("", " " + url.replace("page", "other"), " https://elsewhere.example.org/"))
    return f"{src} {url}", f"{tgt}{wrong}"


def _leak(pair: Pair, row: Row, rng: random.Random) -> tuple[str, str]:
    kind = rng.choice(("pair", "case", "src", "tgt"))
    if kind == "case":
        return pair.src.upper(), pair.tgt.rstrip(".!?")
    return {"pair": (pair.src, pair.tgt), "src": (pair.src, row[1]), "tgt": (row[0], pair.tgt)}[kind]
