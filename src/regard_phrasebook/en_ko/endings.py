"""Korean spelling by rule: Hangul arithmetic, particles, and the endings of verbs and adjectives.

A syllable block is one code point with a leading consonant, a vowel and a final consonant, so endings are chosen and
merged by arithmetic on code points (The Unicode Standard, section 3.12). The conjugation covers the polite style in 요
and the connective and modifying endings that the phrasebook needs, for regular stems and the irregular classes of
`Stem`.
"""

from __future__ import annotations

from dataclasses import dataclass

BASE, VOWELS, FINALS = (
    0xAC00,
    "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ",
    " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ",
)
PER_LEAD = len(VOWELS) * len(FINALS)

PARTICLES = {
    "topic": ("은", "는"),
    "subject": ("이", "가"),
    "object": ("을", "를"),
    "with": ("과", "와"),
    "by": ("으로", "로"),
    "at": ("에", "에"),
    "in": ("에서", "에서"),
    "to": ("에게", "에게"),
    "than": ("보다", "보다"),
    "of": ("의", "의"),
    "also": ("도", "도"),
}
"""Particles by role: the form after a final consonant and the form after a vowel."""


@dataclass(frozen=True, slots=True)
class Stem:
    """A stem to which endings are added.

    Attributes:
        text: The dictionary form without 다.
        kind: How it conjugates: `regular`; `ㅂ`, `ㄷ`, `르`, `ㅎ` for the irregular classes; `past` for a stem that
            ends in the past 었; `copula` for a noun with 이; `future` for 거 of the future. Stems that end
            in 하, ㅡ or ㄹ are recognized by their form.
    """

    text: str
    kind: str = "regular"


def split(syllable: str) -> tuple[int, str, str]:
    """Decomposes a syllable: index of the leading consonant, vowel, and final consonant (a space for none).

    >>> split("말")
    (6, 'ㅏ', 'ㄹ')
    """
    lead, rest = divmod(ord(syllable) - BASE, PER_LEAD)
    vowel, final = divmod(rest, len(FINALS))
    return lead, VOWELS[vowel], FINALS[final]


def build(lead: int, vowel: str, final: str = " ") -> str:
    """Composes a syllable; the inverse of `split`.

    >>> build(6, "ㅏ", "ㄹ")
    '말'
    """
    return chr(BASE + lead * PER_LEAD + VOWELS.index(vowel) * len(FINALS) + FINALS.index(final))


def final_of(word: str) -> str:
    """The final consonant of a word; a space if it ends in a vowel.

    >>> final_of("책"), final_of("사과")
    ('ㄱ', ' ')
    """
    return split(word[-1])[2]


def with_final(word: str, final: str) -> str:
    """Replaces the final consonant of a word.

    >>> with_final("가", "ㄹ")
    '갈'
    """
    lead, vowel, _ = split(word[-1])
    return word[:-1] + build(lead, vowel, final)


def particle(word: str, role: str) -> str:
    """Attaches a particle to a noun.

    Args:
        word: The noun; 저 and 누구 have irregular subject forms.
        role: A key of `PARTICLES`.

    Returns:
        One written word.

    >>> particle("책", "object"), particle("사과", "object"), particle("저", "subject"), particle("지하철", "by")
    ('책을', '사과를', '제가', '지하철로')
    """
    special = {("저", "subject"): "제가", ("누구", "subject"): "누가"}
    if (word, role) in special:
        return special[word, role]
    closed, open_ = PARTICLES[role]
    takes_open = final_of(word) == " " or (role == "by" and final_of(word) == "ㄹ")
    return word + (open_ if takes_open else closed)


CONTRACTED = {
    "ㅏ": "ㅏ",
    "ㅓ": "ㅓ",
    "ㅕ": "ㅕ",
    "ㅐ": "ㅐ",
    "ㅔ": "ㅔ",
    "ㅗ": "ㅘ",
    "ㅜ": "ㅝ",
    "ㅣ": "ㅕ",
    "ㅚ": "ㅙ",
}
"""The contraction of each vowel of an open stem with 아 or 어."""


def infinitive(stem: Stem) -> str:
    """The form in 아 or 어, to which 요, 서 and the past suffix are added.

    >>> [infinitive(Stem(text)) for text in ("가", "먹", "마시", "쓰", "하")]
    ['가', '먹어', '마셔', '써', '해']
    >>> infinitive(Stem("춥", "ㅂ")), infinitive(Stem("듣", "ㄷ")), infinitive(Stem("빠르", "르"))
    ('추워', '들어', '빨라')
    """
    text = stem.text
    if stem.kind == "past":
        return text + "어"
    if stem.kind == "ㅂ":
        return with_final(text, " ") + ("와" if text == "돕" else "워")
    if stem.kind == "ㄷ":
        text = with_final(text, "ㄹ")
    if stem.kind == "ㅎ":
        lead, _, _ = split(text[-1])
        return text[:-1] + build(lead, "ㅒ" if split(text[-1])[1] == "ㅑ" else "ㅐ")
    if stem.kind == "르":
        return with_final(text[:-1], "ㄹ") + ("라" if _bright(text[-2]) else "러")
    return _open_infinitive(text) if final_of(text) == " " else text + ("아" if _bright(text[-1]) else "어")


