"""Random damage to files and settings; the same seed gives the same faults.

A tree is parsed JSON or TOML: dictionaries, lists, text, numbers, booleans and None. `write_json` can write every tree
that is drawn here, including numbers of thousands of digits and unpaired surrogates.
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
TreePath = tuple[object, ...]

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


def tree_paths(tree: Tree, path: TreePath = ()) -> Iterator[TreePath]:
    """Paths of all values in a tree, each after its container; `()` is the tree itself."""
    yield path
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from tree_paths(value, (*path, key))
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from tree_paths(value, (*path, number))


def at(tree: Tree, path: TreePath) -> Tree:
    """The value at a path."""
    for step in path:
        tree = tree[step]  # type: ignore[index]
    return tree


def put(tree: Tree, path: TreePath, value: Tree) -> Tree:
    """A copy of a tree with another value at a path."""
    if not path:
        return value
    tree = copy.deepcopy(tree)
    at(tree, path[:-1])[path[-1]] = value  # type: ignore[index]
    return tree


def nested(depth: int, *, tables: bool = False) -> Tree:
    """Nested lists or dictionaries."""
    tree: Tree = 0
    for _ in range(depth):
        tree = {"a": tree} if tables else [tree]
    return tree


def other_value(value: Tree, draw: random.Random) -> Tree:
    """A replacement for a value: an absurd one of the same type, or one of another type."""
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
        tree: The valid tree; it is not changed.
        draw: Random generator.

    Returns:
        Description of the fault, and the changed tree.
    """
    known = list(tree_paths(tree))
    path = draw.choice(known[1:] or known)
    value = at(tree, path)
    how = draw.choice(["other", "other", "other", "removed", "added", "twice", "swapped", "deep"])
    if how == "removed" and path:
        result = copy.deepcopy(tree)
        del at(result, path[:-1])[path[-1]]  # type: ignore[attr-defined]
        return f"{path} removed", result
    if how == "added" and isinstance(value, dict):
        more = {draw.choice(["x", "", "\x1b[31m", "a.b", *map(str, value)]) + "_": draw.choice(OTHERS)}
        return f"{path} has more", put(tree, path, value | more)
    if how == "twice" and isinstance(value, list) and value:
        return f"{path} twice", put(tree, path, value * draw.choice([2, 1000]))
    if how == "swapped" and len(known) > 2:
        # A value from elsewhere in the same tree: plausible, but with another meaning.
        other = at(tree, draw.choice(known[1:]))
        return f"{path} is another's value", put(tree, path, copy.deepcopy(other))
    if how == "deep":
        depth = draw.choice([3, 50, 900])
        return f"{path} {depth} deep", put(tree, path, nested(depth, tables=draw.random() < 0.5))
    return f"{path} is another value", put(tree, path, other_value(value, draw))


def write_json(tree: Tree) -> bytes:
    """Writes a tree as JSON, including values that `json` cannot read again."""
    try:
        return json.dumps(tree, ensure_ascii=False, indent=2).encode("utf-8", "surrogatepass")
    except (RecursionError, ValueError):
        return b"[" * 5000 + b"]" * 5000


@dataclass(frozen=True)
class Fault:
    """A way to damage the bytes of a file.

    Attributes:
        name: Name for messages.
        change: Function that returns the damaged bytes.
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
    """Flips bits near the start, where most formats describe their content."""
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
        data: The valid bytes.
        draw: Random generator.

    Returns:
        Description of the fault, and the changed bytes.
    """
    fault = draw.choice(BYTE_FAULTS)
    return fault.name, fault.change(data, draw)


def changed_header(data: bytes, draw: random.Random) -> tuple[str, bytes]:
    """A safetensors file with a fault in its header; the length of the header is correct."""
    size = struct.unpack("<Q", data[:8])[0]
    fault, tree = changed_tree(json.loads(data[8 : 8 + size]), draw)
    header = write_json(tree)
    return f"header: {fault}", struct.pack("<Q", len(header)) + header + data[8 + size :]


def replaced_file(path: Path, draw: random.Random) -> str:
    """Replaces a file by something else or by another file; returns a description."""
    siblings = sorted(file for file in path.parent.iterdir() if file.is_file() and file != path)
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
    """Damages a file in a way that fits its type.

    Args:
        path: The file, which is overwritten.
        draw: Random generator.

    Returns:
        Description of the fault.
    """
    if draw.random() < 0.1:
        return replaced_file(path, draw)
    data = path.read_bytes()
    fault, changed = "", data
    if path.suffix == ".json" and draw.random() < 0.75:
        fault, tree = changed_tree(json.loads(data), draw)
        changed = write_json(tree)
    elif path.suffix == ".safetensors" and draw.random() < 0.6:
        fault, changed = changed_header(data, draw)
    else:
        fault, changed = changed_bytes(data, draw)
    path.write_bytes(changed)
    return f"{path.name}: {fault}"
