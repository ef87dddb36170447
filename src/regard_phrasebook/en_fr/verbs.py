"""The verbs of the English-French phrasebook.

Each line of a table has a verb: `English (particle) = French [preposition] : kinds of objects`. A French infinitive
with `se` is reflexive; `*` after the English marks a stative verb (no progressive; its simple past is the imparfait).
"""

from __future__ import annotations

from regard_phrasebook.en_fr.words import Verb

TRANSITIVE_TABLE = """
eat = manger : food dish
cook = préparer : dish food
see = voir : person family animal place land show vehicle
buy = acheter : clothes thing furniture text writing vehicle food dish drink home
sell = vendre : clothes thing furniture vehicle food home
read = lire : text writing
watch = regarder : show animal
listen to = écouter : person family
look for = chercher : clothes thing place person animal text writing
wait for = attendre : person family vehicle
find = trouver : thing clothes place text writing animal
lose = perdre : thing clothes text writing
forget = oublier : thing text clothes idea
take = prendre : vehicle thing
bring = apporter : thing food text writing drink dish
wear = porter : clothes
wash = laver : clothes vehicle
clean = nettoyer : room home furniture vehicle
repair = réparer : vehicle furniture
break = casser : thing furniture
choose = choisir : clothes thing furniture food idea
visit = visiter : place land
open = ouvrir : opening
close = fermer : opening
meet = rencontrer : person
help = aider : person family
invite = inviter : person family
call = appeler : person family
thank = remercier : person family
understand = comprendre : idea
answer = répondre à : person family
write = écrire : writing
drink = boire : drink
use = utiliser : thing
draw = dessiner : animal land vehicle
rent = louer : home vehicle
hear = entendre : animal person
explain = expliquer : idea
hide = cacher : thing
follow = suivre : person vehicle animal
"""

FEELING_TABLE = """
like* = aimer : food dish drink clothes text writing show vehicle place land animal subject sport
love* = adorer : dish drink food show animal land subject sport
hate* = détester : dish drink subject sport animal
prefer* = préférer : dish drink subject sport
"""

ORDINARY_TABLE = """
sleep = dormir
work = travailler
run = courir
swim = nager
dance = danser
sing = chanter
cry = pleurer
laugh = rire
smile = sourire
travel = voyager
walk = marcher
leave = partir
arrive = arriver
come back = revenir
go home = rentrer
go out = sortir
fall = tomber
smoke = fumer
get up = se lever
wake up = se réveiller
get dressed = s'habiller
rest = se reposer
go to bed = se coucher
have fun = s'amuser
hurry up = se dépêcher
go for a walk = se promener
get lost = se perdre
make a mistake = se tromper
study = étudier
"""

OTHER_TABLE = """
learn = apprendre
speak = parler
teach = enseigner
give = donner
show = montrer
send = envoyer
lend = prêter
go = aller
live* = habiter

come from = venir
play = jouer
think about = penser
talk about = parler
talk to = parler
need* = avoir besoin de
be* = être
be* = avoir
have* = avoir
know* = connaître
think* = croire
hope* = espérer
know* = savoir
say = dire
cost* = coûter
"""


def _verb(line: str) -> Verb:
    """Parses one line of a table."""
    left, _, right = line.partition("=")
    french, _, kinds = right.partition(":")
    word, *particle = left.split()
    infinitive, *rest = french.replace("s'", "se ").split()
    reflexive = infinitive == "se"
    if reflexive:
        infinitive, *rest = rest
    return Verb(
        word.rstrip("*"), " ".join(particle), infinitive, reflexive, " ".join(rest), tuple(kinds.split()), "*" in word
    )


def _read(table: str) -> tuple[Verb, ...]:
    return tuple(_verb(line) for line in table.split("\n") if line)


TRANSITIVE = _read(TRANSITIVE_TABLE)
"""Verbs with a direct object, or in French an object with à."""
FEELING = _read(FEELING_TABLE)
"""Verbs of liking, whose objects are generic: coffee, cats."""
ORDINARY = _read(ORDINARY_TABLE)
"""Intransitive verbs."""
_OTHER = _read(OTHER_TABLE)


def find_verb(en: str, fr: str) -> Verb:
    """Looks up a verb.

    Args:
        en: English base form with its particle.
        fr: French infinitive.

    Returns:
        The verb.
    """
    return _BY_NAME[en, fr]


_BY_NAME = {
    (f"{verb.en} {verb.particle}".strip(), verb.fr): verb for verb in (*TRANSITIVE, *FEELING, *ORDINARY, *_OTHER)
}
