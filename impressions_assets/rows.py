"""The rows that pass between rooms, and nothing else: no behaviour but what a row says of itself.

Every row is frozen, typed and encodes to the same JSON bytes for the same content. The tables'
schemas and the data dictionary (docs/data-dictionary.md) are made from these classes, so each
field says in its `Meta` what it holds. Times are seconds from the start of the video.

`gc=False` is for rows made by the million: they hold nothing that could lead back to them, and the
garbage collector need not go through them.

Rows that carry a `video_id` are *published*: a table holds one such row per (channel, video).
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Status = Literal["ok", "private", "deleted", "live", "blocked"]
Live = Literal["none", "upcoming", "live", "ended"]
TrackKind = Literal["manual", "automatic", "translated"]
TrackFormat = Literal["vtt", "srt", "json3", "timedtext", "text"]
TranscriptOrigin = Literal["manual", "automatic", "translated", "whisperx", "text", "none"]
ChapterOrigin = Literal["youtube", "description", "segmented", "manual"]
Review = Literal["unreviewed", "accepted", "edited", "rejected"]
Split = Literal["train", "val"]


class Track(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One caption track (or text) that a source offers for a video."""

    language: Annotated[str, Meta(description="BCP 47 tag, 'und' when unknown")]
    kind: Annotated[TrackKind, Meta(description="who wrote it: a person, or a recognizer")]
    format: Annotated[TrackFormat, Meta(description="format of the bytes")]
    location: Annotated[str, Meta(description="where its source finds it, relative to the source")]
    digest: Annotated[str, Meta(description="sha256 of the bytes, '' when not known yet")] = ""


class Chapter(Struct, frozen=True):
    """A titled span of a video."""

    start_seconds: Annotated[float, Meta(description="start, inclusive")]
    title: Annotated[str, Meta(description="clean title, without time or bullet")]
    end_seconds: Annotated[float | None, Meta(description="end, exclusive")] = None
    origin: Annotated[ChapterOrigin, Meta(description="who made the list")] = "description"


class Video(Struct, frozen=True, kw_only=True):
    """One item of a channel: a video, a text file, or a row group of a dataset."""

    video_id: Annotated[str, Meta(description="id within the source, e.g. YouTube's 11 characters")]
    source: Annotated[str, Meta(description="kind of source: archive, text, dataset, youtube")]
    title: Annotated[str, Meta(description="title, '' when unknown")] = ""
    channel_title: Annotated[str, Meta(description="name of the uploader's channel")] = ""
    description: Annotated[str, Meta(description="description as published")] = ""
    published: Annotated[str | None, Meta(description="ISO 8601 date or date-time")] = None
    duration_seconds: Annotated[float | None, Meta(description="length in seconds")] = None
    tags: Annotated[tuple[str, ...], Meta(description="uploader's tags")] = ()
    language: Annotated[str | None, Meta(description="BCP 47 tag of the original speech")] = None
    license: Annotated[str | None, Meta(description="licence as the source names it")] = None
    url: Annotated[str, Meta(description="page of the video, '' when it has none")] = ""
    status: Annotated[Status, Meta(description="whether it can be had")] = "ok"
    is_short: Annotated[bool, Meta(description="a YouTube Short")] = False
    live: Annotated[Live, Meta(description="whether it is or was a live stream")] = "none"
    chapters: Annotated[tuple[Chapter, ...], Meta(description="chapters from YouTube itself")] = ()
    tracks: Annotated[tuple[Track, ...], Meta(description="all caption tracks on offer")] = ()


class Word(Struct, frozen=True, omit_defaults=True, gc=False):
    """A word with its own time, where the captions or the recognizer give it."""

    start_seconds: Annotated[float, Meta(description="start, inclusive")]
    end_seconds: Annotated[float, Meta(description="end, exclusive")]
    text: Annotated[str, Meta(description="the word with its punctuation")]
    confidence: Annotated[float | None, Meta(description="0 to 1, from a recognizer")] = None


class Segment(Struct, frozen=True, omit_defaults=True, gc=False):
    """Timed text: one caption, one sentence or one paragraph, by one speaker."""

    start_seconds: Annotated[float, Meta(description="start, inclusive; 0 in untimed text")]
    end_seconds: Annotated[float, Meta(description="end, exclusive; 0 in untimed text")]
    text: Annotated[str, Meta(description="what was said, one line, no markup")]
    speaker: Annotated[str | None, Meta(description="name or label, when known")] = None
    confidence: Annotated[float | None, Meta(description="0 to 1, from a recognizer")] = None
    words: Annotated[tuple[Word, ...], Meta(description="word times, when known")] = ()
    found: Annotated[
        str | None,
        Meta(description="the text before a person corrected it or its like; '' when added"),
    ] = None
    occurrence: Annotated[
        int | None, Meta(description="beside `found`: how often that text was found before")
    ] = None


