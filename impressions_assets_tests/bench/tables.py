"""What it costs to change three rows of a table: our "replace where", and Delta's merge."""

from pathlib import Path

from deltalake import DeltaTable

from impressions_assets.rows import Article
from impressions_assets.storage.tables import Entry, Table, key_of
from impressions_assets_tests.bench.archive import video_id, words_of
from impressions_assets_tests.bench.meter import Cost, Meter

_BATCH = 100


def change_three(folder: Path, num_rows: int) -> tuple[Cost, Cost]:
    """Return what changing three rows of many takes: (replace where, merge)."""
    table = Table(str(folder), "articles", Article)
    rows = [Entry(_row(number)) for number in range(num_rows)]
    rows.sort(key=lambda entry: key_of(entry.row.video_id))
    for start in range(0, num_rows, _BATCH):
        table.put("bench", rows[start : start + _BATCH])
    meter = Meter()
    table.put("bench", rows[:3])
    replaced = meter.read()
    delta = DeltaTable(table.uri)
    changed = [entry.row.video_id for entry in rows[:3]]
    meter = Meter()
    merger = delta.merge(
        delta.to_pyarrow_table(filters=[("video_id", "in", changed)]),
        "t.channel = s.channel AND t.key = s.key",
        source_alias="s",
        target_alias="t",
    )
    merger.when_matched_update_all().when_not_matched_insert_all().execute()
    return replaced, meter.read()


def _row(number: int) -> Article:
    text = " ".join(words_of(number, 1000))
    return Article(video_id=video_id(number), title="", markdown=text, num_words=1000)
