"""Hashes of texts and a random order made of them.

Both are the same in every process and on every machine.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
"""Hashes of sentences."""


def text_hash(text: str) -> int:
    """Hash of a text: an integer of 64 bits that equal texts share."""
    return bytes_hash(text.encode("utf-8", "surrogatepass"))


def bytes_hash(data: bytes) -> int:
    """Hash of the bytes of a text in UTF-8: that of the text."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def mixed(keys: Keys) -> Keys:
    """Permutes the integers of 64 bits, so that similar integers get images that are far apart.

    It is the finalizer of SplitMix64 (Steele et al. 2014). A number that is added to keys, or combined with them by
    exclusive or, determines the order of their images.

    Args:
        keys: Integers, `(N,)` uint64.

    Returns:
        Their images, `(N,)`: different integers have different images.
    """
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        keys = (keys ^ (keys >> np.uint64(shift))) * np.uint64(factor)
    images: Keys = keys ^ (keys >> np.uint64(31))
    return images
