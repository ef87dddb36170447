"""Small models with vocabularies and random weights."""

from __future__ import annotations

from interop_models import keep, make, second_vocabulary, vocabulary

__all__ = ["keep", "make", "second_vocabulary", "vocabulary"]
