"""What makes parallel text look like other text than was meant, though it can be trained on."""

from __future__ import annotations

from collections.abc import Sequence

from regard.values import Pair

MAX_REPEATED = 0.05
"""Share of the validation pairs among the training pairs that is told of; short sentences recur by chance."""
MAX_IDENTICAL = 0.5
"""Share of pairs with one text on both sides that is told of: names and numbers are translated so."""
MAX_WITHOUT_LETTERS = 0.9
"""Share of sentences without a letter that is told of."""


def mismatch_warnings(train: Sequence[Pair], val: Sequence[Pair]) -> list[str]:
    """Looks at the text as somebody would who opens the files.

    Args:
        train: Training pairs.
        val: Validation pairs.

    Returns:
        A sentence for each thing that is odd, for the user to read.
    """
    found = []
    wanted = {(pair.src, pair.tgt) for pair in val}
    known = wanted & {(pair.src, pair.tgt) for pair in train}
    count = sum((pair.src, pair.tgt) in known for pair in val)
    if count > MAX_REPEATED * len(val):
        found.append(
            f"{count} of the {len(val)} validation pairs are training pairs too, so that validation praises what was "
            "learned by heart: name text that is not trained on"
        )
    same = sum(pair.src == pair.tgt for pair in train)
    if same > MAX_IDENTICAL * len(train):
        found.append(
            f"{same} of the {len(train)} training pairs have the same text on both sides: is the target the right file?"
        )
    for name, texts in (("source", [pair.src for pair in train]), ("target", [pair.tgt for pair in train])):
        mute = sum(not any(map(str.isalpha, text)) for text in texts)
        if mute > MAX_WITHOUT_LETTERS * len(texts):
            found.append(f"{mute} of the {len(texts)} training pairs have a {name} without letters: is it a text?")
    return found
