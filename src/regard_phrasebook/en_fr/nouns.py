"""The nouns of the English-French phrasebook.

Each line of a table has a noun: English, French, gender; `_` stands for a space. The English plural follows
`english.plural`; the French plural follows `french_plural` or is in a fourth column. `MASS_TABLES` lists the tables of
mass nouns.
"""

from __future__ import annotations

from regard_phrasebook.en_fr import english
from regard_phrasebook.en_fr.words import Gender, Noun

FOOD = """
apple pomme f
egg œuf m
cake gâteau m
sandwich sandwich m
orange orange f
banana banane f
tomato tomate f
potato pomme_de_terre f pommes_de_terre
carrot carotte f
strawberry fraise f
pear poire f
biscuit biscuit m
pancake crêpe f
"""

DISHES = """
bread pain m
cheese fromage m
meat viande f
fish poisson m
rice riz m
butter beurre m
soup soupe f
chocolate chocolat m
salad salade f
honey miel m
jam confiture f
ham jambon m
"""

DRINKS = """
water eau f
milk lait m
coffee café m
tea thé m
wine vin m
beer bière f
juice jus m
lemonade limonade f
"""

CLOTHES = """
shirt chemise f
dress robe f
hat chapeau m
coat manteau m
skirt jupe f
jacket veste f
jumper pull m
scarf écharpe f
tie cravate f
shoe chaussure f
glove gant m
"""

THINGS = """
key clé f
bag sac m
umbrella parapluie m
phone téléphone m
computer ordinateur m
lamp lampe f
box boîte f
present cadeau m
photo photo f
ticket billet m
map carte f
suitcase valise f
watch montre f
glass verre m
cup tasse f
knife couteau m
plate assiette f
bottle bouteille f
pen stylo m
notebook cahier m
flower fleur f
mirror miroir m
clock horloge f
toy jouet m
ball ballon m
"""

FURNITURE = """
table table f
chair chaise f
bed lit m
wardrobe armoire f
sofa canapé m
"""

TEXTS = """
book livre m
newspaper journal m
magazine magazine m
"""

WRITINGS = """
novel roman m
poem poème m
message message m
postcard carte_postale f cartes_postales
letter lettre f
"""

SHOWS = """
film film m
play pièce f
match match m
"""

VEHICLES = """
car voiture f
bike vélo m
bus bus m
train train m
boat bateau m
taxi taxi m
lorry camion m
motorbike moto f
plane avion m
tram tram m
"""

PLACES = """
station gare f
airport aéroport m
hotel hôtel m
restaurant restaurant m
museum musée m
school école f
hospital hôpital m
church église f
park parc m
beach plage f
market marché m
library bibliothèque f
bank banque f
pharmacy pharmacie f
bakery boulangerie f
supermarket supermarché m
town_hall mairie f
cinema cinéma m
theatre théâtre m
swimming_pool piscine f
office bureau m
university université f
stadium stade m
bookshop librairie f
castle château m
post_office poste f
"""

LAND = """
town ville f
village village m
street rue f
bridge pont m
forest forêt f
mountain montagne f
river rivière f
lake lac m
island île f
garden jardin m
"""

HOMES = """
house maison f
flat appartement m
"""

ROOMS = """
kitchen cuisine f
bedroom chambre f
bathroom salle_de_bains f salles_de_bains
living_room salon m
"""

OPENINGS = """
window fenêtre f
door porte f
shop magasin m
"""

PEOPLE = """
man homme m
woman femme f
boy garçon m
girl fille f
child enfant m
doctor médecin m
teacher professeur m
student étudiant m
nurse infirmière f
waiter serveur m
waitress serveuse f
lawyer avocat m
engineer ingénieur m
baker boulanger m
policeman policier m
tourist touriste m
driver chauffeur m
singer chanteuse f
actor acteur m
actress actrice f
farmer fermier m
dentist dentiste m
journalist journaliste m
guest invité m
customer client m
hairdresser coiffeur m
builder maçon m
king roi m
queen reine f
"""

