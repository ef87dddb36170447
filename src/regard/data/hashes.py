"""Hashes of texts, and a pseudorandom order of texts by their hashes.

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
    """Hash of a text that is given as bytes in UTF-8; equal to `text_hash` of the text."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def mixed(keys: Keys) -> Keys:
    """Maps integers of 64 bits one-to-one, so that similar integers get very different images.

    It is the finalizer of SplitMix64 (Steele et al. 2014). To get images in another order, as with
    another random seed, add the same number to all keys first, or XOR them with it.

    Args:
        keys: Integers, `(N,)` uint64.

    Returns:
        Their images, `(N,)`: different integers have different images.
    """
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        keys = (keys ^ (keys >> np.uint64(shift))) * np.uint64(factor)
    images: Keys = keys ^ (keys >> np.uint64(31))
    return images
