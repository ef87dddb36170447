"""Small subword vocabularies of both kinds."""

from __future__ import annotations

import pytest

from regard.text.subword import Subword

ENGLISH = ["the", "a", "cat", "dog", "house", "garden", "sees", "loves", "finds", "red", "small"]
OTHERS = ["très", "été", "où", "fenêtre", "journée", "안녕", "하세요", "고양이"]
WORDS = ENGLISH + OTHERS
SENTENCES = [f"{a} {b} {c} ?" for a in WORDS for b in WORDS for c in WORDS[::3]]


@pytest.fixture(scope="session", params=["unigram", "bpe"])
def subword(request: pytest.FixtureRequest) -> Subword:
    return Subword.train(SENTENCES, vocab_size=420, kind=request.param)


@pytest.fixture(scope="session")
def unigram() -> Subword:
    return Subword.train(SENTENCES, vocab_size=420)
