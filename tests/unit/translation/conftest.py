"""A vocabulary, and a translator with a small random model."""

from __future__ import annotations

import pytest
from random_translators import ENGLISH, FRENCH, random_model

from regard.text.subword import Subword
from regard.translation.translator import Translator


@pytest.fixture(scope="session")
def small_subword() -> Subword:
    """Vocabulary of both languages."""
    return Subword.train((ENGLISH + FRENCH) * 5, vocab_size=320)


@pytest.fixture(scope="module")
def random_translator(small_subword: Subword) -> Translator:
    """A recurrent model with additive attention."""
    return Translator.of([random_model("bahdanau", small_subword)])
