"""What a recognizer says that nobody said: phrases in a loop, and words where it is silent.

Whisper was trained on subtitles. Where it hears nothing it may write "Thanks for watching!", and
where it loses its way it writes one phrase until its window of 30 seconds is full.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from impressions_assets.rows import Dropped, Segment
from impressions_assets.speech.recognized import Spoken

LOOP = "recognizer repeats itself"
SILENCE = "no speech here"

# How often a phrase of so many words must come in a row: "no, no, no, no" is said, a sentence of
# five words is not said three times without a breath.
_MOST_TIMES = ((1, 7), (2, 5), (3, 4), (5, 3))
_LONGEST_PHRASE = 20
_HEARD_SHARE = 0.1
_SLACK_SECONDS = 0.25

Region = tuple[float, float]


def without_loops(words: Sequence[Spoken], space: str) -> tuple[list[Spoken], list[Dropped]]:
    """Leave the first round of what comes in a loop, and set the others aside."""
    said = [_plain(word.text) for word in words]
    kept: list[Spoken] = []
    dropped: list[Dropped] = []
    position = 0
    while position < len(words):
        length, end = _loop_at(said, position)
        kept += words[position : position + length]
        if end > position + length:
            looped = words[position + length : end]
            text = space.join(word.text for word in looped)
            dropped.append(Dropped(LOOP, text, looped[0].start_seconds))
        position = end
    return kept, dropped


def without_silence(
    segments: Sequence[Segment], speech: Sequence[Region] | None
) -> tuple[list[Segment], list[Dropped]]:
    """Set aside sentences during which next to no speech was heard."""
    if speech is None:
        return list(segments), []
    regions = sorted((start - _SLACK_SECONDS, end + _SLACK_SECONDS) for start, end in speech)
    found = [(one, _is_heard(one, regions)) for one in segments]
    return (
        [one for one, is_heard in found if is_heard],
        [Dropped(SILENCE, one.text, one.start_seconds) for one, is_heard in found if not is_heard],
    )


def _loop_at(said: Sequence[str], position: int) -> tuple[int, int]:
    """Length of the phrase that begins here and where its repetition ends; else one word."""
    for length in range(1, _LONGEST_PHRASE + 1):
        end = position + length
        while end < len(said) and said[end] == said[end - length]:
            end += 1
        rounds = (end - position) // length
        if rounds >= _times_allowed(length) and any(said[position : position + length]):
            return length, position + rounds * length
    return 1, position + 1


def _times_allowed(length: int) -> int:
    return next(times for words, times in reversed(_MOST_TIMES) if length >= words)


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _is_heard(segment: Segment, regions: Sequence[Region]) -> bool:
    first = bisect_left(regions, segment.start_seconds, key=lambda region: region[1])
    last = bisect_right(regions, segment.end_seconds, key=lambda region: region[0])
    overlaps = (
        min(segment.end_seconds, end) - max(segment.start_seconds, start)
        for start, end in regions[first:last]
    )
    return first < last and sum(overlaps) >= _HEARD_SHARE * (
        segment.end_seconds - segment.start_seconds
    )
