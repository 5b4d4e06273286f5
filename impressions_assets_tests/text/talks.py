"""Talks for the tests of transforms, and what of them remains."""

from collections import Counter
from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from impressions_assets.rows import Dropped, Segment, Word
from impressions_assets.text.clean import clean_line


def characters_of(items: Iterable[Segment | Dropped]) -> Counter[str]:
    return Counter(character for item in items for character in item.text if character.strip())


@st.composite
def talks(draw: st.DrawFn, sentences: Sequence[str]) -> list[Segment]:
    """Cleaned segments in order of their starts: overlapping, apart, some with words."""
    texts = st.lists(st.sampled_from(sentences), max_size=4).map(" ".join) | st.text(max_size=30)
    found: list[Segment] = []
    start = 0.0
    for text in draw(st.lists(texts, max_size=12)):
        start += draw(st.sampled_from([0.0, 0.5, 2.0, 7.0]))
        end = start + draw(st.sampled_from([0.0, 1.0, 4.0]))
        speaker = draw(st.sampled_from([None, "Ada", "Bo"]))
        line = clean_line(text)
        words = _words(line, start, end) if draw(st.booleans()) else ()
        found += [Segment(start, end, line, speaker, None, words)] if line else []
    return found


def _words(text: str, start: float, end: float) -> tuple[Word, ...]:
    spoken = text.split()
    step = (end - start) / max(1, len(spoken))
    return tuple(
        Word(start + number * step, start + (number + 1) * step, word)
        for number, word in enumerate(spoken)
    )
