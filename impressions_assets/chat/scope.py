"""What a channel talks about, as counts of words, and how near a question comes to it.

A word tells for the subject by how much oftener it is said there than in general
(`background`): the log of that ratio. What is learned from is the channel's own text, and keywords
where channels.yaml gives any. Words count as they are written and as they are stemmed, and the one
that tells more is taken: `decorator` and `decorate` have one stem, and one of them is programming.
A misspelt word is taken for the one that was meant, first among those said here.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import combinations, pairwise
from string import ascii_lowercase
from typing import Literal, NamedTuple

from bm25s import stopwords
from msgspec import Struct, field

from impressions_assets.chat.background import RAREST, Background
from impressions_assets.chat.words import analyzer_of, raw_words

VERSION = 2  # raise it when the same rows must be learned anew
_TITLE, _KEYWORD = 10.0, 2.0  # how often a title's or a keyword's words count as said
_WORDS_A_KEYWORD = 625  # of text; a keyword counts as if it were said once in so many
_SMOOTHING, _FLOOR = 0.3, 5e-6
_LEAST, _MOST = -4.0, 5.0  # what a single word may tell
_LONGEST_PHRASE = 8  # words
_MOST_PAIRS = 300_000
_LATIN = re.compile(r"(?<![\w.])[A-Za-z]{4,20}(?![\w.(=])")  # words that may be misspelt, not code
_MEANT = 2.0  # times that a word is said here which a misspelt one may have meant
_STOPS = {
    "en": stopwords.STOPWORDS_EN_PLUS, "de": stopwords.STOPWORDS_GERMAN,
    "nl": stopwords.STOPWORDS_DUTCH, "fr": stopwords.STOPWORDS_FRENCH,
    "es": stopwords.STOPWORDS_SPANISH, "pt": stopwords.STOPWORDS_PORTUGUESE,
    "it": stopwords.STOPWORDS_ITALIAN, "ru": stopwords.STOPWORDS_RUSSIAN,
    "sv": stopwords.STOPWORDS_SWEDISH, "no": stopwords.STOPWORDS_NORWEGIAN,
    "da": stopwords.STOPWORDS_DANISH, "tr": stopwords.STOPWORDS_TURKISH,
}  # fmt: skip
_SAY_LITTLE = frozenset(
    "would could may might must shall let get use want need one two much many also like why give"  # noqa: SIM905
    " go way ever still always never".split()
)


class Evidence(NamedTuple):
    """What speaks for and against a question; the figures are those that the weights are for."""

    told: float  # what words tell that are said oftener here
    under: float  # what words tell that are said oftener elsewhere: not above 0
    pairs: float  # neighbouring words that stand together here too, two at most
    phrases: float  # whether it holds a keyword of several words
    unknown_share: float  # of its words, those not said here, rare ones less
    unknown: float  # their number
    ours: tuple[str, ...]  # the words that tell most, best first
    theirs: tuple[str, ...]  # and those that tell against it

    @property
    def figures(self) -> tuple[float, ...]:
        """What the weights are for, in their order."""
        return self[:6]


class Scope(Struct):
    """Words of a subject; `learn` and its like fill it, and it can be kept as JSON."""

    languages: tuple[str, ...] = ("en",)  # codes, the main one first
    counts: dict[str, float] = field(default_factory=dict)
    pairs: set[str] = field(default_factory=set)
    phrases: set[str] = field(default_factory=set)
    num_words: float = 0.0
    learned_from: Literal["keywords", "reference", "text"] = "keywords"  # the most telling of them

    def learn(self, texts: Iterable[tuple[str, str]], titles: Iterable[tuple[str, str]]) -> None:
        """Take in what a channel says, and what is written about it; each with its language."""
        self.learned_from = "text"
        pairs: Counter[str] = Counter()
        for said, weight in ((texts, 1.0), (titles, _TITLE)):
            for text, language in said:
                self._count(text, language, weight)
                pairs.update(pairs_of(analyzer_of(language)(text)))
        self.pairs |= {pair for pair, _ in pairs.most_common(_MOST_PAIRS)}

    def read_up(self, known: "Scope") -> None:
        """Take in what is known of the subject from elsewhere."""
        for word, number in known.counts.items():
            self.counts[word] = self.counts.get(word, 0.0) + number
        self.pairs |= known.pairs
        self.num_words += known.num_words
        if self.learned_from == "keywords":
            self.learned_from = "reference"

    def add(self, keywords: Iterable[str]) -> None:
        """Take in words and phrases of the subject."""
        language = self.languages[0]
        analyze = analyzer_of(language)
        often = max(1.0, self.num_words / _WORDS_A_KEYWORD)
        for keyword in keywords:
            words = analyze(keyword)
            self._count(keyword, language, often * _KEYWORD / max(1, len(words)))
            self.pairs.update(pairs_of(words))
            self.phrases.update([" ".join(words)] if 1 < len(words) <= _LONGEST_PHRASE else [])

    def mended(self, question: str) -> str:
        """The question with its misspelt words as they were meant, where one letter is wrong."""
        known = Background(self.languages)
        return _LATIN.sub(lambda found: self._meant(found[0], known), question)

    def _meant(self, word: str, known: Background) -> str:
        small = word.lower()
        if word[1:] != small[1:] or small in self.counts or known(small) > RAREST:
            return word
        near = sorted(_one_edit(small))
        here = [other for other in near if self.counts.get(other, 0) > _MEANT]
        meant = here or [other for other in near if known(other) > RAREST]
        return max(meant, key=known, default=word)

    def evidence(self, question: str) -> Evidence:
        """Weigh the words of a question."""
        stops = _stops(self.languages)
        background = Background(self.languages)
        weighed: dict[str, tuple[float, float]] = {}  # what it tells; how unknown it is, 0 to 1
        for raw, *stems in _forms(question, self.languages):
            if stops.isdisjoint((raw, *stems)) and raw not in weighed:
                known = [form for form in (raw, *stems) if form in self.counts]
                told = max(self._tells(form, background) for form in known or stems)
                often = math.log10(max(map(background, stems)) / RAREST) / 2
                weighed[raw] = told, 0.0 if known else min(1.0, often)
        return self._evidence(question, weighed)

    def _evidence(self, question: str, weighed: dict[str, tuple[float, float]]) -> Evidence:
        told = sorted(((value, raw) for raw, (value, _) in weighed.items()), reverse=True)
        number, unknown = max(1, len(told)), sum(share for _, share in weighed.values())
        words = [analyzer_of(code)(question) for code in self.languages]
        stops = _stops(self.languages)
        together = {
            pair
            for form in words
            for pair in pairs_of(form)
            if pair in self.pairs and stops.isdisjoint(pair.split(" "))
        }
        return Evidence(
            told=sum(value for value, _ in told if value > 0) / math.sqrt(number),
            under=sum(value for value, _ in told if value < 0) / math.sqrt(number),
            pairs=float(min(2, len(together))),
            phrases=float(any(map(self._holds_phrase, words))),
            unknown_share=unknown / number,
            unknown=unknown,
            ours=tuple(raw for value, raw in told if value > 0 and not weighed[raw][1]),
            theirs=tuple(raw for value, raw in told[::-1] if value < 0 or weighed[raw][1]),
        )

    def _holds_phrase(self, words: Sequence[str]) -> bool:
        return not self.phrases.isdisjoint(
            " ".join(words[start:end])
            for start, end in combinations(range(len(words) + 1), 2)
            if 2 <= end - start <= _LONGEST_PHRASE
        )

    def _tells(self, word: str, background: Background) -> float:
        smoothing = _SMOOTHING / max(1.0, self.num_words)
        here = self.counts.get(word, 0.0) / max(1.0, self.num_words) + smoothing
        there = background(word) + min(smoothing, _FLOOR)
        most = _MOST if word in self.counts else 0.0
        return min(most, max(_LEAST, math.log(here / there)))

    def _count(self, text: str, language: str, weight: float) -> None:
        for forms in _forms(text, [language]):
            for form in dict.fromkeys(forms):
                self.counts[form] = self.counts.get(form, 0.0) + weight
            self.num_words += weight


def _forms(text: str, languages: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Each word as it is written, and as each language stems it."""
    yield from zip(raw_words(text), *(analyzer_of(code)(text) for code in languages), strict=True)


def pairs_of(words: Sequence[str]) -> Iterator[str]:
    """Neighbouring words."""
    return (f"{one} {two}" for one, two in pairwise(words))


def _one_edit(word: str) -> set[str]:
    """What is one letter more, less, other or swapped away (norvig.com/spell-correct.html)."""
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    return (
        {left + right[1:] for left, right in cuts if right}
        | {left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1}
        | {left + one + right[1:] for left, right in cuts for one in ascii_lowercase if right}
        | {left + one + right for left, right in cuts for one in ascii_lowercase}
    )


@cache
def _stops(languages: tuple[str, ...]) -> frozenset[str]:
    """Words that tell no subject, as they are written and stemmed."""
    found = set(_SAY_LITTLE)
    for code in languages:
        for word in _STOPS.get(code, ()):
            found.update(word for forms in _forms(word, [code]) for word in forms)
    return frozenset(found)