FAMILY = """
mother mère f
father père m
brother frère m
sister sœur f
son fils m
daughter fille f
uncle oncle m
aunt tante f
cousin cousin m
grandmother grand-mère f grands-mères
grandfather grand-père m grands-pères
husband mari m
wife femme f
nephew neveu m
niece nièce f
friend ami m
neighbour voisin m
colleague collègue m
"""

ANIMALS = """
dog chien m
cat chat m
horse cheval m
bird oiseau m
cow vache f
rabbit lapin m
mouse souris f
pig cochon m
duck canard m
hen poule f
lion lion m
bear ours m
"""

EVENTS = """
day journée f
week semaine f
evening soirée f
trip voyage m
weekend week-end m
exam examen m
interview entretien m
meeting réunion f
party fête f
lesson leçon f
morning matinée f
afternoon après-midi m après-midi
night nuit f
holiday séjour m
wedding mariage m
birthday anniversaire m
dinner dîner m
lunch déjeuner m
visit visite f
flight vol m
concert concert m
"""

IDEAS = """
question question f
answer réponse f
problem problème m
idea idée f
word mot m
project projet m
exercise exercice m
dream rêve m
story histoire f
song chanson f
language langue f
"""

BODY = """
head tête f
hand main f
foot pied m
arm bras m
leg jambe f
back dos m
tooth dent f
stomach ventre m
throat gorge f
knee genou m genoux
"""

LANGUAGES = """
French français m
English anglais m
Spanish espagnol m
German allemand m
Italian italien m
Japanese japonais m
"""

SPORTS = """
football football m
tennis tennis m
basketball basket m
rugby rugby m
"""

INSTRUMENTS = """
piano piano m
guitar guitare f
violin violon m
flute flûte f
"""

SUBJECTS = """
music musique f
art art m
history histoire f
nature nature f
sport sport m
rain pluie f
snow neige f
winter hiver m
summer été m
spring printemps m
autumn automne m
"""

TABLES = {
    "food": FOOD, "clothes": CLOTHES, "thing": THINGS, "furniture": FURNITURE, "text": TEXTS, "writing": WRITINGS,
    "show": SHOWS,
    "vehicle": VEHICLES, "place": PLACES, "land": LAND, "home": HOMES,
    "room": ROOMS,
    "opening": OPENINGS, "person": PEOPLE,
    "family": FAMILY, "animal": ANIMALS, "event": EVENTS, "idea": IDEAS, "body": BODY, "instrument": INSTRUMENTS,
}  # fmt: skip
"""Tables of count nouns, by kind."""

MASS_TABLES = {"dish": DISHES, "drink": DRINKS, "language": LANGUAGES, "sport": SPORTS, "subject": SUBJECTS}
"""Tables of mass nouns, by kind."""


def _noun(line: str, kind: str, mass: bool) -> Noun:
    """Parses one line of a table."""
    en, fr, gender, *plural = (column.replace("_", " ") for column in line.split())
    fr_plural = plural[0] if plural else french_plural(fr)
    noun_gender: Gender = "f" if gender == "f" else "m"
    return Noun(en, fr, noun_gender, kind, english.plural(en), fr_plural, mass)


def french_plural(word: str) -> str:
    """The plural of a French noun or adjective by the rules, including -eau and -al.

    >>> french_plural("gâteau"), french_plural("cheval"), french_plural("souris"), french_plural("lit")
    ('gâteaux', 'chevaux', 'souris', 'lits')
    """
    if word.endswith(("s", "x", "z")):
        return word
    if word.endswith(("eau", "eu")) and word != "bleu":
        return word + "x"
    return word[:-1] + "ux" if word.endswith("al") else word + "s"


def _read(tables: dict[str, str], mass: bool) -> dict[str, tuple[Noun, ...]]:
    return {kind: tuple(_noun(line, kind, mass) for line in text.split("\n") if line) for kind, text in tables.items()}


NOUNS: dict[str, tuple[Noun, ...]] = _read(TABLES, mass=False) | _read(MASS_TABLES, mass=True)
"""All nouns, by kind."""


def of_kinds(kinds: tuple[str, ...]) -> tuple[Noun, ...]:
    """All nouns of the given kinds, such as `food`, in the order of the tables."""
    return tuple(noun for kind in kinds for noun in NOUNS[kind])
