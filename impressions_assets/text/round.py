"""The question round at the end of a talk whose transcript knows no speakers.

It begins where a lecturer, whom hardly anybody answered so far, calls for questions, once a third
of the talk is over. From there on, a question is sure when somebody says that they ask ("I was
wondering"), when it is praised ("good question"), or when it sounds like a listener's ("you said")
and what follows opens an answer ("Yeah"). Most of the others are the lecturer's own: they make no
pair, but end the answer before them, so that it does not run over a question that was missed.
Measured in docs/questions.md.
"""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from impressions_assets.rows import Chapters, Segment
from impressions_assets.text.paragraphs import num_words_in
from impressions_assets.text.sentences import Sentence, sentences_of
from impressions_assets.transforms import Answered

_CONFIDENCE = 0.7  # of 27 that were found in eight lectures, 21 are right

_CALL = re.compile(
    r"\b(?:any|some|have|take|are there|there's|what|for|with|other)"
    r" (?:your |more |other |some |any )?questions?\b|\bq ?(?:&|/|and) ?a\b|\bquestions\?",
    re.IGNORECASE,
)
_NO_QUESTION = re.compile(
    r"\b(?:answer|cover|explain|satisfy|repeat|rephrase)\b.{0,30}\bquestions?\b"
    r"|\bwhat your question\b|\b(?:hear|see) (?:me|it|us|my|this)\b"
    r"|\b(?:repeat|rephrase|say (?:that|it) again)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\bi(?:'m| was| am)? (?:just |also )?(?:wondering|curious)\b|\bmy (?:\w+ )?question\b"
    r"|\bi (?:just |also )?(?:have|had|got) (?:a|one|another|two|three) (?:\w+ )?questions?\b"
    r"|\bi(?:'d like| would like| wanted| want) to ask\b",
    re.IGNORECASE,
)
_LISTENER = re.compile(
    r"\b(?:you (?:said|say|mentioned|talked|showed|think|thought|know|have|had|guys|are|were)|"
    r"(?:do|did|are|have|could|can|would|were) you|your|you're|you've|question)\b",
    re.IGNORECASE,
)
_REFERS = re.compile(r"\byou (?:just )?(?:said|mentioned|talked|showed)\b", re.IGNORECASE)
_OPENING = re.compile(
    r"(?:yeah|yes|yep|yup|no|nope|right|sure|okay|ok|absolutely|exactly|correct|i think|"
    r"i don't|i mean|it depends|um|uh|oh|thanks|thank you|great|good|very good|that's a)\b",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\b(?:good|great|excellent|fair|interesting|nice) (?:question|point)\b"
    r"|\bthe question (?:is|was)\b",
    re.IGNORECASE,
)
_MARK = re.compile(r"[?？؟][\"'”’»)\]]*$")
_TAG = re.compile(r"\b(?:right|okay|ok|no|you know)\?$", re.IGNORECASE)
_REPLY = re.compile(
    r"(?:yeah|yes|yep|yup|no|nope|right|sure|absolutely|exactly|correct|thanks|thank you)\b[,.]",
    re.IGNORECASE,
)
_THANKS = re.compile(r"\bthank(?:s| you)\b", re.IGNORECASE)
_ROUND_FROM = 1 / 3
_MOST_REPLIES_PER_WORD = 2.5 / 1000  # eight lectures had up to 2.1 before the call, four talks 3.1
_WORDS_OF_A_CALL = 20
_FEWEST_WORDS = 6
_WORDS_OF_THANKS = 5
_SENTENCES_BEFORE = 2
_FEWEST_ANSWER_WORDS = 12


def answered_in_round(segments: Sequence[Segment], chapters: Chapters) -> Iterator[Answered]:
    """The sure questions in order of time, each answered until the next one, sure or not.

    A listed chapter that begins ends the answer, too.
    """
    if not any(_CALL.search(segment.text) for segment in segments):
        return
    sentences = sentences_of(_without_overlaps(segments))
    runs = [run for run in _runs(sentences) if _counts(sentences, run)]
    begins = [_led_in(sentences, run.start) for run in runs]
    stops = [*begins, len(sentences)][1:]
    for run, begin, stop in zip(runs, begins, stops, strict=True):
        answer = _until_thanks(_in_chapter(sentences[run.stop : stop], chapters))
        if _is_sure(sentences, run) and num_words_in(_joined(answer)) >= _FEWEST_ANSWER_WORDS:
            yield _answered(sentences[begin : run.stop], answer)


