"""What datasets on disk become: a video per row group, listed without reading the text."""

import gc
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from impressions_assets.errors import SourceBroken, SourceError, SourceMissing
from impressions_assets.rows import Failed
from impressions_assets.sources import dataset
from impressions_assets.sources.dataset import DatasetSource

pytest.importorskip("datasets")


@pytest.fixture
def parquet(tmp_path):
    texts = [f"document {number}" for number in range(25)]
    write(tmp_path / "corpus" / "data" / "train-00000-of-00001.parquet", texts)
    return tmp_path / "corpus"


def write(path, texts, rows_per_group=10):
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"id": list(range(len(texts))), "text": texts})
    pq.write_table(table, path, row_group_size=rows_per_group)


def listed(path, **options):
    return list(DatasetSource(str(path), **options).list_videos())


def fetched(path, **options):
    source = DatasetSource(str(path), **options)
    videos = list(source.list_videos())
    found = {v.video_id: source.fetch(v, v.tracks[0]).decode() for v in reversed(videos)}
    return [found[video.video_id].split("\n\n") for video in videos]


def test_a_parquet_row_group_is_a_video(parquet):
    videos = listed(parquet)
    assert [v.tracks[0].location.partition("#")[2] for v in videos] == ["0:10", "1:10", "2:5"]
    assert len({video.video_id for video in videos}) == 3
    assert {(v.source, v.tracks[0].format) for v in videos} == {("dataset", "text")}
    texts = fetched(parquet)
    assert [len(group) for group in texts] == [10, 10, 5]
    assert texts[1][0] == "document 10"


def test_a_limit_counts_rows_and_cuts_the_last_group(parquet):
    assert [len(group) for group in fetched(parquet, limit=12)] == [10, 2]
    assert len(listed(parquet, limit=10)) == 1


def test_listing_again_gives_the_same_and_a_change_is_seen(parquet):
    before = listed(parquet)
    assert listed(parquet) == before
    texts = ["document 0", *(f"another {number}" for number in range(24))]
    write(parquet / "data" / "train-00000-of-00001.parquet", texts)
    after = listed(parquet)
    assert [v.video_id for v in after] == [v.video_id for v in before]
    assert not {v.tracks[0].digest for v in after} & {v.tracks[0].digest for v in before}
    with pytest.raises(SourceBroken, match="changed since it was listed: run again"):
        DatasetSource(str(parquet)).fetch(before[0], before[0].tracks[0])


def test_empty_and_missing_texts_are_passed_over(tmp_path):
    write(tmp_path / "train.parquet", ["one", None, "  ", "tw\0o"])
    assert fetched(tmp_path) == [["one", "two"]]


def test_a_damaged_file_fails_alone(parquet):
    (parquet / "data" / "train-00001-of-00002.parquet").write_bytes(b"PAR1 cut")
    *videos, failed = listed(parquet)
    assert len(videos) == 3
    assert isinstance(failed, Failed)
    assert "no whole Parquet file" in failed.error


# The library's CSV reader leaves its file to the garbage collector, which is made to run here.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_other_forms_are_cut_into_blocks_and_fetched_in_any_order(tmp_path, monkeypatch, form):
    monkeypatch.setattr(dataset, "_ROWS_PER_BLOCK", 10)
    rows = [f"document {number}" for number in range(25)]
    lines = {"jsonl": [json.dumps({"text": row}) for row in rows], "csv": ["text", *rows]}
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / f"train.{form}").write_text("\n".join(lines[form]) + "\n")
    for path in (tmp_path / "corpus", tmp_path / "corpus" / f"train.{form}"):
        assert [group[0] for group in fetched(path)] == ["document 0", "document 10", "document 20"]
        assert [len(group) for group in fetched(path, limit=13)] == [10, 3]
        with pytest.raises(SourceBroken, match=r"no column 'body'.*\['text'\]"):
            listed(path, text_column="body")
    gc.collect()


def test_a_wrong_column_names_those_that_exist(parquet):
    with pytest.raises(SourceBroken, match=r"no column 'body'.*\['id', 'text'\]"):
        listed(parquet, text_column="body")
    with pytest.raises(SourceBroken, match="'id' holds int64, not text"):
        listed(parquet, text_column="id")


def test_a_wrong_split_names_those_that_exist(parquet):
    with pytest.raises(SourceMissing, match=r"no split 'test'.*\['train'\]"):
        listed(parquet, split="test")


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(SourceMissing, match="no such folder"):
        listed(tmp_path / "gone")


def test_without_the_library_the_message_says_how_to_get_it(parquet, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(SourceError, match=r"pip install 'impressions-assets\[data\]'"):
        listed(parquet)
