"""Questions that are asked in the talk itself: one speaker asks, and another answers at length.

Where speakers are known, a turn asks when its last sentences hold a question mark or a request
("tell us about…"), and what another speaker says next is more than a word of assent. Calls for
questions ("any questions?"), requests to repeat, and what the main speaker of a lecture asks the
room are none. Measured in docs/questions.md.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, takewhile
from typing import NamedTuple

from impressions_assets.rows import Segment

_SENTENCE = re.compile(r"(?<=[.!?？؟])\s+")
_MARK = re.compile(r"[?？؟]")
_REQUEST = re.compile(
    r"\b(?:tell (?:us|me)|(?:can|could|would) you|explain|talk (?:a bit |a little )?about"
    r"|i(?:'m| was| am)? (?:just )?(?:wondering|curious|wonder)\b|walk (?:us|me) through"
    r"|(?:i have|my|i had) (?:a |one |another |second |first )?question"
    r"|i'd like to (?:ask|know|hear)|i want to (?:ask|know)|what about|how about)\b",
    re.IGNORECASE,
)
_NO_QUESTION = re.compile(
    r"\b(?:any|more|other|your|have|has|are there|another|next) (?:more |other )?"
    r"(?:questions?|comments?)\b(?! (?:is|was|about|i|on|for)\b)"
    r"|\b(?:hear|see) (?:me|it|us|my|this)\b|\b(?:repeat|rephrase|say (?:that|it) again)\b"
    r"|\bgo (?:back|on|ahead)\b|\bmove on\b|\bany comment\b",
    re.IGNORECASE,
)
_TAG = re.compile(r"(?:\A|[,.…] ?)(?:right|yeah|okay|ok|no|huh|you know)\?$", re.IGNORECASE)
_AT_THE_END, _BEFORE = 0.9, 0.7  # precision of questions that end their turn, and of others
_LAST_WORDS = 60
_LAST_SENTENCES = 3
_FEWEST_ANSWER_WORDS = 5
_FEWEST_WORDS_BEHIND_A_TAG = 12
_WORDS_OF_A_COUNTER_QUESTION = 12
_WORDS_OF_THANKS = 3
_LECTURE_SHARE = 0.6


class Asked(NamedTuple):
    """A question of a speaker, and when the turn begins in which it is asked."""

    start_seconds: float
    text: str
    asker: str
    confidence: float


class _Turn(NamedTuple):
    start_seconds: float
    speaker: str
    text: str
    num_words: int


def asked_by_speakers(segments: Sequence[Segment]) -> list[Asked]:
    """The questions in order of time; none where fewer than two speakers are known."""
    turns = list(_turns(segments))
    words: Counter[str] = Counter()
    for turn in turns:
        words[turn.speaker] += turn.num_words
    if len(words) < 2:
        return []
    (main, most), total = words.most_common(1)[0], words.total()
    lecturer = main if most >= _LECTURE_SHARE * total else None
    return [
        asked
        for number, turn in enumerate(turns[:-1])
        if turn.speaker != lecturer and (asked := _asked(turn, turns[number + 1 : number + 4]))
    ]


def _turns(segments: Sequence[Segment]) -> Iterator[_Turn]:
    for speaker, run in groupby(segments, key=lambda segment: segment.speaker):
        said = list(run)
        text = " ".join(segment.text for segment in said)
        if speaker is not None:
            yield _Turn(said[0].start_seconds, speaker, text, len(text.split()))


def _asked(turn: _Turn, following: Sequence[_Turn]) -> Asked | None:
    sentences = _last_sentences(turn.text)
    text = " ".join(sentences)
    marked = [number for number, sentence in enumerate(sentences) if _MARK.search(sentence)]
    if not (marked or _REQUEST.search(text)) or _NO_QUESTION.search(text):
        return None
    only_tag = bool(marked) and all(_TAG.search(sentences[number]) for number in marked)
    fewest = _FEWEST_WORDS_BEHIND_A_TAG if only_tag else _FEWEST_ANSWER_WORDS
    if not _is_answered(turn.speaker, following, fewest):
        return None
    ends = bool(marked) and marked[-1] == len(sentences) - 1 and not only_tag
    return Asked(turn.start_seconds, text, turn.speaker, _AT_THE_END if ends else _BEFORE)


def _is_answered(asker: str, following: Sequence[_Turn], fewest: int) -> bool:
    """Whether the next turn says more than assent, or does after "Good question." and "Thanks."."""
    replies = list(takewhile(lambda other: other.speaker != asker, following))
    if not replies:
        return False
    if sum(reply.num_words for reply in replies) >= fewest:
        counter = replies[0].num_words <= _WORDS_OF_A_COUNTER_QUESTION
        return not (counter and replies[0].text.endswith("?"))
    thanks, later = following[len(replies) :][:1], following[len(replies) + 1 :][:1]
    return (
        bool(thanks and later)
        and thanks[0].num_words <= _WORDS_OF_THANKS
        and later[0].num_words >= _FEWEST_WORDS_BEHIND_A_TAG
    )


def _last_sentences(text: str) -> list[str]:
    """The turn's last sentences: what is asked before a long explanation is answered in it."""
    chosen: list[str] = []
    num_words = 0
    for sentence in reversed(_SENTENCE.split(text)[-_LAST_SENTENCES:]):
        num_words += sentence.count(" ") + 1
        if chosen and num_words > _LAST_WORDS:
            break
        chosen.append(sentence)
    return chosen[::-1]
