"""English inflection and spelling: plurals, verb forms, a/an, contractions, punctuation."""

from __future__ import annotations

from functools import cache

from regard_phrasebook.engine.phrase import Piece, attach, capitalize

PLURALS = {
    "man": "men", "woman": "women", "child": "children", "policeman": "policemen", "mouse": "mice", "knife": "knives",
    "scarf": "scarves", "tooth": "teeth", "foot": "feet", "wife": "wives",
    "potato": "potatoes", "tomato": "tomatoes", "shelf": "shelves",
    "photo": "photos", "piano": "pianos", "kilo": "kilos", "leaf": "leaves", "life": "lives",
}  # fmt: skip

IRREGULAR = {
    "be": ("was", "been"), "have": ("had", "had"), "do": ("did", "done"), "go": ("went", "gone"),
    "eat": ("ate", "eaten"), "drink": ("drank", "drunk"), "see": ("saw", "seen"), "buy": ("bought", "bought"),
    "sell": ("sold", "sold"), "read": ("read", "read"), "write": ("wrote", "written"), "find": ("found", "found"),
    "lose": ("lost", "lost"), "forget": ("forgot", "forgotten"), "take": ("took", "taken"),
    "bring": ("brought", "brought"), "give": ("gave", "given"), "show": ("showed", "shown"),
    "send": ("sent", "sent"), "wear": ("wore", "worn"), "break": ("broke", "broken"), "choose": ("chose", "chosen"),
    "speak": ("spoke", "spoken"), "know": ("knew", "known"), "think": ("thought", "thought"),
    "come": ("came", "come"), "sleep": ("slept", "slept"), "run": ("ran", "run"), "swim": ("swam", "swum"),
    "sing": ("sang", "sung"), "leave": ("left", "left"), "fall": ("fell", "fallen"), "get": ("got", "got"),
    "say": ("said", "said"), "tell": ("told", "told"), "make": ("made", "made"), "draw": ("drew", "drawn"),
    "drive": ("drove", "driven"), "hear": ("heard", "heard"), "understand": ("understood", "understood"),
    "pay": ("paid", "paid"), "win": ("won", "won"), "put": ("put", "put"), "sit": ("sat", "sat"),
    "build": ("built", "built"), "hide": ("hid", "hidden"), "lend": ("lent", "lent"), "cost": ("cost", "cost"),
    "wake": ("woke", "woken"), "become": ("became", "become"), "feel": ("felt", "felt"), "keep": ("kept", "kept"),
    "cut": ("cut", "cut"), "steal": ("stole", "stolen"), "hurt": ("hurt", "hurt"), "meet": ("met", "met"),
    "catch": ("caught", "caught"), "teach": ("taught", "taught"), "hold": ("held", "held"),
}  # fmt: skip

DOUBLED = {"swim", "run", "get", "forget", "put", "sit", "win", "cut", "stop", "travel", "plan", "prefer", "shop"}
"""Verbs that double their last consonant before -ing, and before -ed if they are regular (British spelling)."""

SHORT_SUBJECTS = {
    ("I", "am"): "I'm", ("you", "are"): "you're", ("he", "is"): "he's", ("she", "is"): "she's", ("it", "is"): "it's",
    ("we", "are"): "we're", ("they", "are"): "they're", ("I", "will"): "I'll", ("you", "will"): "you'll",
    ("he", "will"): "he'll", ("she", "will"): "she'll", ("we", "will"): "we'll", ("they", "will"): "they'll",
}  # fmt: skip

SHORT_NEGATIONS = {
    "do": "don't", "does": "doesn't", "did": "didn't", "is": "isn't", "are": "aren't", "was": "wasn't",
    "were": "weren't", "will": "won't", "can": "can't", "have": "haven't", "has": "hasn't", "should": "shouldn't",
    "could": "couldn't", "would": "wouldn't", "must": "mustn't",
}  # fmt: skip

VOWEL_SOUND = ("honest", "hour")
CONSONANT_SOUND = ("university", "useful", "european", "one", "uniform", "euro")
VOWELS = "aeiou"


def plural(noun: str) -> str:
    """The plural of an English noun, which may be several words."""
    head, space, last = noun.rpartition(" ")
    return head + space + _plural(last)


def _plural(word: str) -> str:
    if word in PLURALS:
        return PLURALS[word]
    if word.endswith("y") and word[-2] not in VOWELS:
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh", "z")) else "s")


@cache
def third_person(verb: str) -> str:
    """The third person singular of the present: `goes`, `carries`."""
    irregular = {"be": "is", "have": "has", "do": "does", "go": "goes"}
    return irregular.get(verb) or _plural(verb)


@cache
def past(verb: str) -> str:
    """The simple past: `went`, `stopped`."""
    return IRREGULAR[verb][0] if verb in IRREGULAR else _with_ed(verb)


@cache
def participle(verb: str) -> str:
    """The past participle: `gone`, `stopped`."""
    return IRREGULAR[verb][1] if verb in IRREGULAR else _with_ed(verb)


@cache
def ing(verb: str) -> str:
    """The form in -ing: `running`, `making`."""
    if verb in DOUBLED:
        return verb + verb[-1] + "ing"
    if verb.endswith("e") and not verb.endswith(("ee", "be")):
        return verb[:-1] + "ing"
    return verb + "ing"


def _with_ed(verb: str) -> str:
    if verb in DOUBLED:
        return verb + verb[-1] + "ed"
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ied"
    return verb + "ed"


def spell_full(pieces: list[Piece]) -> list[Piece]:
    """Spells English tokens as the words of a sentence without contractions, except that `can not` is `cannot`."""
    return _spell(_merge(pieces, {("can", "not"): "cannot"}))


def spell_short(pieces: list[Piece]) -> list[Piece]:
    """Spells English tokens as the words of a sentence with contractions: `don't`, `I'm`."""
    negations = {(verb, "not"): short for verb, short in SHORT_NEGATIONS.items()}
    return _spell(_merge(_merge(pieces, negations), SHORT_SUBJECTS))


def _merge(pieces: list[Piece], table: dict[tuple[str, str], str]) -> list[Piece]:
    """Merges adjacent words that are in the table into one word."""
    merged: list[Piece] = []
    for piece in pieces:
        key = (merged[-1].text if merged else "", piece.text)
        if key in table:
            merged[-1] = Piece(table[key], merged[-1].tokens + piece.tokens)
        else:
            merged.append(piece)
    return merged


def _spell(pieces: list[Piece]) -> list[Piece]:
    spelled = []
    for piece, following in zip(pieces, [*pieces[1:], Piece("", ())], strict=True):
        an = piece.text == "a" and _sounds_like_vowel(following.text)
        spelled.append(Piece("an", piece.tokens) if an else piece)
    return capitalize(attach(spelled))


def _sounds_like_vowel(word: str) -> bool:
    word = word.lower()
    if word.startswith(VOWEL_SOUND):
        return True
    return word[:1] in VOWELS and not word.startswith(CONSONANT_SOUND) and word != ""
