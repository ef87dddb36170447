"""Words of the English-Korean phrasebook.

Korean uses honorific verb forms for people to whom respect is due, such as parents; no noun here names such a person.
"""

from __future__ import annotations

from dataclasses import dataclass

from regard_phrasebook.en_ko.endings import Stem


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun.

    Attributes:
        en: English singular.
        ko: Korean.
        kind: Semantic class, which selects the verbs and adjectives that suit the noun.
        plural: English plural; empty for a mass noun.
        counter: Korean counter word, such as 개 or 권, used with numbers.
    """

    en: str
    ko: str
    kind: str
    plural: str = ""
    counter: str = "개"


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb.

    Attributes:
        en: English base form.
        third: Third person singular.
        past: Simple past; empty if it is spelled like the present, and for `look for`, because 찾았어요 would mean
            that the thing was found.
        ing: Form in -ing.
        ko: Korean stem.
        objects: Kinds of nouns that can be its object; empty for an intransitive verb.
        stative: Whether it has no progressive.
        favor: Whether a request is for a favor to the speaker (-아/어 주세요) instead of advice (-(으)세요).
    """

    en: str
    third: str
    past: str
    ing: str
    ko: Stem
    objects: tuple[str, ...] = ()
    stative: bool = False
    favor: bool = False


@dataclass(frozen=True, slots=True)
class Adjective:
    """An adjective.

    Attributes:
        en: English.
        more: English comparative.
        ko: Korean stem.
        kinds: Kinds of nouns that it can modify.
    """

    en: str
    more: str
    ko: Stem
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """A pronoun.

    Attributes:
        en: English subject pronoun.
        ko: Korean pronoun without a particle.
        own: English possessive; empty for the third person, for which Korean would use a name.
        ko_own: Korean possessive.
        be: Present form of *be*.
        third: Whether the verb is in the third person singular.
    """

    en: str
    ko: str
    own: str
    ko_own: str
    be: str
    third: bool


def _nouns(kind: str, counter: str, table: str) -> tuple[Noun, ...]:
    """Parses nouns from `English Korean plural` triples; `-` means no plural."""
    rows = [row.split() for row in table.strip().split(",")]
    return tuple(Noun(en, ko, kind, "" if plural == "-" else plural, counter) for en, ko, plural in rows)


PEOPLE = _nouns(
    "person",
    "명",
    "student 학생 students,child 아이 children,friend 친구 friends,doctor 의사 doctors,cook 요리사 cooks,"
    "singer 가수 singers,writer 작가 writers,man 남자 men,woman 여자 women,baby 아기 babies,nurse 간호사 nurses,"
    "painter 화가 painters,farmer 농부 farmers,soldier 군인 soldiers,driver 운전사 drivers,actor 배우 actors",
)
KIN = _nouns("person", "명", "friend 친구 friends,daughter 딸 daughters,son 아들 sons,neighbour 이웃 neighbours")
ANIMALS = _nouns("animal", "마리", "cat 고양이 cats,dog 개 dogs,bird 새 birds,horse 말 horses,rabbit 토끼 rabbits")
FOOD = _nouns(
    "food",
    "개",
    "apple 사과 apples,pear 배 pears,egg 달걀 eggs,potato 감자 potatoes,strawberry 딸기 strawberries,"
    "tomato 토마토 tomatoes,peach 복숭아 peaches,sandwich 샌드위치 sandwiches,"
    "banana 바나나 bananas,orange 오렌지 oranges",
) + _nouns("food", "개", "bread 빵 -,rice 밥 -,meat 고기 -,soup 수프 -")
DRINKS = _nouns("drink", "잔", "water 물 -,coffee 커피 -,milk 우유 -,tea 차 -,juice 주스 -,cocoa 코코아 -")
BOOKS = _nouns(
    "text", "권", "book 책 books,novel 소설 novels,magazine 잡지 magazines,dictionary 사전 dictionaries"
) + _nouns("text", "통", "letter 편지 letters")
THINGS = (
    _nouns(
        "thing",
        "개",
        "bag 가방 bags,hat 모자 hats,chair 의자 chairs,umbrella 우산 umbrellas,box 상자 boxes,cup 컵 cups,"
        "mirror 거울 mirrors,phone 전화기 phones,key 열쇠 keys,clock 시계 clocks,ball 공 balls,camera 카메라 cameras",
    )
    + _nouns("thing", "대", "car 자동차 cars,bicycle 자전거 bicycles,computer 컴퓨터 computers")
    + _nouns("thing", "장", "ticket 표 tickets,photograph 사진 photographs")
)
SONGS = _nouns("sound", "곡", "song 노래 songs") + _nouns("sound", "개", "music 음악 -,story 이야기 stories")
SUBJECTS = _nouns("subject", "개", "Korean 한국어 -,English 영어 -,mathematics 수학 -,history 역사 -")
PLACES = _nouns(
    "place",
    "곳",
    "school 학교 schools,library 도서관 libraries,market 시장 markets,park 공원 parks,hospital 병원 hospitals,"
    "office 사무실 offices,restaurant 식당 restaurants,museum 박물관 museums,bank 은행 banks,airport 공항 airports,"
    "house 집 houses,kitchen 부엌 kitchens,garden 정원 gardens,hotel 호텔 hotels,theatre 극장 theatres",
)
NOUNS = {
    noun.en: noun for noun in (*KIN, *PEOPLE, *ANIMALS, *FOOD, *DRINKS, *BOOKS, *THINGS, *SONGS, *SUBJECTS, *PLACES)
}

