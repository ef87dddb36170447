"""Files and settings as nobody should write them, drawn from a seed: the same seed gives the same faults.

A tree is what JSON and TOML are read to: dictionaries, lists, text, numbers, booleans and None. `write_json` can write
any tree that is drawn here, numbers of thousands of digits and halves of UTF-16 pairs among them.
"""

from __future__ import annotations

import copy
import json
import os
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

Tree = object
Place = tuple[object, ...]

HUGE = 10**12
NUMBERS: tuple[object, ...] = (0, -1, 1, 2, 3, 7, 1 << 31, 1 << 32, 10**6, HUGE, 10**18, 1 << 63, 10**23, -(1 << 63))
FLOATS: tuple[object, ...] = (0.5, -0.0, 1e-9, 1e30, 1e308, float("nan"), float("inf"), -float("inf"))
TEXTS: tuple[object, ...] = (
    "",
    " ",
    "x",
    "true",
    "-1",
    "x" * 100_000,
    "\x1b[2J",
    "\ud800",
    "a\0b",
    "../../etc",
    "é\u0301",
)
OTHERS: tuple[object, ...] = (None, True, False, [], {}, [[]], {"": None}, [None] * 1000)


def places(tree: Tree, place: Place = ()) -> Iterator[Place]:
    """Where values stand in a tree, each after what it is in; `()` is the tree itself."""
    yield place
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from places(value, (*place, key))
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from places(value, (*place, number))


def at(tree: Tree, place: Place) -> Tree:
    """The value at a place."""
    for step in place:
        tree = tree[step]  # type: ignore[index]
    return tree


def put(tree: Tree, place: Place, value: Tree) -> Tree:
    """A copy of a tree with another value at a place."""
    if not place:
        return value
    tree = copy.deepcopy(tree)
    at(tree, place[:-1])[place[-1]] = value  # type: ignore[index]
    return tree


def nested(depth: int, *, tables: bool = False) -> Tree:
    """Lists or dictionaries within each other."""
    tree: Tree = 0
    for _ in range(depth):
        tree = {"a": tree} if tables else [tree]
    return tree


def other_value(value: Tree, draw: random.Random) -> Tree:
    """What might stand in place of a value: of its kind but absurd, or of another kind."""
    kinds = [NUMBERS, FLOATS, TEXTS, OTHERS]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and draw.random() < 0.5:
        near = [
            value + 1,
            value - 1,
            value * 2,
            value // 2,
            -value,
            float(value),
            str(value),
            bool(value),
            value * 1000,
        ]
        return draw.choice(near)
    if isinstance(value, str) and value and draw.random() < 0.4:
        return draw.choice([value[:-1], value + "x", value.upper(), value[::-1], value * 1000, f"{value}\0", [value]])
    return draw.choice(draw.choice(kinds))


def changed_tree(tree: Tree, draw: random.Random) -> tuple[str, Tree]:
    """A tree with one fault.

    Args:
        tree: As it should be; it is not changed.
        draw: Decides.

    Returns:
        What was done, and the result.
    """
    known = list(places(tree))
    place = draw.choice(known[1:] or known)
    value = at(tree, place)
    how = draw.choice(["other", "other", "other", "removed", "added", "twice", "swapped", "deep"])
    if how == "removed" and place:
        result = copy.deepcopy(tree)
        del at(result, place[:-1])[place[-1]]  # type: ignore[attr-defined]
        return f"{place} removed", result
    if how == "added" and isinstance(value, dict):
        more = {draw.choice(["x", "", "\x1b[31m", "a.b", *map(str, value)]) + "_": draw.choice(OTHERS)}
        return f"{place} has more", put(tree, place, value | more)
    if how == "twice" and isinstance(value, list) and value:
        return f"{place} twice", put(tree, place, value * draw.choice([2, 1000]))
    if how == "swapped" and len(known) > 2:
        # a value of elsewhere in the same tree: of a likely kind, but of another meaning
        other = at(tree, draw.choice(known[1:]))
        return f"{place} is another's value", put(tree, place, copy.deepcopy(other))
    if how == "deep":
        depth = draw.choice([3, 50, 900])
        return f"{place} {depth} deep", put(tree, place, nested(depth, tables=draw.random() < 0.5))
    return f"{place} is another value", put(tree, place, other_value(value, draw))


def write_json(tree: Tree) -> bytes:
    """A tree as JSON, with what `json` itself would refuse to read again."""
    try:
        return json.dumps(tree, ensure_ascii=False, indent=2).encode("utf-8", "surrogatepass")
    except (RecursionError, ValueError):
        return b"[" * 5000 + b"]" * 5000


@dataclass(frozen=True)
class Fault:
    """What is done to the bytes of a file.

    Attributes:
        name: For messages.
        change: Gives the new bytes.
    """

    name: str
    change: Callable[[bytes, random.Random], bytes]


