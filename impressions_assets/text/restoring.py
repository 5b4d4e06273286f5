"""Sentences for captions that have none: full stops, question marks and capital letters.

Recognizers of speech write lower case without stops, and some people write capitals alone. Where
a transcript as a whole has no sentences, they are cut after pauses and where words say so: "so"
and "now" open many, "the" and "of" end none. The weights are rounded log-odds of English talks;
other languages go by pauses and length. Measured in docs/articles.md.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from impressions_assets.rows import Segment, Word
from impressions_assets.text.casing import with_capital

_SENTENCE_MARK = re.compile(r"[.!?…。！？][\"'”’»)\]]*(?:\s|$)")
_FEWEST_MARKS = 0.02  # for each word; people write four to eight in a hundred
_FEWEST_WORDS, _MOST_WORDS = 4, 42
_THRESHOLD, _FALL = 3.4, 0.06
_PAUSE_WEIGHT, _LONGEST_PAUSE = 8.0, 1.5
_SHORTEST_SECONDS, _SECONDS_OF_A_LETTER = 0.25, 0.07
_OPENS = {
    **dict.fromkeys(("so", "okay", "now"), 3.3),
    **dict.fromkeys(("well", "but", "alright"), 2.7),
    **dict.fromkeys(("remember", "let's", "i've", "it's", "if", "what's"), 1.8),
    **dict.fromkeys(("instead", "i'm", "i'll", "maybe", "since", "i", "again", "that's"), 1.5),
    **dict.fromkeys(("we've", "after", "because", "what", "when", "once", "he", "she"), 1.1),
    **dict.fromkeys(("next", "then", "this", "there's", "let", "why", "we're", "they're"), 0.9),
    **dict.fromkeys(("there", "first", "we", "you", "they", "these", "in", "for", "how"), 0.6),
    **dict.fromkeys(("or", "while", "even", "it", "the"), 0.3),
    **dict.fromkeys(("that", "on", "just", "some", "from", "not", "more", "with", "a"), -0.9),
    **dict.fromkeys(("to", "can", "are", "an", "their", "them", "only", "about", "will"), -1.6),
    **dict.fromkeys(("is", "had", "has", "been", "doesn't", "should", "might", "me"), -2.5),
    **dict.fromkeys(("of", "into", "than", "between", "could", "would", "be", "was", "were"), -3.3),
    **dict.fromkeys(("have", "us", "up", "out", "going", "through", "means"), -3.3),
}
_OTHER_OPENS, _AND_OPENS = -0.5, 0.8
_ENDS = {
    **dict.fromkeys(("the", "and"), -6.0),
    **dict.fromkeys(("as", "if", "but", "just", "it's", "of", "or", "some", "an", "our"), -4.2),
    **dict.fromkeys(("that's", "your", "each", "very", "might", "because", "a", "my"), -3.5),
    **dict.fromkeys(("i'm", "they", "you're", "let's", "its", "also", "which", "even"), -3.1),
    **dict.fromkeys(("will", "there's", "we're", "than", "plus", "many", "he", "who"), -2.9),
    **dict.fromkeys(("only", "we", "when", "where", "their", "by", "so", "those", "to"), -2.5),
    **dict.fromkeys(("really", "has", "is", "are", "how", "what", "these", "would", "could"), -2.1),
    **dict.fromkeys(("any", "all", "for", "can", "were", "i", "at", "in", "no", "this"), -1.8),
    **dict.fromkeys(("with", "from", "on", "about", "be", "was", "do", "have", "into"), -1.5),
}
_ASKS = re.compile(
    r"(?:(?:so|and|but|well|now|okay) )?(?:(?:what|why|how|who|where|when)(?:'s| is| are| do| does"
    r"| did| can| could| would| should| was| were| if| about)|(?:is|are|do|does|did|can|could|would"
    r"|should|isn't|aren't|don't) (?:i|you|we|he|she|it|they|this|that|there|the)) ",
    re.IGNORECASE,
)
_MOST_WORDS_OF_A_QUESTION = 12
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+(?:'s)?\b|\b\w*[a-z0-9][A-Z]\w*\b|\b[A-Z]{2,}s?\b")
_ALWAYS_CAPITAL = """
I I'm I've I'll I'd English French German Spanish Latin Greek Chinese Japanese American European
Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February April June July August
September October November December YouTube Google Python
"""
_ALWAYS = {name.lower(): name for name in _ALWAYS_CAPITAL.split()}
_BARE = re.compile(r"[^\w']+")


class _Word(NamedTuple):
    text: str
    segment: int
    pause_seconds: float  # behind it


def restored(segments: Sequence[Segment], about: str = "", language: str = "en") -> list[Segment]:
    """The segments with sentences; as they are when they have some, or the script has no case.

    Args:
        segments: cleaned speech in order of time.
        about: title, description and tags, which tell how names are written.
        language: BCP 47 tag; only English knows which words open and end sentences.
    """
    text = " ".join(segment.text for segment in segments)
    if not _lacks_sentences(text):
        return list(segments)
    names = _ALWAYS | _names_in(about) if language.startswith("en") else _names_in(about)
    shouted = text.upper() == text
    texts: list[list[str]] = [[] for _ in segments]
    for turn in _turns(segments):
        for sentence in _sentences(list(_words(segments, turn, shouted)), language):
            for word, written in zip(sentence, _written(sentence, names), strict=True):
                texts[word.segment].append(written)
    return [
        replace(segment, text=" ".join(words), words=())
        for segment, words in zip(segments, texts, strict=True)
    ]


def _lacks_sentences(text: str) -> bool:
    num_words = text.count(" ") + 1
    cased = text.lower() != text.upper()
    marks = sum(1 for _ in _SENTENCE_MARK.finditer(text))
    return cased and marks < max(1.0, _FEWEST_MARKS * num_words)


def _names_in(about: str) -> dict[str, str]:
    return {name.lower(): name for name in _NAME.findall(about)}


def _turns(segments: Sequence[Segment]) -> Iterator[range]:
    first = 0
    for number, (before, after) in enumerate(pairwise(segments), 1):
        if before.speaker != after.speaker:
            yield range(first, number)
            first = number
    yield range(first, len(segments))


def _words(segments: Sequence[Segment], turn: range, shouted: bool) -> Iterator[_Word]:
    for number in turn:
        segment = segments[number]
        texts = (segment.text.lower() if shouted else segment.text).split()
        spoken = segment.words if len(segment.words) == len(texts) else ()
        following = segments[number + 1].start_seconds if number + 1 in turn else None
        if spoken:
            onsets = [*(word.start_seconds for word in spoken[1:]), following]
            pauses = [_pause(word, onset) for word, onset in zip(spoken, onsets, strict=True)]
        else:
            behind = 0.0 if following is None else following - segment.end_seconds
            pauses = [*[0.0] * (len(texts) - 1), behind]
        for text, pause in zip(texts, pauses, strict=True):
            yield _Word(text, number, min(max(pause, 0.0), _LONGEST_PAUSE))


def _pause(word: Word, following: float | None) -> float:
    """Seconds of silence behind a word; recognizers often let it last until the next begins."""
    if following is None:
        return 0.0
    usual = _SHORTEST_SECONDS + _SECONDS_OF_A_LETTER * len(word.text)
    return following - min(word.end_seconds, word.start_seconds + usual)


def _sentences(words: list[_Word], language: str) -> Iterator[list[_Word]]:
    """Cut greedily: the longer a sentence is already, the less it takes to end it."""
    scores = _scores(words, language.startswith("en"))
    first = 0
    for number, score in enumerate(scores, 1):
        length = number - first
        if length < _FEWEST_WORDS and words[number - 1].text[-1] not in ".?!":
            continue
        if score >= _THRESHOLD - _FALL * length:
            yield words[first:number]
            first = number
        elif length >= _MOST_WORDS:
            window = range(first + _FEWEST_WORDS, number)
            best = max(window, key=lambda place: (scores[place - 1], place))
            yield words[first:best]
            first = best
    if first < len(words):
        yield words[first:]


def _scores(words: Sequence[_Word], is_english: bool) -> list[float]:
    """How much speaks for an end of a sentence behind each word but the last."""
    bare = [_BARE.sub("", word.text).lower() for word in words] if is_english else []
    scores = [_PAUSE_WEIGHT * word.pause_seconds for word in words[:-1]]
    for place in range(len(scores) if is_english else 0):
        opens = _OPENS.get(bare[place + 1], _OTHER_OPENS)
        if bare[place + 1] == "and":  # "and so", "and that's", but seldom "and butter"
            opens = _AND_OPENS + _OPENS.get((bare[place + 2 : place + 3] or [""])[0], _OTHER_OPENS)
        scores[place] += _ENDS.get(bare[place], 0.0) + opens
    return [s + 9 if w.text[-1] in ".?!" else s for s, w in zip(scores, words, strict=False)]


def _written(sentence: Sequence[_Word], names: dict[str, str]) -> list[str]:
    texts = [names.get(word.text.lower(), word.text) for word in sentence]
    texts[0] = with_capital(texts[0])
    if texts[-1][-1] not in ".?!…":
        asks = len(texts) <= _MOST_WORDS_OF_A_QUESTION and _ASKS.match(" ".join(texts))
        texts[-1] = texts[-1].rstrip(",;:-–—") + ("?" if asks else ".")
    return texts
