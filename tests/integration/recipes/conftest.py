"""A toy corpus with a training that takes a second."""

from __future__ import annotations

from toy_training import toy

__all__ = ["toy"]
