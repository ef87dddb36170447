"""Names, numbers, times and adverbs of the English-French phrasebook."""

from __future__ import annotations

from regard_phrasebook.engine.phrase import Phrase, rule

WOMEN = ("Anna", "Emma", "Julie", "Marie", "Sophie", "Claire", "Alice", "Lucie")
MEN = ("Paul", "Thomas", "Lucas", "Pierre", "Martin", "Nicolas", "Louis", "Simon")


def _pairs(table: str) -> tuple[tuple[str, str], ...]:
    """Parses lines of the form `English = French`."""
    return tuple(
        (en.strip(), fr.strip()) for en, _, fr in (line.partition("=") for line in table.split("\n") if line.strip())
    )


def linked(table: str) -> tuple[Phrase, ...]:
    """Parses lines `English = French` into phrases; equal tags link words: `this/a morning/b = ce/a matin/b`."""
    return tuple(rule(en, fr) for en, fr in _pairs(table))


NUMBERS = _pairs("""
one = un
two = deux
three = trois
four = quatre
five = cinq
six = six
seven = sept
eight = huit
nine = neuf
ten = dix
eleven = onze
twelve = douze
thirteen = treize
fourteen = quatorze
fifteen = quinze
sixteen = seize
seventeen = dix-sept
eighteen = dix-huit
nineteen = dix-neuf
twenty = vingt
twenty-one = vingt et un
twenty-two = vingt-deux
twenty-five = vingt-cinq
thirty = trente
thirty-six = trente-six
forty = quarante
fifty = cinquante
sixty = soixante
seventy = soixante-dix
eighty = quatre-vingts
ninety = quatre-vingt-dix
a hundred = cent
""")

ORDINALS = _pairs("""
first = premier
second = deuxième
third = troisième
fourth = quatrième
fifth = cinquième
sixth = sixième
seventh = septième
eighth = huitième
ninth = neuvième
tenth = dixième
eleventh = onzième
twelfth = douzième
fifteenth = quinzième
twentieth = vingtième
""")

DAYS = _pairs("""
Monday = lundi
Tuesday = mardi
Wednesday = mercredi
Thursday = jeudi
Friday = vendredi
Saturday = samedi
Sunday = dimanche
""")

MONTHS = _pairs("""
January = janvier
February = février
March = mars
April = avril
May = mai
June = juin
July = juillet
August = août
September = septembre
October = octobre
November = novembre
December = décembre
""")

CITIES = _pairs("""
Paris = Paris
London = Londres
Lyon = Lyon
Brussels = Bruxelles
Geneva = Genève
Berlin = Berlin
Rome = Rome
Madrid = Madrid
Lisbon = Lisbonne
Vienna = Vienne
Nice = Nice
Venice = Venise
""")

COUNTRIES = _pairs("""
France = la France
England = l'Angleterre
Spain = l'Espagne
Italy = l'Italie
Germany = l'Allemagne
Belgium = la Belgique
Switzerland = la Suisse
Canada = le Canada
Japan = le Japon
Brazil = le Brésil
Portugal = le Portugal
Greece = la Grèce
Ireland = l'Irlande
Morocco = le Maroc
""")

PAST_TIMES = linked("""
yesterday/a = hier/a
last/a week/b = la/b semaine/b dernière/a
last/a month/b = le/b mois/b dernier/a
last/a year/b = l'+/b année/b dernière/a
last/a summer/b = l'+/b été/b dernier/a
last/a winter/b = l'+/b hiver/b dernier/a
this/a morning/b = ce/a matin/b
yesterday/a evening/b = hier/a soir/b
yesterday/a morning/b = hier/a matin/b
""")

PRESENT_TIMES = linked("""
every/a day/b = tous/a les/a jours/b
every/a morning/b = tous/a les/a matins/b
every/a evening/b = tous/a les/a soirs/b
every/a week/b = toutes/a les/a semaines/b
in/a the/a evening/b = le/a soir/b
in/a the/a morning/b = le/a matin/b
at/a night/b = la/a nuit/b
""")

NOW_TIMES = linked("""
now/a = maintenant/a
today/a = aujourd'hui/a
at/a the/a moment/b = en/a ce/a moment/b
""")

FUTURE_TIMES = linked("""
tomorrow/a = demain/a
next/a week/b = la/b semaine/b prochaine/a
next/a month/b = le/b mois/b prochain/a
next/a year/b = l'+/b année/b prochaine/a
next/a summer/b = l'+/b été/b prochain/a
tonight/a = ce/a soir/a
soon/a = bientôt/a
tomorrow/a morning/b = demain/a matin/b
tomorrow/a evening/b = demain/a soir/b
""")

ADVERBS = linked("""
often/a = souvent/a
always/a = toujours/a
sometimes/a = parfois/a
usually/a = d'habitude/a
""")
