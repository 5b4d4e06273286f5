"""Questions and answers as the CSV of seconds and text: a file per video, a row per utterance.

    starttime,endtime,starttime_sec,endtime_sec,speaker,text,text_length,text_type
    00:01:46,00:13:06,106.0,786.0,,Why do we need to search?,25,question
    00:01:46,00:13:06,106.0,786.0,Ada,"Because …",9120,answer

The format's docstring says what the columns hold, to the reader of its card as well.
"""

import csv
import io
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from impressions_assets.formats.files import safe_name, write_text
from impressions_assets.reader import ChannelReader
from impressions_assets.rows import QAPair, Transcript
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.tables import WINDOW

COLUMNS = (
    "starttime", "endtime", "starttime_sec", "endtime_sec",
    "speaker", "text", "text_length", "text_type",
)  # fmt: skip


class Utterance(NamedTuple):
    """A row before it is written."""

    start_seconds: float
    end_seconds: float
    speaker: str | None
    text: str
    text_type: Literal["question", "answer", "other"]


def qa(channel: ChannelReader, folder: Path) -> list[Path]:
    """A CSV of seconds and text per video that has questions.

    `text_type` is `question` (as it was listed; the speaker is not known), `answer` (all that was
    said in answer) or `other` (a segment of the talk that answers nothing). A question and its
    answer have the times of the span that answers. `text_length` counts characters. Pairs that a
    person rejected are left out, and their words are `other`.
    """
    return [
        write_text(folder, f"{safe_name(transcript.video_id)}.csv", csv_of(transcript, pairs))
        for transcript, pairs in _joined(channel)
    ]


def csv_of(transcript: Transcript, pairs: Iterable[QAPair]) -> str:
    """Return a talk as that CSV."""
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in utterances_of(transcript, pairs):
        times = (row.start_seconds, row.end_seconds)
        seconds = [round(time, 3) for time in times]
        speaker = row.speaker or ""
        writer.writerow(
            [*map(_clock, times), *seconds, speaker, row.text, len(row.text), row.text_type]
        )
    return page.getvalue()


def utterances_of(transcript: Transcript, pairs: Iterable[QAPair]) -> list[Utterance]:
    """Return questions, answers and what is neither, in order of time."""
    spans = sorted((p for p in pairs if p.review != "rejected"), key=lambda p: p.start_seconds)
    starts = [pair.start_seconds for pair in spans]
    found = [utterance for pair in spans for utterance in _of(pair)]
    for segment in transcript.segments:
        before = bisect_right(starts, segment.start_seconds)
        if not before or segment.start_seconds >= spans[before - 1].end_seconds:
            times = (segment.start_seconds, segment.end_seconds)
            found.append(Utterance(*times, segment.speaker, segment.text, "other"))
    return sorted(found, key=lambda utterance: utterance.start_seconds)


def _of(pair: QAPair) -> Iterator[Utterance]:
    times = (pair.start_seconds, pair.end_seconds)
    yield Utterance(*times, None, pair.question, "question")
    yield Utterance(*times, pair.speaker, pair.answer, "answer")


def _joined(channel: ChannelReader) -> Iterator[tuple[Transcript, tuple[QAPair, ...]]]:
    """Yield each transcript that has pairs, a window of videos at a time."""
    table = channel.home.table("qa_pairs")
    found = table.columns(channel.name, "video_id", "pairs.start_seconds")
    keys = sorted(key_of(video_id) for video_id, starts in found if starts)
    for start in range(0, len(keys), WINDOW):
        window = keys[start : start + WINDOW]
        pairs = {key: row.pairs for key, row in table.items(channel.name, window)}
        for key, row in channel.home.table("transcripts").items(channel.name, window):
            if key in pairs:
                yield row, pairs[key]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"