class Dropped(Struct, frozen=True, omit_defaults=True):
    """Something that was taken out, kept with the reason."""

    reason: Annotated[str, Meta(description="why, in a few fixed words")]
    text: Annotated[str, Meta(description="what was taken out")]
    start_seconds: Annotated[float | None, Meta(description="where it stood")] = None
    transform: Annotated[str, Meta(description="the transform that did; '' for cleaning")] = ""


class Transcript(Struct, frozen=True, kw_only=True):
    """What was said in one video. Origin 'none' means: decided, and there is no text to be had."""

    video_id: Annotated[str, Meta(description="the video")]
    origin: Annotated[TranscriptOrigin, Meta(description="where the words come from")]
    language: Annotated[str, Meta(description="BCP 47 tag, 'und' when unknown")] = "und"
    segments: Annotated[tuple[Segment, ...], Meta(description="segments in order of start")] = ()
    dropped: Annotated[tuple[Dropped, ...], Meta(description="cues set aside, with reasons")] = ()
    reason: Annotated[str, Meta(description="why there is no text: disabled, none, policy")] = ""
    offered: Annotated[tuple[Track, ...], Meta(description="the tracks there were to choose")] = ()
    notes: Annotated[
        tuple[str, ...], Meta(description="why these words were chosen, and what they lack")
    ] = ()

    @property
    def is_timed(self) -> bool:
        """Whether the segments' seconds mean anything (text files have none)."""
        return self.origin not in ("text", "none")


class Chapters(Struct, frozen=True, kw_only=True):
    """The chapters of one video; empty when it has none."""

    video_id: Annotated[str, Meta(description="the video")]
    chapters: Annotated[tuple[Chapter, ...], Meta(description="chapters, starts rising")] = ()
    notes: Annotated[tuple[str, ...], Meta(description="titles a language model did not give")] = ()

    @property
    def listed(self) -> tuple[Chapter, ...]:
        """Those that a person wrote: none of the segmented ones, whose bounds are a guess."""
        return tuple(chapter for chapter in self.chapters if chapter.origin != "segmented")


class KeyFrame(Struct, frozen=True):
    """A picture out of a video, stored as a file."""

    start_seconds: Annotated[float, Meta(description="start of the chapter that it shows")]
    name: Annotated[str, Meta(description="name in the page, and beside an exported one")]
    digest: Annotated[str, Meta(description="sha256 of the bytes, under which it is stored")]
    size_bytes: Annotated[int, Meta(description="size in bytes")]


class Article(Struct, frozen=True, kw_only=True):
    """One video as a page of Markdown; empty when there is nothing to read."""

    video_id: Annotated[str, Meta(description="the video")]
    title: Annotated[str, Meta(description="title of the article")]
    markdown: Annotated[str, Meta(description="the page: chapters as headings, times as links")]
    num_words: Annotated[int, Meta(description="words in the page")]
    notes: Annotated[
        tuple[str, ...], Meta(description="what a rewrite left as it was, and why")
    ] = ()
    frames: Annotated[tuple[KeyFrame, ...], Meta(description="key frames that the page shows")] = ()


class Question(Struct, frozen=True, omit_defaults=True):
    """A question that a description lists, with the time it names."""

    start_seconds: Annotated[float, Meta(description="the time that the list names")]
    text: Annotated[str, Meta(description="the question, without its time")]


class QAPair(Struct, frozen=True, kw_only=True):
    """A question joined to the span that answers it; the span is half open."""

    pair_id: Annotated[
        str, Meta(description="names the pair within its video: a hash of the question as found")
    ] = ""
    question: Annotated[str, Meta(description="the question as listed or as asked")]
    answer: Annotated[str, Meta(description="what was said in the span")]
    start_seconds: Annotated[float, Meta(description="start of the answering span, inclusive")]
    end_seconds: Annotated[float, Meta(description="end of the answering span, exclusive")]
    speaker: Annotated[str | None, Meta(description="who answers, when known")] = None
    confidence: Annotated[float, Meta(description="0 to 1: how sure we are of the pair")] = 1.0
    origin: Annotated[
        str,
        Meta(
            description="where the question was found: description, chapter, speaker, round (after"
            " a call for questions, no speakers known) or manual"
        ),
    ] = "description"
    review: Annotated[Review, Meta(description="what a person said of it")] = "unreviewed"


