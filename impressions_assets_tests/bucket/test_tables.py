"""Tables in a bucket: rows, races between writers, corrections, upkeep."""

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from impressions_assets.review.corrections import correct
from impressions_assets.rows import Chapter, Chapters, Correction, Video
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import Stage, each, refresh
from impressions_assets.storage.listing import reconcile
from impressions_assets.storage.tables import WINDOW, Entry, Table
from impressions_assets.text.corrections import corrected_chapters
from impressions_assets_tests.bucket.conftest import CHANNEL, ROOT, titles, videos
from impressions_assets_tests.review.reviews import filled, kept, sheet
from impressions_assets_tests.servers.gcs import GoogleCloudStorage

# gcsfs hands whole parts of a file to aiohttp, from a thread that does nothing else.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


def test_rows_are_put_replaced_and_removed(home: Home, open_home: Callable[[], Home]) -> None:
    table = home.table("videos")
    table.put(CHANNEL, videos("a one", "b one", "c one"))
    table.put(CHANNEL, videos("b two"))
    table.remove(CHANNEL, [key_of("c")])
    assert titles(home) == titles(open_home()) == ["a one", "b two"]
    assert table.channels() == [CHANNEL]


def test_a_new_root_is_opened_without_a_look_for_each_table(
    home: Home, gcs: GoogleCloudStorage
) -> None:
    assert not [request for request in gcs.requests if "_delta_log" in request]


def test_few_rows_are_read_once(home: Home, gcs: GoogleCloudStorage) -> None:
    home.table("videos").put(CHANNEL, videos("a one", "b one"))
    home.table("videos").put("another", videos(*map(chr, range(1000, 1001 + WINDOW))))
    before = len(gcs.requests)
    assert titles(home) == ["a one", "b one"]
    looks = [r for r in gcs.requests[before:] if r.startswith("GET") and ".parquet" in r]
    assert len(looks) <= 3  # of the one file: how long its end is, its end, its rows


@pytest.mark.slow
def test_a_writer_of_many_commits_goes_on_from_each_checkpoint(
    home: Home, gcs: GoogleCloudStorage
) -> None:
    table = home.table("videos")
    asked = []
    for number in range(44):
        before = len(gcs.requests)
        table.put(CHANNEL, videos(chr(65 + number)))
        asked.append([r for r in gcs.requests[before:] if ".checkpoint.parquet" in r])
    read = [number for number, r in enumerate(asked) if r and not r[-1].startswith(("PUT", "HEAD"))]
    assert read == [19, 39]  # one commit after each was written
    assert len(titles(home)) == 44


@pytest.mark.slow
def test_writers_racing_in_a_bucket_lose_no_row(open_home: Callable[[], Home]) -> None:
    homes = [open_home() for _ in range(3)]

    def write(number: int) -> None:
        for turn in range(4):
            homes[number].table("videos").put(CHANNEL, videos(f"{'xyz'[number]}", f"{turn} shared"))
            homes[number].table("videos").put(CHANNEL, videos(f"{chr(65 + number * 4 + turn)}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shared = [f"{turn} shared" for turn in range(4)]
    assert titles(open_home()) == sorted([*"xyz", *"ABCDEFGHIJKL", *shared])


def test_a_home_of_an_older_version_gains_the_new_columns(
    gcs: GoogleCloudStorage, open_home: Callable[[], Home]
) -> None:
    class Video(msgspec.Struct, frozen=True):
        video_id: str

    older = Table(f"{ROOT}/tables", "videos", Video, storage_options=gcs.storage_options)
    older.put(CHANNEL, [Entry(Video("a"))])
    assert open_home().table("videos").columns(CHANNEL, "video_id", "title") == [("a", None)]


@pytest.mark.slow
def test_two_reviewers_at_once_lose_nothing(
    home: Home, open_home: Callable[[], Home], gcs: GoogleCloudStorage, tmp_path: Path
) -> None:
    def corrected(question: str) -> Path:
        def edit(line: dict[str, str]) -> None:
            line["review"] = "accepted" if line["question"] == question else "unreviewed"

        return sheet(filled(home), tmp_path / question[0], "qa_pairs.csv", edit)

    sheets = [corrected("Why?"), corrected("How?")]
    homes = [open_home(), open_home()]
    threads = [
        threading.Thread(target=correct, args=(one, "talks", [path]))
        for one, path in zip(homes, sheets, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {pair.review for pair in kept(home, "qa_pairs").pairs} == {"accepted"}
    assert len(kept(home, "qa_pairs").pairs) == 2
    left_alone = sheet(home, tmp_path / "none", "chapters.csv", lambda line: None)
    asked = len(gcs.requests)
    assert correct(home, "talks", [left_alone]).places == set()
    assert len(gcs.requests) == asked  # nobody edited it: nothing is looked up


def test_corrections_are_looked_at_for_a_run_and_not_for_each_batch(
    home: Home, gcs: GoogleCloudStorage
) -> None:
    change = Correction(video_id="v1", table="chapters", chapters=(Chapter(0.0, "Mine"),))
    home.table("corrections").put(CHANNEL, [Entry(change)])
    listed = [Video(video_id=f"v{n}", source="archive") for n in range(4 * WINDOW)]
    reconcile(home, CHANNEL, listed)
    before = len(gcs.requests)
    stage = Stage("chapters", 1, ("videos",), corrected_chapters)
    refresh(home, stage, CHANNEL, each(lambda video: Chapters(video_id=video.video_id)))
    looks = [r for r in gcs.requests[before:] if "list-type=2" in r and "/corrections/" in r]
    assert len(looks) < 4  # where there are four batches
    titles = dict(home.table("chapters").columns(CHANNEL, "video_id", "chapters.title"))
    assert titles["v1"] == ["Mine"]


def test_small_files_are_joined_and_vacuumed(home: Home, gcs: GoogleCloudStorage) -> None:
    table = home.table("videos")
    for number in range(36):
        table.put(CHANNEL, videos(chr(65 + number)))
    before = titles(home)
    assert table.tidy(CHANNEL)
    assert table.vacuum(older_than_hours=0) == 36
    assert titles(home) == before
    assert sum(name.endswith("zstd.parquet") for name in gcs.names("talks/tables/videos")) == 1
