"""Question-and-answer pairs: each question joined to the span of the talk that answers it.

Spans are half open and meet at the questions' times, so a segment answers one question at most:
the one in whose span it starts. The last question counts: it is answered until its chapter, or
the talk, ends. Where neither the description nor chapters ask, the talk's speakers do; where no
speakers are known, its question round.
Segmented chapters neither ask nor end an answer: their bounds are a guess.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile, takewhile
from typing import NamedTuple

from impressions_assets.rows import Chapters, QAPair, QAPairs, Question, Segment, Transcript, Video
from impressions_assets.text.asked import asked_by_speakers
from impressions_assets.text.clean import clean_transcript
from impressions_assets.text.corrections import with_ids
from impressions_assets.text.paragraphs import is_dialogue, is_named
from impressions_assets.text.question_times import moved
from impressions_assets.text.questions import parse_questions
from impressions_assets.text.round import answered_in_round
from impressions_assets.transforms import Answered, Transform, pairs_through, segments_through

_CONFIDENCE = {"description": 1.0, "chapter": 0.8}
_IS_QUESTION = re.compile(r"[?？؟][\"'”’»)\]]*$")
_WORDS_OF_ASSENT = 4
_WORD = re.compile(r"\w+")


class _Span(NamedTuple):
    question: str
    start_seconds: float
    end_seconds: float


class _Source(NamedTuple):
    """Questions of one origin; `askers` and `confidences` by their time, where speakers ask."""

    questions: Sequence[Question]
    origin: str
    askers: Mapping[float, str]
    confidences: Mapping[float, float]


def pairs_of(
    video: Video,
    transcript: Transcript,
    chapters: Chapters,
    announcements: Sequence[str] = (),
    transforms: Sequence[Transform] = (),
) -> QAPairs:
    """The video's pairs in order of time; none without times in the transcript."""
    if not transcript.is_timed:
        return QAPairs(video_id=video.video_id)
    cleaned = sorted(clean_transcript(transcript).segments, key=lambda s: s.start_seconds)
    segments, dropped = segments_through(transforms, cleaned)
    found = list(_found(video, segments, chapters, announcements))
    answered, cut = pairs_through(transforms, found)
    return QAPairs(
        video_id=video.video_id,
        pairs=with_ids(_pair(one) for one in answered),
        dropped=(*dropped, *cut),
    )


def _found(
    video: Video, segments: Sequence[Segment], chapters: Chapters, announcements: Sequence[str]
) -> Iterator[Answered]:
    source = _source(video, segments, chapters, announcements)
    if not source.questions and not is_dialogue(segments):
        yield from answered_in_round(segments, chapters)
    starts = [segment.start_seconds for segment in segments]
    for span in _spans(source.questions, chapters, _end_of(segments, video.duration_seconds)):
        begin = bisect_left(starts, span.start_seconds)
        if pair := _answered(span, segments[begin : bisect_left(starts, span.end_seconds)], source):
            yield pair


def _source(
    video: Video, segments: Sequence[Segment], chapters: Chapters, announcements: Sequence[str]
) -> _Source:
    """What asks: the description, else chapters, else the speakers."""
    if listed := parse_questions(video.description, announcements):
        return _Source(moved(listed, segments), "description", {}, {})
    if titles := _asked_by_chapters(chapters):
        return _Source(titles, "chapter", {}, {})
    asked = asked_by_speakers(segments)
    return _Source(
        [Question(one.start_seconds, one.text) for one in asked],
        "speaker",
        {one.start_seconds: one.asker for one in asked},
        {one.start_seconds: one.confidence for one in asked},
    )


def _asked_by_chapters(chapters: Chapters) -> list[Question]:
    return [
        Question(chapter.start_seconds, chapter.title)
        for chapter in chapters.listed
        if _IS_QUESTION.search(chapter.title)
    ]