class QAPairs(Struct, frozen=True, kw_only=True):
    """The question-and-answer pairs of one video; empty when it has none."""

    video_id: Annotated[str, Meta(description="the video")]
    pairs: Annotated[tuple[QAPair, ...], Meta(description="pairs in order of time")] = ()
    dropped: Annotated[tuple[Dropped, ...], Meta(description="what transforms took out")] = ()


class Document(Struct, frozen=True, kw_only=True):
    """Clean text ready for a language model; text is '' when all of it was rejected.

    `anchor_offsets[i]` (characters into `text`) is where the speech at `anchor_seconds[i]` begins;
    both rise, and together they lead from any place in the text back to its second.
    """

    video_id: Annotated[str, Meta(description="the video")]
    text: Annotated[str, Meta(description="clean text")]
    split: Annotated[Split, Meta(description="training or validation, by hash of the video id")]
    language: Annotated[
        str, Meta(description="BCP 47 tag of the captions, else as identified; 'und' when unknown")
    ] = "und"
    license: Annotated[str | None, Meta(description="licence of the video")] = None
    anchor_offsets: Annotated[tuple[int, ...], Meta(description="character offsets, rising")] = ()
    anchor_seconds: Annotated[tuple[float, ...], Meta(description="seconds at the offsets")] = ()
    dropped: Annotated[tuple[Dropped, ...], Meta(description="rejected text, with reasons")] = ()
    num_characters: Annotated[int, Meta(description="length of the text")] = 0
    text_digest: Annotated[str, Meta(description="equal for equal words; '' without text")] = ""
    signature: Annotated[
        bytes, Meta(description="MinHash of its runs of five words: 128 hashes of 32 bits")
    ] = b""
    identified_language: Annotated[
        str, Meta(description="code of the language that the text is in, 'und' when not sure")
    ] = "und"


class CorrectedSegment(Struct, frozen=True, omit_defaults=True):
    """A change to a segment, which is known by its text and how often that came before."""

    found: Annotated[str, Meta(description="the segment's text without the change; '' when added")]
    occurrence: Annotated[
        int, Meta(description="0 for the first segment with that text, …; names an added one")
    ]
    text: Annotated[str, Meta(description="the text to have; '' to drop the segment")]
    start_seconds: Annotated[float, Meta(description="start to have, inclusive")]
    end_seconds: Annotated[float, Meta(description="end to have, exclusive")]
    speaker: Annotated[str | None, Meta(description="who speaks")] = None


Corrected = Literal["transcripts", "chapters", "qa_pairs"]


class Correction(Struct, frozen=True, kw_only=True):
    """What a person changed in a video's row of one table; it is applied whenever that is made."""

    video_id: Annotated[str, Meta(description="the video")]
    table: Annotated[Corrected, Meta(description="the table, which names the field that counts")]
    segments: Annotated[
        tuple[CorrectedSegment, ...], Meta(description="changes to the transcript")
    ] = ()
    chapters: Annotated[tuple[Chapter, ...], Meta(description="all chapters of the video")] = ()
    pairs: Annotated[
        tuple[QAPair, ...], Meta(description="pairs that were reviewed, or added")
    ] = ()


SOURCE = "source:"  # begins the id of a failure that stands for a whole source
SECOND = ".second"  # ends the id of a failure when two sources name one video


class Failed(Struct, frozen=True, kw_only=True):
    """A video that a source or a stage could not do; the others go on."""

    video_id: Annotated[str, Meta(description="the video")]
    error: Annotated[str, Meta(description="what was attempted and what went wrong")]
    retry: Annotated[bool, Meta(description="whether trying again later may help")] = False
    not_before: Annotated[
        str | None, Meta(description="ISO time (UTC) of the next try, when the source names it")
    ] = None


PUBLISHED: dict[str, type[Struct]] = {
    "videos": Video,
    "transcripts": Transcript,
    "chapters": Chapters,
    "articles": Article,
    "qa_pairs": QAPairs,
    "documents": Document,
}
"""The tables with a row per video, in the order in which the data flows."""