ANY_THING = ("food", "drink", "text", "thing")
VERBS = (
    Verb("eat", "eats", "ate", "eating", Stem("먹"), ("food",)),
    Verb("drink", "drinks", "drank", "drinking", Stem("마시"), ("drink",)),
    Verb("buy", "buys", "bought", "buying", Stem("사"), ANY_THING, favor=True),
    Verb("sell", "sells", "sold", "selling", Stem("팔"), ANY_THING, favor=True),
    Verb("read", "reads", "", "reading", Stem("읽"), ("text",)),
    Verb("write", "writes", "wrote", "writing", Stem("쓰"), ("text",)),
    Verb("see", "sees", "saw", "seeing", Stem("보"), ("thing", "person", "animal"), True),
    Verb("like", "likes", "liked", "liking", Stem("좋아하"), (*ANY_THING, "sound", "animal", "subject"), True),
    Verb("look for", "looks for", "", "looking for", Stem("찾"), ("thing", "text", "animal"), favor=True),
    Verb("make", "makes", "made", "making", Stem("만들"), ("thing",), favor=True),
    Verb("learn", "learns", "learned", "learning", Stem("배우"), ("subject",)),
    Verb("study", "studies", "studied", "studying", Stem("공부하"), ("subject",)),
    Verb("teach", "teaches", "taught", "teaching", Stem("가르치"), ("subject",), favor=True),
    Verb("listen to", "listens to", "listened to", "listening to", Stem("듣", "ㄷ"), ("sound",)),
    Verb("draw", "draws", "drew", "drawing", Stem("그리"), ("thing", "animal", "person"), favor=True),
    Verb("help", "helps", "helped", "helping", Stem("돕", "ㅂ"), ("person",), favor=True),
    Verb("meet", "meets", "met", "meeting", Stem("만나"), ("person",)),
    Verb("wait for", "waits for", "waited for", "waiting for", Stem("기다리"), ("person",), favor=True),
    Verb("choose", "chooses", "chose", "choosing", Stem("고르", "르"), ("thing", "text"), favor=True),
    Verb("sleep", "sleeps", "slept", "sleeping", Stem("자")),
    Verb("work", "works", "worked", "working", Stem("일하")),
    Verb("rest", "rests", "rested", "resting", Stem("쉬")),
    Verb("dance", "dances", "danced", "dancing", Stem("춤추")),
    Verb("laugh", "laughs", "laughed", "laughing", Stem("웃")),
    Verb("cry", "cries", "cried", "crying", Stem("울")),
    Verb("exercise", "exercises", "exercised", "exercising", Stem("운동하")),
    Verb("walk", "walks", "walked", "walking", Stem("걷", "ㄷ")),
    Verb("play", "plays", "played", "playing", Stem("놀")),
)
TRANSITIVE = tuple(verb for verb in VERBS if verb.objects)
INTRANSITIVE = tuple(verb for verb in VERBS if not verb.objects)
GO = Verb("go", "goes", "went", "going", Stem("가"))
COME = Verb("come", "comes", "came", "coming", Stem("오"))

