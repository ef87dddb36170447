"""Attention records as compact data of pages: which layers and heads, and numbers that do not exist."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from records import MakeRecord

from regard.errors import ShapeError
from regard.inspection.compact import compact_record


def test_chosen_layers_and_heads(make_record: MakeRecord) -> None:
    record = make_record("a b", "c d", layers=3, heads=2)
    data: Any = compact_record(record, layers=[2, 0], heads=[1])
    assert [layer["name"] for layer in data["layers"]] == [record.layer_names[2], record.layer_names[0]]
    assert [layer["heads"] for layer in data["layers"]] == [1, 1]
    weights = np.frombuffer(base64.b64decode(data["layers"][0]["weights"]), "<u2") * data["unit"]
    np.testing.assert_allclose(weights, record.layers[2][1].flatten().numpy(), atol=1e-4)
    whole: Any = compact_record(record)
    assert [layer["heads"] for layer in whole["layers"]] == [2, 2, 2]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"layers": [3]}, "there is no layer 3: the model has the layers 0 to 2"),
        ({"layers": [-1]}, "there is no layer -1"),
        ({"heads": [2]}, "there is no head 2: the model has the heads 0 to 1"),
        ({"layers": []}, "expected at least one layer number, got an empty list: pass None for all layers"),
        ({"heads": []}, "expected at least one head number, got an empty list"),
    ],
)
def test_numbers_that_do_not_exist_are_refused(
    make_record: MakeRecord, chosen: dict[str, list[int]], message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        compact_record(make_record("a b", "c d", layers=3, heads=2), **chosen)
