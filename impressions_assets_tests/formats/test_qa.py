"""The CSV of seconds and text."""

import csv
import io
from pathlib import Path

from impressions_assets.export import export
from impressions_assets.formats.qa import csv_of, utterances_of
from impressions_assets.reader import ChannelReader
from impressions_assets.rows import QAPair, QAPairs, Segment, Transcript
from impressions_assets.storage.tables import Entry

SAID = Transcript(
    video_id="a",
    origin="manual",
    segments=(
        Segment(0.0, 5.0, "Good morning."),
        Segment(10.0, 20.5, "Because it saves, often.", "Ada"),
        Segment(70.25, 80.0, "Goodbye."),
    ),
)
PAIR = QAPair(
    question='Why "merge"?',
    answer="Because it saves, often.",
    start_seconds=9.0,
    end_seconds=70.0,
    speaker="Ada",
)


def test_questions_answers_and_the_rest_stand_in_order_of_time() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_of(SAID, [PAIR]))))
    assert list(rows[0]) == [
        "starttime", "endtime", "starttime_sec", "endtime_sec",
        "speaker", "text", "text_length", "text_type",
    ]  # fmt: skip
    assert [tuple(row.values()) for row in rows] == [
        ("00:00:00", "00:00:05", "0.0", "5.0", "", "Good morning.", "13", "other"),
        ("00:00:09", "00:01:10", "9.0", "70.0", "", 'Why "merge"?', "12", "question"),
        ("00:00:09", "00:01:10", "9.0", "70.0", "Ada", "Because it saves, often.", "24", "answer"),
        ("00:01:10", "00:01:20", "70.25", "80.0", "", "Goodbye.", "8", "other"),
    ]


def test_a_rejected_pair_is_no_question_and_its_words_stay() -> None:
    import msgspec

    rejected = msgspec.structs.replace(PAIR, review="rejected")
    found = utterances_of(SAID, [rejected])
    assert [row.text_type for row in found] == ["other"] * 3
    assert [row.text for row in found] == [segment.text for segment in SAID.segments]


def test_only_videos_with_questions_have_a_file(talks: ChannelReader, tmp_path: Path) -> None:
    talks.home.table("qa_pairs").put(
        "talks",
        [Entry(QAPairs(video_id="a", pairs=(PAIR,))), Entry(QAPairs(video_id="b"))],
    )
    file, _ = export(talks, "qa", tmp_path)
    assert file.name == "a.csv"
    assert "Why" in file.read_text()