def _end_of(segments: Sequence[Segment], duration_seconds: float | None) -> float:
    last = max((segment.end_seconds for segment in segments), default=0.0)
    begun = segments[-1].start_seconds if segments else 0.0
    return max(last, begun + 1.0, duration_seconds or 0.0)


def _spans(questions: Sequence[Question], chapters: Chapters, end: float) -> Iterator[_Span]:
    """The questions in order of time, those of one time as one, each until the next begins."""
    asked: dict[float, list[str]] = {}
    for question in questions:
        asked.setdefault(question.start_seconds, []).append(question.text)
    times = sorted(asked)
    ends = [chapter.start_seconds for chapter in chapters.listed]
    opens = set(ends)
    for number, start in enumerate(times):
        following = times[number + 1] if number + 1 < len(times) else None
        if following is None or start in opens:  # its chapter may end before the next question
            later = ends[bisect_right(ends, start) :][:1]
            stop = min([following if following is not None else end, *later])
        else:
            stop = following
        yield _Span(" ".join(asked[start]), start, stop)


def _answered(span: _Span, segments: Sequence[Segment], source: _Source) -> Answered | None:
    """The pair, or None when nothing was said in the span."""
    asker = source.askers.get(span.start_seconds)
    if asker is not None:
        answer: Sequence[Segment] = _of_the_answering(segments, asker)
    else:
        answer = _without_asking_turn(segments, span.question)
    if not answer:
        return None
    return Answered(
        question=span.question,
        segments=answer,
        start_seconds=span.start_seconds,
        end_seconds=span.end_seconds,
        speaker=_main_speaker(answer),
        confidence=source.confidences.get(span.start_seconds, _CONFIDENCE.get(source.origin, 0.5)),
        origin=source.origin,
    )


def _pair(answered: Answered) -> QAPair:
    return QAPair(
        question=answered.question,
        answer=answered.answer,
        start_seconds=answered.start_seconds,
        end_seconds=answered.end_seconds,
        speaker=answered.speaker,
        confidence=answered.confidence,
        origin=answered.origin,
    )


def _without_asking_turn(segments: Sequence[Segment], question: str) -> Sequence[Segment]:
    """The segments behind the turn that asks, when another speaker answers it."""
    speaker = _main_speaker(segments)
    if speaker is None:
        return segments
    turn = list(takewhile(lambda segment: segment.speaker == segments[0].speaker, segments))
    if _only_asks(" ".join(segment.text for segment in turn), question):
        return segments[len(turn) :] or segments
    return list(dropwhile(lambda segment: segment.speaker != speaker, segments))


def _of_the_answering(segments: Sequence[Segment], asker: str) -> Sequence[Segment]:
    """What the one who answers says, without the asker and their interjections."""
    others = [segment for segment in segments if segment.speaker != asker]
    speaker = _replying(others)
    return [segment for segment in others if segment.speaker == speaker]


def _replying(others: Sequence[Segment]) -> str | None:
    """Who says most; of turns without names, which never come again, the first that replies.

    A later turn may answer what nobody took for a question: "I want both at once.".
    """
    main = _main_speaker(others)
    if main is None or is_named(main):
        return main
    num_words: Counter[str | None] = Counter()
    for segment in others:
        num_words[segment.speaker] += len(segment.text.split())
    return next((turn for turn, count in num_words.items() if count > _WORDS_OF_ASSENT), main)


def _main_speaker(segments: Sequence[Segment]) -> str | None:
    """The speaker of most of the text; None when speakers are unknown."""
    said: Counter[str] = Counter()
    for segment in segments:
        if segment.speaker is not None:
            said[segment.speaker] += len(segment.text)
    return said.most_common(1)[0][0] if said else None


def _only_asks(turn: str, question: str) -> bool:
    """Whether the turn holds most of the question's words and leaves the answer to others."""
    asked = set(_WORD.findall(question.casefold()))
    said = set(_WORD.findall(turn.casefold()))
    return bool(_IS_QUESTION.search(turn)) and len(asked & said) >= 0.6 * len(asked)