GOODS = ("food", "drink", "text", "thing")
ADJECTIVES = (
    Adjective("big", "bigger", Stem("크"), ("thing", "place", "animal")),
    Adjective("small", "smaller", Stem("작"), ("thing", "place", "animal")),
    Adjective("expensive", "more expensive", Stem("비싸"), GOODS),
    Adjective("cheap", "cheaper", Stem("싸"), GOODS),
    Adjective("delicious", "more delicious", Stem("맛있"), ("food", "drink")),
    Adjective("pretty", "prettier", Stem("예쁘"), ("thing", "animal")),
    Adjective("heavy", "heavier", Stem("무겁", "ㅂ"), ("thing",)),
    Adjective("light", "lighter", Stem("가볍", "ㅂ"), ("thing",)),
    Adjective("good", "better", Stem("좋"), ("thing", "text", "place")),
    Adjective("interesting", "more interesting", Stem("재미있"), ("text", "sound", "subject")),
    Adjective("difficult", "more difficult", Stem("어렵", "ㅂ"), ("text", "subject")),
    Adjective("easy", "easier", Stem("쉽", "ㅂ"), ("text", "subject")),
    Adjective("quiet", "quieter", Stem("조용하"), ("place",)),
    Adjective("clean", "cleaner", Stem("깨끗하"), ("place", "thing")),
    Adjective("beautiful", "more beautiful", Stem("아름답", "ㅂ"), ("place", "sound")),
    Adjective("cute", "cuter", Stem("귀엽", "ㅂ"), ("animal",)),
    Adjective("kind", "kinder", Stem("친절하"), ("person",)),
    Adjective("clever", "cleverer", Stem("똑똑하"), ("person",)),
    Adjective("young", "younger", Stem("젊"), ("person",)),
    Adjective("fast", "faster", Stem("빠르", "르"), ("animal",)),
    Adjective("white", "whiter", Stem("하얗", "ㅎ"), ("thing",)),
    Adjective("red", "redder", Stem("빨갛", "ㅎ"), ("thing",)),
    Adjective("hot", "hotter", Stem("뜨겁", "ㅂ"), ("drink",)),
    Adjective("long", "longer", Stem("길"), ("text", "sound")),
)
COLORS = ("white", "red")
STATES = (
    Adjective("tired", "", Stem("피곤하"), ()),
    Adjective("busy", "", Stem("바쁘"), ()),
    Adjective("happy", "", Stem("행복하"), ()),
    Adjective("sad", "", Stem("슬프"), ()),
    Adjective("sick", "", Stem("아프"), ()),
    Adjective("healthy", "", Stem("건강하"), ()),
)
PERSONS = (
    Person("I", "저", "my", "제", "am", False),
    Person("he", "그 사람", "", "", "is", True),
    Person("she", "그 사람", "", "", "is", True),
    Person("we", "우리", "our", "우리", "are", False),
    Person("they", "그 사람들", "", "", "are", False),
)
"""Spoken Korean rarely uses 그녀; it uses names or `that person`, or omits the subject."""
NAMES = (
    ("Minsu", "민수", "he"),
    ("Jisu", "지수", "she"),
    ("Yuna", "유나", "she"),
    ("Junho", "준호", "he"),
    ("Suyeon", "수연", "she"),
    ("Jihun", "지훈", "he"),
)
TIMES = {
    "present": (("every day", "매일"), ("in the morning", "아침에"),
                ("in the evening", "저녁에"), ("these days", "요즘"),
                ("at night", "밤에")),
    "now": (("now", "지금"),),
    "past": (("yesterday", "어제"), ("last week", "지난주에"),
             ("last night", "어젯밤에"), ("this morning", "오늘 아침에")),
    "future": (("tomorrow", "내일"), ("next week", "다음 주에"),
               ("next month", "다음 달에"), ("this evening", "오늘 저녁에")),
}  # fmt: skip
WEEKDAYS = (
    ("Monday", "월요일"),
    ("Tuesday", "화요일"),
    ("Wednesday", "수요일"),
    ("Thursday", "목요일"),
    ("Friday", "금요일"),
    ("Saturday", "토요일"),
    ("Sunday", "일요일"),
)
NUMBERS = (
    ("two", "두"),
    ("three", "세"),
    ("four", "네"),
    ("five", "다섯"),
    ("six", "여섯"),
    ("seven", "일곱"),
    ("eight", "여덟"),
    ("nine", "아홉"),
    ("ten", "열"),
)
"""Native numerals, for counters and hours."""
HOURS = (("one", "한"), *NUMBERS, ("eleven", "열한"), ("twelve", "열두"))
MINUTES = (("ten", "십"), ("twenty", "이십"), ("thirty", "삼십"), ("forty", "사십"), ("fifty", "오십"))
"""Sino-Korean numerals, for minutes and money."""
PRICES = (
    ("one thousand", "천"),
    ("two thousand", "이천"),
    ("three thousand", "삼천"),
    ("five thousand", "오천"),
    ("six thousand", "육천"),
    ("ten thousand", "만"),
    ("twenty thousand", "이만"),
)
WEATHER = (
    (("it is raining", "it rained", "it rains"), "비가", Stem("오")),
    (("it is snowing", "it snowed", "it snows"), "눈이", Stem("오")),
    (("it is cold", "it was cold", "it is cold"), "날씨가", Stem("춥", "ㅂ")),
    (("it is hot", "it was hot", "it is hot"), "날씨가", Stem("덥", "ㅂ")),
)
"""English present, past and conditional; Korean subject and stem."""
REASONS = tuple(state for state in STATES if state.en != "healthy")
"""States that can be a reason."""
JOBS = tuple(noun for noun in PEOPLE if noun.en not in ("child", "friend", "man", "woman", "baby"))
AGENTS = tuple(noun for noun in PEOPLE if noun.en != "baby")
"""Nouns that can be the subject of any verb."""
WORK_OF_ADULTS = ("sell", "teach", "work")
FEMALE = ("daughter", "woman")
MALE = ("son", "man")
"""Nouns whose pronoun is unambiguous."""

