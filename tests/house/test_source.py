"""Constructs that the source must not contain: the package keeps each rule, and planted violations are found."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from house_rules import source
from house_rules.tree import Finding, Module

Check = Callable[[list[Module]], list[Finding]]


def module(text: str, part: str) -> Module:
    return Module(f"regard.{part}.x", Path(f"regard/{part}/x.py"), text, ast.parse(text))


@pytest.mark.parametrize("check", source.CHECKS, ids=lambda check: check.__name__)
def test_the_package_keeps_the_rule(check: Check, package: list[Module]) -> None:
    assert [str(finding) for finding in check(package)] == []


@pytest.mark.parametrize(
    ("check", "part", "text"),
    [
        (source.check_unsafe_calls, "store", "import pickle"),
        (source.check_unsafe_calls, "store", "from joblib.memory import load"),
        (source.check_unsafe_calls, "store", "x = torch.load(path)"),
        (source.check_unsafe_calls, "store", "x = torch.load(path, weights_only=True)"),
        (source.check_unsafe_calls, "interop", "x = torch.load(path)"),
        (source.check_unsafe_calls, "interop", "x = torch.load(path, weights_only=False)"),
        (source.check_unsafe_calls, "config", "eval(text)"),
        (source.check_unsafe_calls, "config", "exec(text)"),
        (source.check_hasattr, "search", "if hasattr(model, 'cache'): pass"),
        (source.check_torch_free, "text", "import torch"),
        (source.check_torch_free, "config", "def late():\n    from torch import nn"),
        (source.check_masks, "attention", "m = torch.ones(3, 3).tril()"),
        (source.check_masks, "attention", "m = torch.triu(x)"),
        (source.check_masks, "data", "m = x.view(3, 3).tril(1)"),
        (source.check_masks, "model", "m = torch.arange(n)[None] < lengths[:, None]"),
        (source.check_masks, "search", "src_mask = ids != pad"),
        (source.check_any, "text", "def f(x: Any) -> int: ..."),
        (source.check_any, "text", "class C:\n    def m(self) -> dict[str, typing.Any]: ..."),
        (source.check_order, "attention", "def f(key, query, *, mask): ..."),
        (source.check_order, "attention", "def f(query, mask, value): ..."),
        (source.check_order, "text", "class C:\n def m(self, tgt_ids, n, src_ids): ..."),
        (source.check_pure_methods, "model", "class C:\n def forward(self, x):\n  self.last = x"),
        (source.check_pure_methods, "model", "class C:\n def step(self, x):\n  self.cache['k'] = x"),
        (source.check_pure_methods, "model", "class C:\n def step(self, x):\n  self.count += 1"),
    ],
)
def test_a_planted_violation_is_found(check: Check, part: str, text: str) -> None:
    assert len(check([module(text, part)])) == 1


@pytest.mark.parametrize(
    ("check", "part", "text"),
    [
        (source.check_unsafe_calls, "model", "model.eval()"),
        (source.check_unsafe_calls, "text", "pattern = re.compile('x')"),
        (source.check_torch_free, "values", "if TYPE_CHECKING:\n    import torch"),
        (source.check_torch_free, "model", "import torch"),
        (source.check_masks, "masks", "m = torch.arange(n) < lengths"),
        (source.check_masks, "regard_phrasebook", "mask = a < b"),
        (source.check_any, "text", "def _f(x: Any) -> int: ..."),
        (source.check_order, "attention", "def f(query, scale, value, mask): ..."),
        (source.check_order, "text", "def f(src_path, tgt_path, src_subword, tgt_subword): ..."),
        (source.check_pure_methods, "train", "class C:\n def run(self, x):\n  self.last = x"),
        (source.check_pure_methods, "model", "class C:\n def forward(self, x):\n  last = self.net(x)"),
    ],
)
def test_allowed_code_is_not_reported(check: Check, part: str, text: str) -> None:
    assert check([module(text, part)]) == []