def _bright(syllable: str) -> bool:
    """Whether a syllable has a bright vowel, which takes 아."""
    return split(syllable)[1] in "ㅏㅗㅑ"


def _open_infinitive(text: str) -> str:
    """The infinitive of a stem that ends in a vowel."""
    lead, vowel, _ = split(text[-1])
    if text.endswith("하"):
        return text[:-1] + "해"
    if vowel == "ㅡ":
        return text[:-1] + build(lead, "ㅏ" if len(text) > 1 and _bright(text[-2]) else "ㅓ")
    if vowel in CONTRACTED:
        return text[:-1] + build(lead, CONTRACTED[vowel])
    return text + "어"


def polite(stem: Stem) -> str:
    """The polite present form.

    >>> polite(Stem("배우")), polite(Stem("학생이", "copula")), polite(Stem("가수이", "copula"))
    ('배워요', '학생이에요', '가수예요')
    """
    if stem.kind == "future":
        return "거예요"
    if stem.kind == "copula":
        noun = stem.text[:-1]
        return noun + ("예요" if final_of(noun) == " " else "이에요")
    return infinitive(stem) + "요"


def past(stem: Stem) -> Stem:
    """The stem of the past, to which endings are added.

    >>> polite(past(Stem("가"))), polite(past(Stem("먹")))
    ('갔어요', '먹었어요')
    """
    return Stem(with_final(infinitive(stem), "ㅆ"), "past")


def _soft(stem: Stem) -> str:
    """The stem before endings in (으)."""
    text = stem.text
    if stem.kind == "ㅂ":
        return with_final(text, " ") + "우"
    if stem.kind == "ㄷ":
        return with_final(text, "ㄹ") + "으"
    if stem.kind == "ㅎ":
        return with_final(text, " ")
    return text if final_of(text) in " ㄹ" else text + "으"


def future_modifier(stem: Stem) -> str:
    """The form in -(으)ㄹ that modifies a noun, for the future.

    >>> future_modifier(Stem("먹")), future_modifier(Stem("만들")), future_modifier(Stem("돕", "ㅂ"))
    ('먹을', '만들', '도울')
    """
    return with_final(_soft(stem), "ㄹ")


def modifier(stem: Stem) -> str:
    """The form in -(으)ㄴ that modifies a noun: present of an adjective, past of a verb; after 있 and 없, -는.

    >>> modifier(Stem("크")), modifier(Stem("길")), modifier(Stem("맵", "ㅂ")), modifier(Stem("맛있"))
    ('큰', '긴', '매운', '맛있는')
    """
    if stem.text.endswith(("있", "없")):
        return stem.text + "는"
    return with_final(_soft(stem), "ㄴ")


def present_modifier(stem: Stem) -> str:
    """The form of a verb in -는 that modifies a noun, for the present.

    >>> present_modifier(Stem("읽")), present_modifier(Stem("만들"))
    ('읽는', '만드는')
    """
    return (with_final(stem.text, " ") if final_of(stem.text) == "ㄹ" else stem.text) + "는"


def request(stem: Stem) -> str:
    """The polite request in -(으)세요.

    >>> request(Stem("읽")), request(Stem("만들")), request(Stem("듣", "ㄷ"))
    ('읽으세요', '만드세요', '들으세요')
    """
    soft = _soft(stem)
    return (with_final(soft, " ") if final_of(soft) == "ㄹ" and stem.kind == "regular" else soft) + "세요"


def favor(stem: Stem) -> str:
    """The polite request for a favor in -아/어 주세요; two words, except 도와주세요.

    >>> favor(Stem("찾")), favor(Stem("고르", "르")), favor(Stem("돕", "ㅂ"))
    ('찾아 주세요', '골라 주세요', '도와주세요')
    """
    return infinitive(stem) + ("주세요" if stem.text == "돕" else " 주세요")


def condition(stem: Stem) -> str:
    """The conditional form in -(으)면 (if).

    >>> condition(Stem("가")), condition(Stem("춥", "ㅂ")), condition(Stem("만들"))
    ('가면', '추우면', '만들면')
    """
    return _soft(stem) + "면"


def with_ending(stem: Stem, ending: str) -> str:
    """Adds the ending of a clause to a stem.

    Args:
        stem: The stem, which may be a past or future stem.
        ending: `요`, `고`, `지만`, `서` or `면`.

    Returns:
        One written word.

    >>> with_ending(past(Stem("먹")), "고"), with_ending(Stem("피곤하"), "서")
    ('먹었고', '피곤해서')
    """
    if ending == "요":
        return polite(stem)
    if ending == "서":
        return infinitive(stem) + "서"
    if ending == "면":
        return condition(stem)
    return stem.text + ending
