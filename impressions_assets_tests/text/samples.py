"""Small videos and transcripts for the text room's tests."""

from collections.abc import Iterable

from hypothesis import strategies as st

from impressions_assets.rows import Chapter, Chapters, Segment, Transcript, Video

texts = st.text(max_size=60) | st.sampled_from(
    ["It works. And then", "so we go on", "[Music]", "Does it?", "a\x00b", "word " * 200, "No."]
)
segments = st.builds(
    Segment,
    st.floats(0, 1000).map(lambda s: round(s, 2)),
    st.floats(0, 1000),
    texts,
    st.sampled_from([None, None, "Ada", "Bo"]),
)


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    found = sorted(draw(st.lists(segments, max_size=25)), key=lambda s: s.start_seconds)
    return transcript(found, origin=draw(st.sampled_from(["manual", "automatic", "text", "none"])))


@st.composite
def chapter_lists(draw: st.DrawFn) -> Chapters:
    starts = sorted(draw(st.sets(st.integers(0, 1000), max_size=6)))
    titles = draw(st.lists(st.text(), min_size=len(starts), max_size=len(starts)))
    found = [Chapter(float(s), title) for s, title in zip(starts, titles, strict=True)]
    return chapters(found)


def transcript(segments: Iterable[Segment], origin: str = "manual") -> Transcript:
    return Transcript(video_id="v", origin=origin, language="en", segments=tuple(segments))


def chapters(found: Iterable[Chapter] = ()) -> Chapters:
    return Chapters(video_id="v", chapters=tuple(found))


def video(**fields: object) -> Video:
    return Video(**{"video_id": "v", "source": "archive", "title": "A talk", **fields})


def spoken(*lines: str, seconds: float = 5.0, speaker: str | None = None) -> list[Segment]:
    return [Segment(i * seconds, (i + 1) * seconds, line, speaker) for i, line in enumerate(lines)]
