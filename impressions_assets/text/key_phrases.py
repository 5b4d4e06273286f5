"""Key phrases: titles for the spans of a talk, out of its own words.

A span's title is the phrase whose share of its sentences stands out most against the other spans
(log-odds, times how often it is said). Phrases of several words go before single ones; names and
what follows an article, which is mostly a noun, before other words. Common words are those that the
talk itself says all the time, and short ones; a list of English ones helps where a talk is too
short to tell.
"""

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+|[^\w\s]")
_HAN = re.compile(r"[\u3400-\u9fff]{2,}|[\u30a1-\u30fa\u30fc]{3,}")
_UNSPACED = re.compile(r"[\u0e00-\u0fff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_LONGEST_PHRASE = 3
_COMMON = 0.1  # share of the sentences
_SHORTEST_WORD = 3
_SHORTEST_TITLE = 4
_SAID_ONCE = 0.1
_STEM_LENGTH = 6
_MORE_WORDS = 0.7
_UNLIKE_A_NOUN = 0.25
_NAME = 0.75
_SECOND_WORD = 0.4  # of the first one's score
_ARTICLES = frozenset(
    "a an the of this your their his her our my its and in der die das den dem des ein eine"  # noqa: SIM905
    " einen einem einer le la les un une de du el los las una o os um uma do da il lo gli"
    " della del det en ett".split()
)
_WORDS_OF_LAST_RESORT = 7
_ENGLISH = frozenset(
    "about above actually after again against ago all almost along already also although"  # noqa: SIM905
    " always among amount and another any anyone anything are aren't around ask away back bad"
    " based basically because become becomes been before began begin begins behind being"
    " believe below best better between big bit both bring but call called came can can't case"
    " cause certain certainly change clearly come comes completely could couldn't course day"
    " days depending depends did didn't different does doesn't doing don't done down during"
    " each either else end enough entirely especially essentially even eventually ever every"
    " everyone everything exactly example fact far feel few fifth finally find fine first five"
    " for found four fourth from front full gave general get gets getting give given gives"
    " giving goes going gone gonna good got great had half happen happened happens hard has"
    " have haven't having hear help her here high him his hold hope how however i'm idea"
    " immediately important instead into isn't it's its itself just keep kind knew know known"
    " knows large last later least leave left less let let's level like likely literally"
    " little long look looking looks lot lots love made make makes making man many may maybe"
    " mean means might minute minutes more most mostly move much must name named need needs"
    " never new next nice none nor not nothing notice now number obviously off often okay old"
    " once one ones only onto open other others our out over own part particular people per"
    " perhaps person place point possible pretty probably put question quickly quite rather"
    " read ready real really reason remember right run said same saw say saying says second"
    " see seem seems seen sense set several shall she should show shows similar simple simply"
    " since single slowly small some somebody someone something sometimes sort start started"
    " state still stop stuff such suddenly suppose sure take taken takes taking talk talked"
    " talking tell tells ten than thank thanks that that's the their them themselves then"
    " there there's these they they're thing things think thinking third this those though"
    " thought three through time times today together told too took total toward towards tried"
    " try trying turn turns two under understand unless until upon use used uses using usually"
    " very via video wait want wanted wants was wasn't watch watching way ways we'll we're"
    " we've well went were what what's whatever when where whether which while who whole whose"
    " why will with within without won't word words work working works world would wouldn't"
    " year years yes yet you you'll you're you've your yourself".split()
)

Phrase = tuple[str, ...]


def titles_of(spans: Sequence[Sequence[str]]) -> list[str]:
    """A title for each span of sentences, all different."""
    words = [[_words(sentence) for sentence in span] for span in spans]
    common = _common([one for span in words for one in span])
    counts = [Counter(_phrases_in(span, common)) for span in words]
    totals: Counter[Phrase] = Counter()
    for one in counts:
        totals.update(one)
    names = _surface_forms(words)
    nouns = _noun_shares(words, names)
    sizes = [max(1, len(span)) for span in spans]
    used: set[str] = set()
    titles: list[str] = []
    for number, span in enumerate(spans):
        rest = sum(sizes) - sizes[number]
        ranked = _ranked(counts[number], totals, sizes[number], rest, nouns)
        title = _title(ranked, used, names) or _first_words(span)
        titles.append(_distinct(title, titles))
    return titles


def _words(sentence: str) -> list[str]:
    """The sentence's words and, between them, its punctuation, which no phrase crosses."""
    return _TOKEN.findall(sentence.replace("’", "'"))


def _common(sentences: Sequence[Sequence[str]]) -> set[str]:
    """What the talk says all the time."""
    spread = Counter(word.casefold() for words in sentences for word in set(words))
    return {word for word, count in spread.items() if count > max(3, _COMMON * len(sentences))}


def _phrases_in(span: Sequence[Sequence[str]], common: set[str]) -> Iterator[Phrase]:
    """Each sentence's phrases, once a sentence."""
    for words in span:
        found: set[Phrase] = set()
        run: Phrase = ()
        for word in words:
            if _UNSPACED.search(word):
                found.update((part,) for part in _parts(word))
                run = ()
                continue
            run = (*run, word.casefold())[-_LONGEST_PHRASE:] if _tells(word, common) else ()
            found.update(run[start:] for start in range(len(run)))
        yield from sorted(found)


def _tells(word: str, common: set[str]) -> bool:
    folded = word.casefold()
    long_enough = len(word) >= _SHORTEST_WORD or (word.isupper() and len(word) > 1)
    return long_enough and folded not in common and folded not in _ENGLISH and "'" not in word


def _parts(word: str) -> Iterator[str]:
    """Runs of Han and Katakana: whole when short, else in pieces of 2 to 4 characters."""
    for run in _HAN.findall(word):
        if len(run) <= 4 or "\u30a1" <= run[0] <= "\u30fc":
            yield run
        else:
            yield from (run[i : i + n] for n in (2, 3, 4) for i in range(len(run) - n + 1))


def _surface_forms(spans: Sequence[Sequence[Sequence[str]]]) -> dict[str, str]:
    """How each word is written where no sentence begins: names keep their capitals."""
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for span in spans:
        for words in span:
            for word in words[1:]:
                forms[word.casefold()][word] += 1
    return {word: min(seen, key=lambda form: (-seen[form], form)) for word, seen in forms.items()}


def _noun_shares(
    spans: Sequence[Sequence[Sequence[str]]], names: dict[str, str]
) -> dict[str, float]:
    """How like a noun each word stands, 0 to 1.

    A noun follows articles, as names need not; an adjective also goes before another such word.
    """
    seen: Counter[str] = Counter()
    after: Counter[str] = Counter()
    before: Counter[str] = Counter()
    for span in spans:
        for words in span:
            folded = [word.casefold() for word in words]
            seen.update(folded)
            after.update(b for a, b in itertools.pairwise(folded) if a in _ARTICLES)
            before.update(a for a, b in itertools.pairwise(folded) if _tells(b, set()))
    return {
        word: _NAME
        if names.get(word, "")[:1].isupper()
        else after[word] / count * (1 - before[word] / count)
        for word, count in seen.items()
    }


def _ranked(
    counts: Counter[Phrase], totals: Counter[Phrase], size: int, rest: int, nouns: dict[str, float]
) -> list[tuple[float, Phrase]]:
    """The span's phrases by how much they tell of it, best first."""
    ranked = []
    for phrase, count in counts.items():
        short = len(phrase) == 1 and len(phrase[0]) < _SHORTEST_TITLE
        if (short and not _UNSPACED.search(phrase[0])) or (count < 2 and len(phrase) == 1):
            continue
        elsewhere = (totals[phrase] - count + 0.5) / (rest + 1)
        odds = math.log((count / size) / elsewhere)
        noun = max(nouns.get(phrase[0], 0.0), nouns.get(phrase[-1], 0.0))
        weight = (1 + _MORE_WORDS * (len(phrase) - 1)) * (_UNLIKE_A_NOUN + noun)
        often = count if count > 1 else _SAID_ONCE
        ranked.append((often * odds * weight, phrase))
    return sorted((one for one in ranked if one[0] > 0), key=lambda one: (-one[0], one[1]))


def _title(ranked: Sequence[tuple[float, Phrase]], used: set[str], names: dict[str, str]) -> str:
    """The best phrase that no earlier title holds; a single word takes a second one along."""
    chosen: list[Phrase] = []
    taken: set[str] = set()
    for score, phrase in ranked:
        stems = {word[:_STEM_LENGTH] for word in phrase}
        if stems <= used or stems & taken:
            continue
        if chosen and score < _SECOND_WORD * ranked[0][0]:
            break
        chosen.append(phrase)
        taken |= stems
        if len(phrase) > 1 or len(chosen) == 2:
            break
    used |= taken
    shown = ", ".join(" ".join(names.get(word, word) for word in phrase) for phrase in chosen)
    return shown[:1].upper() + shown[1:]


def _first_words(span: Sequence[str]) -> str:
    """How the span begins, when no phrase stands out."""
    words = span[0].split()
    text = " ".join(words[:_WORDS_OF_LAST_RESORT])[:60].rstrip(" ,;:.")
    return text + ("…" if len(text) < len(span[0].rstrip(" .")) else "")


def _distinct(title: str, earlier: Sequence[str]) -> str:
    number, shown = 1, title
    while shown in earlier:
        number += 1
        shown = f"{title} ({number})"
    return shown