UNSUITABLE = {
    "heavy": ("ticket", "photograph", "key", "ball", "cup", "hat"),
    "light": ("ticket", "photograph", "key", "car"),
    "clean": ("ticket", "photograph", "key", "clock"),
    "pretty": ("ticket", "key"),
    "white": ("photograph", "mirror", "key"),
    "red": ("photograph", "mirror", "key"),
    "long": ("dictionary", "music", "magazine"),
    "hot": ("juice",),
    "beautiful": ("hospital", "bank", "office"),
    "young": ("child", "baby"),
    "clever": ("baby",),
    "kind": ("baby",),
    "make": ("photograph", "ticket", "phone", "computer", "camera"),
    "draw": ("photograph", "ticket", "baby"),
    "write": ("magazine",),
    "buy": ("letter", "rice"),
    "sell": ("letter", "rice"),
    "meet": ("baby",),
    "delicious": ("water",),
    "expensive": ("rice", "water", "letter"),
    "cheap": ("rice", "water", "letter"),
    "cost": ("rice", "water", "car", "bicycle", "computer", "camera", "phone", "letter", "clock"),
}
"""Nouns of a suitable kind that an adjective or verb nevertheless does not suit."""
USUAL_PLACES = {
    "sleep": ("house", "hotel", "hospital"),
    "walk": ("park", "garden"),
    "play": ("park", "garden", "house", "school"),
    "exercise": ("park", "garden", "school", "house"),
    "dance": ("park", "house", "theatre", "school", "hotel"),
    "teach": ("school", "library", "office", "house"),
    "learn": ("school", "library", "museum", "house"),
    "study": ("school", "library", "office", "house", "park"),
    "sell": ("market", "airport", "hotel", "park"),
    "buy": ("market", "airport", "museum"),
    "choose": ("market", "airport", "house"),
    "eat": ("house", "restaurant", "kitchen", "park", "market", "hotel", "garden"),
    "drink": ("house", "restaurant", "kitchen", "park", "office", "hotel", "garden"),
    "make": ("house", "school", "kitchen", "office"),
    "work": ("school", "library", "market", "hospital", "office", "restaurant", "museum", "bank", "airport", "hotel"),
}
"""Usual places of actions; other verbs suit any place."""
INSIDE = ("house", "kitchen", "garden", "park", "library", "museum")
"""Places with `in` in English instead of `at`."""
HABITATS = {
    "animal": ("park", "garden", "market"),
    "car": ("park", "airport", "hospital", "school", "market"),
    "bicycle": ("park", "garden", "school", "market"),
}
"""Places of animals and of things that are not kept indoors."""


def suits(word: Verb | Adjective, noun: Noun) -> bool:
    """Whether a noun can be the object of a verb, or an adjective can modify it."""
    kinds = word.objects if isinstance(word, Verb) else word.kinds
    return noun.kind in kinds and noun.en not in UNSUITABLE.get(word.en, ())


def adjectives_for(noun: Noun) -> tuple[Adjective, ...]:
    """The adjectives that suit a noun."""
    return tuple(adjective for adjective in ADJECTIVES if suits(adjective, noun))


def where(verb: Verb) -> tuple[Noun, ...]:
    """The places where the action of a verb can take place."""
    return tuple(place for place in PLACES if place.en in USUAL_PLACES.get(verb.en, (place.en,)))


def places_for(noun: Noun) -> tuple[Noun, ...]:
    """The places where a thing or an animal can be."""
    allowed = HABITATS.get(noun.en, HABITATS.get(noun.kind, ()))
    return tuple(place for place in PLACES if not allowed or place.en in allowed)


GREETINGS = (
    ("hello", "안녕하세요", "."),
    ("thank you", "감사합니다", "."),
    ("I am sorry", "죄송합니다", "."),
    ("nice to meet you", "만나서 반가워요", "."),
    ("good night", "안녕히 주무세요", "."),
    ("see you tomorrow", "내일 봐요", "."),
    ("congratulations", "축하해요", "!"),
    ("welcome", "어서 오세요", "!"),
)
