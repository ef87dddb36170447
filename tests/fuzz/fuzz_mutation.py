"""Random damage to bytes: the same seed of the random generator gives the same damage."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

MAX_SIZE = 1 << 18
"""Largest size of a damaged input in bytes."""
_NUMBERS = (b"0", b"-1", b"1", b"255", b"65536", b"2147483648", b"99999999999999999999", b"1e999", b"nan")
_BYTES = (0, 1, 9, 10, 13, 11, 28, 34, 38, 39, 60, 62, 92, 127, 128, 0xC3, 0xED, 0xFE, 0xFF)
_CHARACTERS = ("\u0085", "\u2028", "\ufeff", "\ud800", "\uffff", "\U0010ffff", "é", "中", "\x1b[2J", "\u202e", "\x1f")
_TIMES = (2, 2, 2, 3, 3, 5, 10, 10, 100, 3000)


def damage(seeds: Sequence[bytes], tokens: Sequence[bytes], generator: random.Random) -> bytes:
    """Damages one of several inputs.

    Args:
        seeds: The inputs, of which one is chosen.
        tokens: Parts of the format, which are inserted.
        generator: Random generator.

    Returns:
        The damaged input.
    """
    if not generator.randrange(20):
        return b"".join(generator.choices(tokens, k=generator.randint(1, 40)))
    data = generator.choice(seeds)
    for _ in range(generator.choice((1, 1, 1, 2, 3, 5, 10))):
        change = generator.choice(_CHANGES)
        start = generator.randint(0, len(data))
        end = min(len(data), start + generator.choice((1, 1, 2, 4, 8, 40, 400)))
        material = _Material(seeds, tokens, generator)
        data = (data[:start] + change(data[start:end], material) + data[end:])[:MAX_SIZE]
        if not generator.randrange(20):
            data = data[:start]
    return data


class _Material:
    """What is inserted into an input."""

    def __init__(self, seeds: Sequence[bytes], tokens: Sequence[bytes], generator: random.Random) -> None:
        self.generator = generator
        self._seeds = seeds
        self._tokens = tokens

    def token(self) -> bytes:
        return self.generator.choice(self._tokens)

    def times(self) -> int:
        return self.generator.choice(_TIMES)

    def piece(self) -> bytes:
        """Part of another input, or all of its end."""
        other = self.generator.choice(self._seeds)
        place = self.generator.randint(0, len(other))
        return other[place : place + self.generator.choice((4, 40, 400, MAX_SIZE))]


def _flip(old: bytes, material: _Material) -> bytes:
    return bytes([old[0] ^ (1 << material.generator.randrange(8))]) + old[1:] if old else old


_CHANGES: tuple[Callable[[bytes, _Material], bytes], ...] = (
    lambda _old, _: b"",
    lambda old, material: old * material.times(),
    lambda old, material: material.token() + old,
    lambda _old, material: material.token(),
    lambda old, material: material.token() * material.times() + old,
    lambda old, material: material.piece() + old,
    lambda _old, material: material.piece(),
    lambda old, material: material.generator.choice(_CHARACTERS).encode("utf-8", "surrogatepass") + old,
    lambda _old, material: material.generator.choice(_NUMBERS),
    lambda _old, material: material.generator.randbytes(material.generator.choice((1, 4, 30))),
    lambda _old, material: bytes([material.generator.choice(_BYTES)]),
    _flip,
    _flip,
)
