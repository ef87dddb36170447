"""French spelling: elision, contraction and punctuation.

Each token is a morpheme. An object pronoun has a final dot (`le·`), which distinguishes it from the article: both elide
(`l'`), but only the article contracts (`de` + `le` = `du`).
"""

from __future__ import annotations

from regard_phrasebook.engine.phrase import GLUE, Piece, attach, capitalize

CLITIC = "·"
ELIDED = {"le", "la", "je", "me", "te", "se", "ne", "de", "que", "parce que", "le·", "la·"}
CONTRACTED = {("de", "le"): "du", ("de", "les"): "des", ("à", "le"): "au", ("à", "les"): "aux"}
ASPIRATED = ("haut", "huit", "onze", "héros", "hors", "haricot", "hibou", "hamster")
"""Beginnings of words without elision before them, although they begin with a vowel or an h."""

VOWELS = "aeiouyâàäéèêëîïôöùûüœh"


def begins_with_vowel(word: str) -> bool:
    """Whether French elides before a word, because it begins with a vowel or a mute h: `l'eau`, `l'homme`."""
    word = word.lower()
    return bool(word) and word[0] in VOWELS and not word.startswith(ASPIRATED) and word not in ("y·", "yaourt")


def spell(pieces: list[Piece]) -> list[Piece]:
    """Spells French tokens as the words of a sentence, with elision, contraction, joined tokens and a capital."""
    return capitalize(attach(_unmark(_contract(_elide(pieces)))))


def _elide(pieces: list[Piece]) -> list[Piece]:
    spelled = []
    for piece, following in zip(pieces, [*pieces[1:], Piece("", ())], strict=True):
        spelled.append(Piece(_elided(piece.text, following.text), piece.tokens))
    return spelled


def _elided(word: str, following: str) -> str:
    """The spelling of a word before another word."""
    if word in ELIDED and (begins_with_vowel(following) or following == "y" + CLITIC):
        return word.rstrip(CLITIC)[:-1] + "'" + GLUE
    if word == "si" and following in ("il", "ils"):
        return "s'" + GLUE
    return word


def _contract(pieces: list[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for piece in pieces:
        key = (merged[-1].text if merged else "", piece.text)
        if key in CONTRACTED:
            merged[-1] = Piece(CONTRACTED[key], merged[-1].tokens + piece.tokens)
        else:
            merged.append(piece)
    return merged


def _unmark(pieces: list[Piece]) -> list[Piece]:
    return [Piece(piece.text.replace(CLITIC, ""), piece.tokens) for piece in pieces]
