"""What WhisperX said of a video, as it is kept, and its words in order with times and speakers.

The kept JSON is WhisperX's own (segments with words), with where its voice activity detection
heard speech, and what the recognizer had to leave out. Alignment gives no time to words that it
cannot spell ("1984", "—"): they share the room between their neighbours, by their lengths.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from impressions_assets.errors import SourceBroken
from impressions_assets.sentence_ends import ends_sentence

_UNSPACED = ("ja", "zh")  # their words are single characters: whisperx.alignment
_JUDGED = 3  # words of a sentence, one of which may be wrong
READING = 2  # raise it when what was recognized must be read anew
_Times = tuple[float, float]


class RecognizedWord(Struct, frozen=True):
    """A word of WhisperX's."""

    word: str
    start: float | None = None
    end: float | None = None
    score: float | None = None
    speaker: str | None = None


class RecognizedSegment(Struct, frozen=True):
    """A sentence of WhisperX's, as far as it heard one at a time."""

    start: float
    end: float
    text: str
    words: tuple[RecognizedWord, ...] = ()
    speaker: str | None = None


class Recognized(Struct, frozen=True):
    """All that was recognized in one video."""

    language: str
    segments: tuple[RecognizedSegment, ...] = ()
    speech: tuple[_Times, ...] | None = None
    """Where speech was heard; None when nobody told."""
    notes: tuple[str, ...] = ()
    """What was left out, and why: speakers without a token, times without a model."""

    @property
    def space(self) -> str:
        """What stands between two words."""
        return "" if self.language in _UNSPACED else " "


class Spoken(NamedTuple):
    """A word in its place."""

    start_seconds: float
    end_seconds: float
    text: str
    confidence: float | None
    speaker: str | None


def read_recognized(body: bytes) -> Recognized:
    """Read what was kept. Raises SourceBroken when it is not what our recognizer writes."""
    try:
        return msgspec.json.decode(body, type=Recognized)
    except msgspec.DecodeError as error:
        raise SourceBroken(
            f"what WhisperX recognized is not as we keep it ({error}): `impressions redo VIDEO"
            " --from transcripts` recognizes it again"
        ) from error


def words_of(recognized: Recognized) -> list[Spoken]:
    """The words in order, each with a time and, where speakers are known, with one."""
    words: list[Spoken] = []
    for segment in sorted(recognized.segments, key=lambda segment: segment.start):
        said = [word for word in segment.words if word.word.strip()] or _untimed(segment)
        begins = not words or ends_sentence(words[-1].text)
        speakers = _settled(_speakers(said, segment.speaker), said, begins=begins)
        times = _times(said, segment)
        for word, (start, end), speaker in zip(said, times, speakers, strict=True):
            start = max(start, words[-1].start_seconds if words else 0.0)
            end = max(start, end)
            words.append(Spoken(start, end, word.word.strip(), word.score, speaker))
    return words


def _untimed(segment: RecognizedSegment) -> list[RecognizedWord]:
    """The words of a segment that could not be aligned."""
    return [RecognizedWord(text) for text in segment.text.split()]


def _speakers(words: Sequence[RecognizedWord], of_all: str | None) -> list[str | None]:
    """Who says each word: a word of nobody's is said by who speaks before it, or else after."""
    known = [word.speaker for word in words]
    before = next((speaker for speaker in known if speaker), of_all)
    return [before := speaker or before for speaker in known]


def _settled(
    speakers: list[str | None], words: Sequence[RecognizedWord], *, begins: bool
) -> list[str | None]:
    """Let a lone word at the edge of a sentence be said by who says the rest of it.

    Alignment stretches the word before a pause across it, into the turn of who speaks next: of
    `vocabulary?`, from 1.9 to 3.6 s, one second lay there. Only whole sentences are judged.
    """
    if len(speakers) < _JUDGED:
        return speakers
    _, second, third, *_ = speakers
    if begins and second == third:
        speakers[0] = second
    *_, third, second, _ = speakers
    if ends_sentence(words[-1].word) and second == third:
        speakers[-1] = second
    return speakers


def _times(words: Sequence[RecognizedWord], segment: RecognizedSegment) -> Iterator[_Times]:
    """A time for each word, rising."""
    position, begin = 0, segment.start
    while position < len(words):
        known = _time(words[position])
        if known:
            yield known
            position, begin = position + 1, max(begin, known[1])
            continue
        stop = position
        while stop < len(words) and _time(words[stop]) is None:
            stop += 1
        after = _time(words[stop]) if stop < len(words) else None
        end = max(begin, after[0] if after else segment.end)
        yield from _shared(words[position:stop], begin, end)
        position, begin = stop, end


def _time(word: RecognizedWord) -> _Times | None:
    return None if word.start is None or word.end is None else (word.start, word.end)


def _shared(words: Sequence[RecognizedWord], begin: float, end: float) -> Iterator[_Times]:
    total, before = sum(len(word.word) for word in words), 0
    for word in words:
        start = begin + (end - begin) * before / total
        before += len(word.word)
        yield round(start, 3), round(begin + (end - begin) * before / total, 3)