def _without_overlaps(segments: Sequence[Segment]) -> list[Segment]:
    """A caption may stay on the screen while the next is spoken; a sentence of it would, too."""
    following = [*(segment.start_seconds for segment in segments[1:]), math.inf]
    return [
        Segment(segment.start_seconds, min(segment.end_seconds, after), segment.text)
        for segment, after in zip(segments, following, strict=True)
    ]


def _answered(question: Sequence[Sentence], answer: Sequence[Sentence]) -> Answered:
    return Answered(
        question=_joined(question),
        segments=[Segment(one.start_seconds, one.end_seconds, one.text) for one in answer],
        start_seconds=question[0].start_seconds,
        end_seconds=answer[-1].end_seconds,
        speaker=None,
        confidence=_CONFIDENCE,
        origin="round",
    )


def _runs(sentences: Sequence[Sentence]) -> Iterator[range]:
    """Sentences in a row that ask, behind the call for questions, from where the asking begins."""
    begin = None
    for number in range(_round_from(sentences), len(sentences)):
        asks = _asks(sentences[number].text)
        if begin is None and asks and num_words_in(sentences[number].text) >= _FEWEST_WORDS:
            begin = number
        elif begin is not None and not asks:
            yield range(begin, number)
            begin = None
    if begin is not None:
        yield range(begin, len(sentences))


def _round_from(sentences: Sequence[Sentence]) -> int:
    """The sentence behind the call for questions; behind the last where no lecturer calls."""
    earliest = sentences[-1].end_seconds * _ROUND_FROM if sentences else 0.0
    calls = (
        number + 1
        for number, sentence in enumerate(sentences)
        if sentence.start_seconds >= earliest and _calls(sentence.text)
    )
    begin = next(calls, len(sentences))
    return begin if _is_lecture(sentences[:begin]) else len(sentences)


def _is_lecture(sentences: Sequence[Sentence]) -> bool:
    """Whether hardly anybody answers: where several talk, any of them may say "you" or "yes"."""
    num_words = sum(num_words_in(one.text) for one in sentences)
    replies = sum(bool(_REPLY.match(one.text)) for one in sentences)
    return replies <= max(1.0, num_words * _MOST_REPLIES_PER_WORD)


def _calls(text: str) -> bool:
    return bool(_CALL.search(text)) and num_words_in(text) < _WORDS_OF_A_CALL


def _asks(text: str) -> bool:
    return bool(_MARK.search(text)) and not _calls(text) and not _NO_QUESTION.search(text)


def _counts(sentences: Sequence[Sentence], run: range) -> bool:
    """Whether it may be a question; "…, right?" is the lecturer's manner unless it is sure."""
    return not _TAG.search(sentences[run.stop - 1].text) or _is_sure(sentences, run)


def _is_sure(sentences: Sequence[Sentence], run: range) -> bool:
    text = _joined(sentences[max(0, run.stop - 1 - _SENTENCES_BEFORE) : run.stop])
    reply = sentences[run.stop : run.stop + 2]
    if _ASKS.search(text) or _PRAISE.search(_joined(reply)):
        return True
    return bool(reply and _LISTENER.search(text) and _OPENING.match(reply[0].text))


def _in_chapter(answer: Sequence[Sentence], chapters: Chapters) -> Sequence[Sentence]:
    """The answer up to the first listed chapter that begins in it."""
    if not answer:
        return answer
    starts = (chapter.start_seconds for chapter in chapters.listed)
    end = next((start for start in starts if start > answer[0].start_seconds), math.inf)
    return list(takewhile(lambda sentence: sentence.start_seconds < end, answer))


def _until_thanks(sentences: Sequence[Sentence]) -> Sequence[Sentence]:
    """Without what is said once a listener gives thanks, or is asked whether that was an answer."""
    num_words = 0
    for number, sentence in enumerate(sentences):
        closes = _THANKS.search(sentence.text) and num_words_in(sentence.text) <= _WORDS_OF_THANKS
        if num_words >= _FEWEST_ANSWER_WORDS and (closes or _NO_QUESTION.search(sentence.text)):
            return sentences[:number]
        num_words += num_words_in(sentence.text)
    return sentences


def _led_in(sentences: Sequence[Sentence], asked: int) -> int:
    """Where the question begins: with the sentences right before that say what will be asked."""
    begin = asked
    for number in range(asked - 1, max(-1, asked - 1 - _SENTENCES_BEFORE), -1):
        text = sentences[number].text
        if _MARK.search(text) or _calls(text):
            break
        if _ASKS.search(text) or _REFERS.search(text):
            begin = number
    return begin


def _joined(sentences: Sequence[Sentence]) -> str:
    return " ".join(one.text for one in sentences)