def _flip(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 8])):
        if changed:
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _flip_early(data: bytes, draw: random.Random) -> bytes:
    """Most formats begin with what says how the rest is read."""
    size = min(len(data), draw.choice([16, 256, 4096]))
    return _flip(data[:size], draw) + data[size:]


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.choice([0, 1, 7, 8, 9, len(data) // 2, max(0, len(data) - 1), draw.randint(0, len(data))])]


def _lose(data: bytes, draw: random.Random) -> bytes:
    start = draw.randint(0, len(data))
    return data[:start] + data[start + draw.choice([1, 3, 100]) :]


def _insert(data: bytes, draw: random.Random) -> bytes:
    start = draw.randint(0, len(data))
    more = draw.choice([b"\0", b"\xff\xff\xff\xff", b"\n", b"\x80", b"[" * 2000, draw.randbytes(20), b"9" * 6000])
    return data[:start] + more + data[start:]


def _double(data: bytes, _: random.Random) -> bytes:
    return data + data


def _blank(data: bytes, draw: random.Random) -> bytes:
    start = draw.randint(0, len(data))
    size = draw.choice([8, 512, len(data)])
    return (data[:start] + b"\0" * size)[: len(data)] + data[start + size :]


def _other(_: bytes, draw: random.Random) -> bytes:
    return draw.choice(
        [
            b"",
            b"\0" * 64,
            draw.randbytes(300),
            b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 298763\n",
            b"PK\x03\x04" + draw.randbytes(60),
            b"\x1f\x8b\x08" + draw.randbytes(60),
            b"<!DOCTYPE html><html><title>404</title></html>",
            b"{}",
            b"[]",
            b"null",
        ]
    )


def _encoded(name: str) -> Callable[[bytes, random.Random], bytes]:
    return lambda data, _: data.decode("latin-1").encode(name, "replace")


BYTE_FAULTS = (
    Fault("bits turned", _flip),
    Fault("bits turned early", _flip_early),
    Fault("cut off", _cut),
    Fault("bytes lost", _lose),
    Fault("bytes put in", _insert),
    Fault("twice", _double),
    Fault("zeros", _blank),
    Fault("something else", _other),
    Fault("UTF-16", _encoded("utf-16")),
    Fault("UTF-16 without a mark", _encoded("utf-16-le")),
    Fault("UTF-8 of Latin-1", _encoded("utf-8")),
    Fault("with a mark", lambda data, _: b"\xef\xbb\xbf" + data),
    Fault("CR alone", lambda data, _: data.replace(b"\n", b"\r")),
)


def changed_bytes(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    """Bytes with one fault.

    Args:
        data: As they should be.
        draw: Decides.

    Returns:
        What was done, and the result.
    """
    fault = draw.choice(BYTE_FAULTS)
    return fault.name, fault.change(data, draw)


def changed_header(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    """A safetensors file whose header says something else than its numbers; the length of the header is right."""
    size = struct.unpack("<Q", data[:8])[0]
    told, tree = changed_tree(json.loads(data[8 : 8 + size]), draw)
    header = write_json(tree)
    return f"header: {told}", struct.pack("<Q", len(header)) + header + data[8 + size :]


def changed_place(path: Path, draw: random.Random) -> str:
    """Puts something that is no file, or another file, in a file's place; returns what was done."""
    siblings = sorted(one for one in path.parent.iterdir() if one.is_file() and one != path)
    how = draw.choice(["pipe", "folder", "loop", "missing", "nowhere", "device", "sibling", "unreadable"])
    if how == "unreadable":
        path.chmod(0)
        return f"{path.name}: unreadable"
    path.unlink()
    if how == "pipe":
        os.mkfifo(path)
    elif how == "folder":
        path.mkdir()
    elif how == "loop":
        path.symlink_to(path.name)
    elif how == "nowhere":
        path.symlink_to("no-such-file")
    elif how == "device":
        path.symlink_to("/dev/zero")
    elif how == "sibling" and siblings:
        other = draw.choice(siblings)
        path.write_bytes(other.read_bytes())
        how = f"the content of {other.name}"
    return f"{path.name}: {how}"


def changed_file(path: Path, draw: random.Random) -> str:
    """Gives a file one fault that its kind can have.

    Args:
        path: A file of a directory that may be spoilt.
        draw: Decides.

    Returns:
        What was done.
    """
    if draw.random() < 0.1:
        return changed_place(path, draw)
    data = path.read_bytes()
    told, changed = "", data
    if path.suffix == ".json" and draw.random() < 0.75:
        told, tree = changed_tree(json.loads(data), draw)
        changed = write_json(tree)
    elif path.suffix == ".safetensors" and draw.random() < 0.6:
        told, changed = changed_header(data, draw)
    else:
        told, changed = changed_bytes(data, draw)
    path.write_bytes(changed)
    return f"{path.name}: {told}"
