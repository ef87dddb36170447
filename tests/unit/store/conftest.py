"""Vocabularies and small models of each kind."""

from __future__ import annotations

from stored_models import make, subwords

__all__ = ["make", "subwords"]
