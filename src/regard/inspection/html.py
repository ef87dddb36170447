"""One page of HTML that shows attention: complete in itself, for a browser without a network.

Sentences come from outside and may hold anything. They enter the page as JSON in which nothing can end the
element that it stands in, and the page's script writes them as text only. A content security policy lets
nothing run but that script, and lets nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

import torch
from torch import Tensor

from regard.errors import DataError
from regard.inspection.record import AttentionRecord
from regard.text.words import word_of_piece
from regard.values import Encoding

Records = AttentionRecord | Sequence[AttentionRecord]
"""One sentence or several."""

_SCRIPTS = (
    "numbers",
    "colors",
    "pens",
    "matrix",
    "sentences",
    "heads",
    "ranking",
    "panel",
    "finder",
    "saving",
    "main",
)
"""In the order in which one builds upon another."""
_AT_ONCE = 3 << 20
_LARGEST = 2**16 - 1
"""Weights are whole numbers of 16 bits; the largest stands for 1, or for the largest weight where that is more."""


def render(records: Records, *, title: str = "Attention") -> str:
    """A page for one or more sentences.

    Args:
        records: What was attended to; the page has a picker where there are several sentences.
        title: Heading of the page.

    Returns:
        A whole HTML document; all its characters are ASCII.

    Raises:
        DataError: Where there is no record.
    """
    return render_comparison({"": records}, title=title)


def render_comparison(models: Mapping[str, Records], *, title: str = "Attention") -> str:
    """A page on which several models read the same sentences, side by side.

    Args:
        models: What each model attended to, under its name; one record a sentence, in the same order.
        title: Heading of the page.

    Returns:
        A whole HTML document; all its characters are ASCII.

    Raises:
        DataError: Where there is no model or no record, or where the models did not read the same sentences.
    """
    chosen = {name: [one] if isinstance(one, AttentionRecord) else list(one) for name, one in models.items()}
    _check_sentences(chosen)
    data = [{"name": name, "records": [_record_data(one) for one in records]} for name, records in chosen.items()]
    style, script = _asset("page.css"), '"use strict";\n' + "\n".join(_asset(f"{name}.js") for name in _SCRIPTS)
    filled = {
        "policy": _policy(style=style, script=script),
        "title": _as_ascii(html.escape(title)),
        "style": style,
        "script": script,
        "data": _as_json(data),
    }
    # One pass: what is filled in is not searched for places to fill in.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: filled[match[1]], _asset("page.html"))


def render_iframe(records: Records, *, title: str = "Attention", height: int = 760) -> str:
    """The page as an element for a notebook, whose styles and script stay apart from the notebook's.

    Args:
        records: As for `render`.
        title: As for `render`.
        height: In pixels.

    Returns:
        An `iframe` element.
    """
    page, name = html.escape(render(records, title=title)), _as_ascii(html.escape(title))
    return f'<iframe title="{name}" srcdoc="{page}" height="{height}" style="width: 100%; border: 0"></iframe>'


def _check_sentences(models: Mapping[str, Sequence[AttentionRecord]]) -> None:
    if not any(models.values()):
        raise DataError("a page of attention needs at least one sentence, got none")
    (first, expected), *others = models.items()
    for name, records in others:
        if len(records) != len(expected):
            raise DataError(
                f"expected {len(expected)} sentences of each model, as {first!r} has, got {len(records)} of {name!r}"
            )
        for number, (one, other) in enumerate(zip(expected, records, strict=True), start=1):
            if one.src.text != other.src.text:
                raise DataError(
                    f"sentence {number}: {first!r} read {one.src.text!r} but {name!r} read {other.src.text!r}: "
                    "give the same sentences to all models, in the same order"
                )


def _asset(name: str) -> str:
    return (files(__package__) / "page" / name).read_text(encoding="ascii")


def _policy(**allowed: str) -> str:
    """Allows the page's own style and script by their hashes, and nothing else."""
    rules = ["default-src 'none'", "base-uri 'none'", "form-action 'none'"]
    for kind, body in allowed.items():
        digest = base64.b64encode(hashlib.sha256(body.encode("ascii")).digest()).decode("ascii")
        rules.append(f"{kind}-src 'sha256-{digest}'")
    return "; ".join(rules)


def _record_data(record: AttentionRecord) -> dict[str, object]:
    unit = max(1.0, *(float(layer.max()) for layer in record.layers)) / _LARGEST
    return {
        "src": _encoding_data(record.src, record.src_words),
        "tgt": _encoding_data(record.tgt, record.tgt_words),
        "rows": record.layers[0].shape[1],
        "unit": unit,
        "layers": [
            {"name": name, "heads": len(layer), "weights": _packed(layer, unit)}
            for name, layer in zip(record.layer_names, record.layers, strict=True)
        ],
    }


def _packed(layer: Tensor, unit: float) -> str:
    """Base64 of whole numbers of 16 bits, the low byte first: each weight to half a unit."""
    parts = []
    weights = layer.flatten()
    for start in range(0, len(weights), _AT_ONCE):  # of bytes that three divides, so that the parts can be joined
        units = (weights[start : start + _AT_ONCE].double() / unit).round().to(torch.int32)
        pairs = torch.stack([units & 255, units >> 8], dim=-1).to(torch.uint8)  # (weights, low and high byte)
        parts.append(base64.b64encode(pairs.numpy().tobytes()).decode("ascii"))
    return "".join(parts)


def _encoding_data(encoding: Encoding, words: tuple[str, ...]) -> dict[str, object]:
    return {"pieces": list(encoding.pieces), "words": list(words), "wordOf": list(word_of_piece(encoding))}


def _as_json(data: object) -> str:
    """JSON in ASCII without `<`, `>` and `&`: it can neither close a script element nor open a comment."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _as_ascii(text: str) -> str:
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
