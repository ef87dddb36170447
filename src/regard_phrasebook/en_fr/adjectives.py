"""The adjectives of the English-French phrasebook.

Each line of a table has an adjective: English, French masculine, and marks: `<` = before the French noun, `er` =
English comparative in -er, `-` = not gradable. The kinds of nouns that it modifies follow the colon. French forms are
regular except those in `FORMS`.
"""

from __future__ import annotations

from regard_phrasebook.en_fr.nouns import french_plural
from regard_phrasebook.en_fr.words import Adjective

TABLE = """
big grand < er : thing furniture vehicle room home place land animal opening
small petit < er : thing clothes furniture vehicle room home place land animal food person opening
tall grand < er : person family
beautiful beau < : clothes thing furniture land room home person text writing vehicle animal place opening
pretty joli < er : clothes thing room home land person
new nouveau < er : clothes thing furniture text writing vehicle room home person opening
old vieux < er : clothes thing furniture text writing vehicle room home land place person opening
young jeune < er : person family
good bon < : food dish drink text writing show idea place
bad mauvais < : food idea show dish drink
long long < er : text writing event clothes land show
red rouge - : clothes thing vehicle
blue bleu - : clothes thing vehicle furniture
green vert - : clothes thing vehicle furniture
yellow jaune - : clothes thing furniture
white blanc - : clothes thing vehicle furniture animal
black noir - : clothes thing vehicle animal
grey gris - : clothes thing vehicle animal
pink rose - : clothes thing
expensive cher : clothes thing furniture vehicle room home food
easy facile er : idea
difficult difficile : idea text writing
interesting intéressant : text writing show event place person
boring ennuyeux : text writing show event
important important : event idea text writing
useful utile : thing idea
heavy lourd er : thing furniture
light léger er : thing clothes
clean propre er : clothes room home furniture
dirty sale er : clothes room home vehicle
empty vide - : thing room home place vehicle
open ouvert - : place opening
closed fermé - : place opening
hot chaud er : dish drink
cold froid er : dish drink room home
fresh frais er : food dish
delicious délicieux - : food dish drink
sweet sucré er : food drink
spicy épicé er : dish
fast rapide er : vehicle animal
slow lent er : vehicle animal
quiet calme er : land place room home
noisy bruyant er : land place vehicle animal
modern moderne : place room home furniture
comfortable confortable : furniture vehicle room home clothes
famous célèbre : person place text writing
kind gentil er : person family
funny drôle er : person family text writing show
intelligent intelligent : person family animal
serious sérieux : person family
polite poli : person family
lazy paresseux er : person family animal
shy timide : person family
rich riche er : person
poor pauvre er : person
brave courageux : person family animal
curious curieux : person family animal
generous généreux : person family
patient patient : person family
honest honnête : person family
strange étrange er : idea text writing person place
dangerous dangereux : animal land vehicle
round rond - : thing furniture
broken cassé - : thing furniture
French français - : person dish drink text writing
English anglais - : person text writing
Spanish espagnol - : person dish text writing
Italian italien - : person dish vehicle
American américain - : person vehicle show
"""

MOODS_TABLE = """
happy heureux er
sad triste er
tired fatigué
ill malade
worried inquiet
nervous nerveux
proud fier
jealous jaloux
surprised surpris
busy occupé er
ready prêt -
free libre -
alone seul -
lost perdu -
married marié -
disappointed déçu
angry fâché
satisfied satisfait
"""

FORMS = {
    "beau": ("bel", "belle"), "nouveau": ("nouvel", "nouvelle"), "vieux": ("vieil", "vieille"),
    "blanc": ("blanc", "blanche"), "long": ("long", "longue"), "gentil": ("gentil", "gentille"),
    "frais": ("frais", "fraîche"), "jaloux": ("jaloux", "jalouse"), "bon": ("bon", "bonne"),
    "inquiet": ("inquiet", "inquiète"),
}  # fmt: skip
"""Masculine form before a vowel and feminine form of irregular adjectives."""

IRREGULAR_COMPARED = {"good": ("better", "best"), "bad": ("worse", "worst")}
DOUBLED = {"big", "hot", "sad"}


def feminine(masculine: str) -> str:
    """The regular feminine of a French adjective.

    >>> feminine("heureux"), feminine("léger"), feminine("italien"), feminine("facile")
    ('heureuse', 'légère', 'italienne', 'facile')
    """
    for ending, changed in (("eux", "euse"), ("er", "ère"), ("ien", "ienne"), ("e", "e")):
        if masculine.endswith(ending):
            return masculine.removesuffix(ending) + changed
    return masculine + "e"


def _compared(en: str, marks: list[str]) -> tuple[str, str]:
    """English comparative and superlative; empty for adjectives that are not gradable."""
    if "-" in marks:
        return "", ""
    if en in IRREGULAR_COMPARED:
        return IRREGULAR_COMPARED[en]
    if "er" not in marks:
        return f"more {en}", f"most {en}"
    stem = en + en[-1] if en in DOUBLED else en.removesuffix("e")
    stem = en[:-1] + "i" if en.endswith("y") and en not in ("grey", "shy") else stem
    return stem + "er", stem + "est"


def _adjective(line: str) -> Adjective:
    head, _, kinds = line.partition(":")
    en, masculine, *marks = head.split()
    vowel, fem = FORMS.get(masculine, (masculine, feminine(masculine)))
    comparative, superlative = _compared(en, marks)
    plural = french_plural(masculine)
    return Adjective(en, comparative, superlative, masculine, vowel, fem, plural, "<" in marks, tuple(kinds.split()))


ADJECTIVES: tuple[Adjective, ...] = tuple(_adjective(line) for line in TABLE.split("\n") if line)
"""Adjectives for qualities, each with the kinds of nouns that it modifies."""

MOODS: tuple[Adjective, ...] = tuple(_adjective(line + " : person family") for line in MOODS_TABLE.split("\n") if line)
"""Adjectives for states of people, used predicatively but seldom before a noun."""


def adjectives_for(kind: str) -> tuple[Adjective, ...]:
    """The adjectives that can modify a kind of noun, such as `person`, in the order of the table."""
    return _BY_KIND.get(kind, ())


_BY_KIND = {
    kind: tuple(adjective for adjective in ADJECTIVES if kind in adjective.kinds)
    for kind in dict.fromkeys(kind for adjective in ADJECTIVES for kind in adjective.kinds)
}
