"""French conjugation: present, imperfect, future, conditional, participle, imperative.

Each tense has six forms in the order je tu il nous vous ils. Regular verbs are inflected by their ending; tables list
the present, past participle and future stem of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

IRREGULAR: dict[str, tuple[str, str, str]] = {
    "être": ("suis es est sommes êtes sont", "été", "ser"),
    "avoir": ("ai as a avons avez ont", "eu", "aur"),
    "aller": ("vais vas va allons allez vont", "allé", "ir"),
    "faire": ("fais fais fait faisons faites font", "fait", "fer"),
    "pouvoir": ("peux peux peut pouvons pouvez peuvent", "pu", "pourr"),
    "devoir": ("dois dois doit devons devez doivent", "dû", "devr"),
    "vouloir": ("veux veux veut voulons voulez veulent", "voulu", "voudr"),
    "savoir": ("sais sais sait savons savez savent", "su", "saur"),
    "voir": ("vois vois voit voyons voyez voient", "vu", "verr"),
    "mettre": ("mets mets met mettons mettez mettent", "mis", "mettr"),
    "lire": ("lis lis lit lisons lisez lisent", "lu", "lir"),
    "écrire": ("écris écris écrit écrivons écrivez écrivent", "écrit", "écrir"),
    "dire": ("dis dis dit disons dites disent", "dit", "dir"),
    "boire": ("bois bois boit buvons buvez boivent", "bu", "boir"),
    "courir": ("cours cours court courons courez courent", "couru", "courr"),
    "croire": ("crois crois croit croyons croyez croient", "cru", "croir"),
    "suivre": ("suis suis suit suivons suivez suivent", "suivi", "suivr"),
    "vivre": ("vis vis vit vivons vivez vivent", "vécu", "vivr"),
    "ouvrir": ("ouvre ouvres ouvre ouvrons ouvrez ouvrent", "ouvert", "ouvrir"),
    "recevoir": ("reçois reçois reçoit recevons recevez reçoivent", "reçu", "recevr"),
    "pleuvoir": ("pleus pleus pleut pleuvons pleuvez pleuvent", "plu", "pleuvr"),
    "envoyer": ("envoie envoies envoie envoyons envoyez envoient", "envoyé", "enverr"),
    "construire": ("construis construis construit construisons construisez construisent", "construit", "construir"),
    "conduire": ("conduis conduis conduit conduisons conduisez conduisent", "conduit", "conduir"),
}
"""Maps irregular infinitives to present, past participle and future stem."""

PATTERNS: tuple[tuple[str, str, str, str], ...] = (
    ("prendre", "prends prends prend prenons prenez prennent", "pris", "prendr"),
    ("venir", "viens viens vient venons venez viennent", "venu", "viendr"),
    ("tenir", "tiens tiens tient tenons tenez tiennent", "tenu", "tiendr"),
    ("connaître", "connais connais connaît connaissons connaissez connaissent", "connu", "connaîtr"),
    ("partir", "pars pars part partons partez partent", "parti", "partir"),
    ("sortir", "sors sors sort sortons sortez sortent", "sorti", "sortir"),
    ("dormir", "dors dors dort dormons dormez dorment", "dormi", "dormir"),
    ("sentir", "sens sens sent sentons sentez sentent", "senti", "sentir"),
    ("rire", "ris ris rit rions riez rient", "ri", "rir"),
    ("ffrir", "ffre ffres ffre ffrons ffrez ffrent", "ffert", "ffrir"),
)
"""Endings of verb families (apprendre, revenir, sourire) with the same three columns."""

WITH_ETRE = frozenset(
    ["aller", "venir", "revenir", "devenir", "partir", "arriver", "rester", "tomber", "rentrer", "entrer", "sortir"]
)
"""Non-reflexive verbs with the auxiliary être."""

GRAVE = ("acheter", "lever", "promener", "préférer", "répéter", "inquiéter", "espérer", "amener", "geler")
"""Verbs in -er whose e or é becomes è before a silent syllable."""

DOUBLING = ("appeler", "rappeler", "jeter")
"""Verbs in -er that double their consonant there."""

IMPERFECT = ("ais", "ais", "ait", "ions", "iez", "aient")
FUTURE = ("ai", "as", "a", "ons", "ez", "ont")


@dataclass(frozen=True, slots=True)
class Conjugation:
    """The forms of a verb.

    Attributes:
        infinitive: Infinitive without `se`.
        present: Present; six forms, for je tu il nous vous ils.
        imperfect: Imperfect; six forms.
        future: Simple future; six forms.
        conditional: Present conditional; six forms.
        participle: Past participle, masculine singular.
        imperative: Three forms: tu, nous, vous.
        auxiliary: `être` or `avoir`, for the non-reflexive verb; reflexive verbs always take être.
    """

    infinitive: str
    present: tuple[str, ...]
    imperfect: tuple[str, ...]
    future: tuple[str, ...]
    conditional: tuple[str, ...]
    participle: str
    imperative: tuple[str, str, str]
    auxiliary: str


@cache
def conjugate(infinitive: str) -> Conjugation:
    """All forms of a verb, given its infinitive without `se`."""
    present, participle, stem = _principal_parts(infinitive)
    base = infinitive[:-2] if infinitive.endswith("er") else present[3].removesuffix("ons")
    base = "ét" if infinitive == "être" else base
    return Conjugation(
        infinitive,
        present,
        tuple(_soften(base, ending) for ending in IMPERFECT),
        tuple(stem + ending for ending in FUTURE),
        tuple(stem + ending for ending in IMPERFECT),
        participle,
        _imperative(infinitive, present),
        "être" if infinitive in WITH_ETRE else "avoir",
    )


def agree(participle: str, gender: str, plural: bool) -> str:
    """Inflects a past participle for gender and number.

    Args:
        participle: Masculine singular form.
        gender: `m` or `f`.
        plural: Whether to return the plural.

    Returns:
        The form, such as `venues` for `venu`.

    >>> agree("pris", "m", plural=True), agree("pris", "f", plural=True)
    ('pris', 'prises')
    """
    feminine = participle.replace("û", "u") + "e" if gender == "f" else participle
    return feminine + "s" if plural and not feminine.endswith("s") else feminine


def _principal_parts(infinitive: str) -> tuple[tuple[str, ...], str, str]:
    if infinitive in IRREGULAR:
        present, participle, stem = IRREGULAR[infinitive]
        return tuple(present.split()), participle, stem
    for ending, present, participle, stem in PATTERNS:
        if infinitive.endswith(ending):
            start = infinitive.removesuffix(ending)
            return tuple(start + form for form in present.split()), start + participle, start + stem
    root = infinitive[:-2]
    if infinitive.endswith("er"):
        return _first_group(infinitive)
    if infinitive.endswith("ir"):
        return _with_endings(root, "is is it issons issez issent"), root + "i", infinitive
    return _with_endings(root, "s s - ons ez ent"), root + "u", infinitive[:-1]


def _first_group(infinitive: str) -> tuple[tuple[str, ...], str, str]:
    """Verbs in -er, with their spelling changes before a silent e and before o."""
    root = infinitive[:-2]
    weak = _silent_root(infinitive)
    present = (weak + "e", weak + "es", weak + "e", _soften(root, "ons"), root + "ez", weak + "ent")
    # préférer keeps its é in the future (préférera); acheter, appeler and nettoyer change there too.
    stem = infinitive if "é" in root[-2:] else weak + "er"
    return present, root + "é", stem


def _silent_root(infinitive: str) -> str:
    root = infinitive[:-2]
    if infinitive.endswith(GRAVE):
        return root[:-2] + "è" + root[-1]
    if infinitive.endswith(DOUBLING):
        return root + root[-1]
    if infinitive.endswith(("oyer", "uyer")):
        return root[:-1] + "i"
    return root


def _soften(root: str, ending: str) -> str:
    """Preserves the soft g and c before a and o: mangeons, commençait."""
    if ending[0] in "ao" and root.endswith("g"):
        return root + "e" + ending
    if ending[0] in "ao" and root.endswith("c"):
        return root[:-1] + "ç" + ending
    return root + ending


def _with_endings(root: str, endings: str) -> tuple[str, ...]:
    return tuple(root + ending.replace("-", "") for ending in endings.split())


def _imperative(infinitive: str, present: tuple[str, ...]) -> tuple[str, str, str]:
    special = {"être": ("sois", "soyons", "soyez"), "avoir": ("aie", "ayons", "ayez")}
    if infinitive in special:
        return special[infinitive]
    # Verbs whose tu form ends in -es, and aller, lose the s: mange, ouvre, va.
    you = present[1][:-1] if present[1].endswith(("es", "vas")) else present[1]
    return you, present[3], present[4]
