"""A bucket is a folder: the same tables, files, texts and runs, on a stand-in of Google's."""

import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import fsspec
import msgspec
import pytest

from impressions_assets.corrections import correct
from impressions_assets.errors import CorruptFile, MissingFile, StorageError
from impressions_assets.rows import Chapter, Chapters, Correction, Video
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.ledger import Stage, each, refresh
from impressions_assets.storage.listing import reconcile
from impressions_assets.storage.store import Store, StoredFile
from impressions_assets.storage.tables import WINDOW, Entry, Table
from impressions_assets.text.corrections import corrected_chapters
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.reviews import filled, kept, sheet
from impressions_assets_tests.servers.gcs import Fault, GoogleCloudStorage

ROOT = "gs://bucket/talks"
CHANNEL = "talks"
# gcsfs hands whole parts of a file to aiohttp, from a thread that does nothing else.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let gcsfs wait milliseconds before it tries again, where it would wait 33 seconds in all."""
    import gcsfs.retry

    class Clock:
        @staticmethod
        def random() -> float:
            return -40.0

    monkeypatch.setattr(gcsfs.retry, "random", Clock)


@pytest.fixture
def gcs() -> Iterator[GoogleCloudStorage]:
    with GoogleCloudStorage().running() as server:
        yield server


@pytest.fixture
def open_home(gcs: GoogleCloudStorage) -> Callable[[], Home]:
    """Open the same root anew, as another process would."""

    def opened() -> Home:
        fsspec.get_filesystem_class("gs").clear_instance_cache()
        return Home(ROOT, storage_options=gcs.storage_options, file_options=gcs.file_options)

    return opened


@pytest.fixture
def home(open_home: Callable[[], Home]) -> Home:
    return open_home()


def videos(*titles: str) -> list[Entry]:
    return [Entry(Video(video_id=t[0], source="archive", title=t), f"from {t}") for t in titles]


def titles(home: Home) -> list[str]:
    return sorted(row.title for row in home.table("videos").rows(CHANNEL))


def made(tmp_path: Path, **contents: bytes) -> dict[str, Path]:
    folder = tmp_path / "made"
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


# Tables


def test_rows_are_put_replaced_and_removed(home: Home, open_home: Callable[[], Home]) -> None:
    table = home.table("videos")
    table.put(CHANNEL, videos("a one", "b one", "c one"))
    table.put(CHANNEL, videos("b two"))
    table.remove(CHANNEL, [key_of("c")])
    assert titles(home) == titles(open_home()) == ["a one", "b two"]
    assert table.channels() == [CHANNEL]


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


# Files


def test_files_are_published_fetched_and_swept(
    home: Home, open_home: Callable[[], Home], gcs: GoogleCloudStorage, tmp_path: Path
) -> None:
    big = bytes(range(256)) * 24_000  # sent in parts
    one = home.publish(
        CHANNEL, "checkpoint", made(tmp_path, a=b"one", b=big), made_from="1", facts={}
    )
    home.publish(CHANNEL, "checkpoint", made(tmp_path, a=b"two"), made_from="2", facts={})
    home.store.add(made(tmp_path, stray=b"stray"))
    home.promote(CHANNEL, "checkpoint", 1)
    assert open_home().current(CHANNEL, "checkpoint") == home.version(CHANNEL, "checkpoint", 1)
    folder = open_home().store.fetch(one.files, tmp_path / "out")
    assert [(folder / name).read_bytes() for name in "ab"] == [b"one", big]
    assert home.gc(older_than_hours=1)["files"] == 0
    assert home.gc(older_than_hours=0)["files"] == 1
    assert len(gcs.names("talks/files/")) == 3


def test_a_file_stored_again_is_young_again(
    home: Home, gcs: GoogleCloudStorage, tmp_path: Path
) -> None:
    (file,) = home.store.add(made(tmp_path, a=b"one"))
    time.sleep(0.2)
    uploads = sum(request.startswith("POST /upload") for request in gcs.requests)
    assert home.store.add(made(tmp_path, a=b"one")) == (file,)
    assert sum(request.startswith("POST /upload") for request in gcs.requests) == uploads
    assert home.store.sweep(set(), older_than_seconds=0.15) == (0, 0)
    assert home.store.sweep(set(), older_than_seconds=-1) == (1, 3)


def test_what_another_process_stored_or_deleted_is_noticed(
    home: Home, gcs: GoogleCloudStorage, tmp_path: Path
) -> None:
    """gcsfs remembered listings for good: the next file of a listed folder was missing."""
    (one,) = home.store.add(made(tmp_path, a=b"one"))
    assert home.store.size_bytes() == 3
    other = next(
        content
        for content in (str(number).encode() for number in range(10_000))
        if sha256(content).hexdigest()[:2] == one.digest[:2]
    )
    stored = StoredFile("b", sha256(other).hexdigest(), len(other))
    gcs.buckets["bucket"].put(f"talks/files/{stored.digest[:2]}/{stored.digest}", other)
    home.store.fetch([stored], tmp_path / "out")
    blob = f"talks/files/{one.digest[:2]}/{one.digest}"
    gcs.buckets["bucket"].delete(blob)
    with pytest.raises(MissingFile, match="a is not in the store"):
        home.store.fetch([one], tmp_path / "out")
    home.store.add(made(tmp_path, a=b"one"))
    assert gcs.names(blob) == [blob]


def test_a_damaged_object_is_named(home: Home, gcs: GoogleCloudStorage, tmp_path: Path) -> None:
    (one,) = home.store.add(made(tmp_path, a=b"one"))
    gcs.buckets["bucket"].put(f"talks/files/{one.digest[:2]}/{one.digest}", b"eno")
    with pytest.raises(CorruptFile, match="was damaged"):
        home.store.fetch([one], tmp_path / "out")


def test_a_sweep_goes_through_all_pages(
    home: Home, gcs: GoogleCloudStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gcs, "page_size", 2)
    home.store.add(made(tmp_path, **{name: name.encode() for name in "abcde"}))
    assert home.store.sweep(set(), older_than_seconds=-1) == (5, 5)


# Texts


def test_edits_of_a_text_from_several_places_are_all_kept(home: Home) -> None:
    home.store.write_text("channels.yaml", "")

    def edit(line: str) -> None:
        home.store.edit_text("channels.yaml", lambda text: f"{text}{line}\n")

    threads = [threading.Thread(target=edit, args=(line,)) for line in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((home.store.read_text("channels.yaml") or "").split()) == list("abc")


@pytest.mark.parametrize("folder", [True, False])
def test_an_edit_that_lost_a_race_sees_the_winner(home: Home, tmp_path: Path, folder: bool) -> None:
    store = Store(str(tmp_path / "root")) if folder else home.store
    store.write_text("channels.yaml", "old")
    winners = iter(["winner", "second winner"])

    def change(text: str) -> str:
        if winner := next(winners, None):
            store.write_text("channels.yaml", winner)
        return f"{text}, and us"

    store.edit_text("channels.yaml", change)
    assert store.read_text("channels.yaml") == "second winner, and us"


def test_an_edit_whose_answer_got_lost_is_made_once(home: Home, gcs: GoogleCloudStorage) -> None:
    gcs.fail("POST /upload.*ifGenerationMatch=0", "lost")
    home.store.edit_text("channels.yaml", lambda text: f"{text}+")
    assert home.store.read_text("channels.yaml") == "+"
    assert gcs.num_faults_left == 0


# Faults

PASSING: list[tuple[str, Fault]] = [
    ("GET .*parquet", 503),
    ("GET .*parquet", "cut"),
    ("GET .*_delta_log", 429),
    ("PUT .*parquet", 503),
    ("PUT .*parquet", "lost"),
    ("PUT .*_delta_log", 429),
    ("PUT .*_delta_log", "lost"),
    ("POST /upload", 503),
    ("POST /upload", "lost"),
    ("GET /download", 429),
    ("GET /download", "cut"),
]


@pytest.mark.parametrize(("requests", "fault"), PASSING)
def test_a_passing_fault_is_not_noticed(
    home: Home, gcs: GoogleCloudStorage, tmp_path: Path, requests: str, fault: Fault
) -> None:
    home.table("videos").put(CHANNEL, videos("a one", "b one"))
    gcs.fail(requests, fault)
    home.table("videos").put(CHANNEL, videos("b two"))
    made_now = home.publish(CHANNEL, "tokenizer", made(tmp_path, a=b"one"), made_from="1", facts={})
    home.store.fetch(made_now.files, tmp_path / "out")
    assert gcs.num_faults_left == 0
    assert titles(home) == ["a one", "b two"]
    assert (tmp_path / "out" / "a").read_bytes() == b"one"
    assert [row.version for row in home.artifacts(CHANNEL, "tokenizer")] == [1]


@pytest.mark.parametrize("fault", [503, 403])
@pytest.mark.parametrize("requests", ["GET .*parquet", "GET .*_delta_log", "PUT .*"])
def test_a_lasting_fault_of_a_table_is_told_and_publishes_nothing(
    home: Home, open_home: Callable[[], Home], gcs: GoogleCloudStorage, requests: str, fault: Fault
) -> None:
    home.table("videos").put(CHANNEL, videos("a one"))
    gcs.fail(requests, *[fault] * 500)
    with pytest.raises(
        StorageError, match="table 'videos' at gs://bucket/talks.* failed: "
    ) as told:
        home.table("videos").put(CHANNEL, videos("a two"))
    assert "\x1b" not in str(told.value)
    assert "\n" not in str(told.value)
    gcs.heal()
    assert titles(open_home()) == titles(home)
    home.table("videos").put(CHANNEL, videos("a three"))
    assert titles(open_home()) == ["a three"]


@pytest.mark.parametrize("fault", [429, 403, 400])
def test_a_lasting_fault_of_a_file_is_told_and_publishes_nothing(
    home: Home, gcs: GoogleCloudStorage, tmp_path: Path, fault: Fault
) -> None:
    (stored,) = home.store.add(made(tmp_path, a=b"one"))
    home.store.write_text("channels.yaml", "old")
    before = gcs.names()
    gcs.fail("POST|GET", *[fault] * 500)
    tries: list[Callable[[], object]] = [
        lambda: home.store.add(made(tmp_path, b=b"two")),
        lambda: home.store.fetch([stored], tmp_path / "out"),
        lambda: home.store.write_text("channels.yaml", "new"),
        lambda: home.store.read_text("channels.yaml"),
        lambda: home.store.sweep(set(), 0),
    ]
    for attempt in tries:
        with pytest.raises(StorageError, match="failed: .+"):
            attempt()
    gcs.heal()
    assert gcs.names() == before
    assert home.store.read_text("channels.yaml") == "old"
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_of_which_a_part_was_refused_is_not_stored(
    home: Home, gcs: GoogleCloudStorage, tmp_path: Path
) -> None:
    gcs.fail("POST /upload.*upload_id", *[503] * 500)
    with pytest.raises(StorageError, match="Nothing was published"):
        home.store.add(made(tmp_path, a=bytes(6 << 20)))
    assert gcs.names("talks/files/") == []


def test_a_bucket_that_is_not_there_is_named(gcs: GoogleCloudStorage) -> None:
    with pytest.raises(StorageError, match="gs://nowhere|nowhere/talks"):
        Home(
            "gs://nowhere/talks",
            storage_options=gcs.storage_options,
            file_options=gcs.file_options,
        )


# The house


@pytest.mark.slow
def test_a_channel_in_a_bucket_has_the_data_versions_that_it_has_in_a_folder(
    archive: Archive, gcs: GoogleCloudStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dagster as dg

    from impressions_assets.jobs import DATA_ASSETS
    from impressions_assets_tests.houses import House

    key_file = tmp_path / "key.json"
    key_file.write_text(gcs.service_account)
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(key_file))
    monkeypatch.setitem(fsspec.config.conf, "gs", gcs.file_options)

    def facts(storage: str) -> tuple[dict[str, str], dict[str, str]]:
        monkeypatch.setenv("IMPRESSIONS_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("IMPRESSIONS_STORAGE", storage)
        with dg.DagsterInstance.ephemeral() as instance:
            house = House(tmp_path / "home", instance)
            house.declare(CHANNEL, archive.folder)
            assert house.data(CHANNEL).ok
            requests = len(gcs.requests)
            again = house.data(CHANNEL)
            assert {r.split(" ")[0] for r in gcs.requests[requests:]} <= {"GET"}, "nothing was new"
            assert again.ok
            assert set(again.computed().values()) == {0}
            versions = {name: house.data_version(name, CHANNEL) for name in DATA_ASSETS}
            digests = {row.kind: row.digest for row in house.home.table("artifacts").rows(CHANNEL)}
            assert set(house.decoded(CHANNEL)) == {"talk-a", "talk-b", "talk-c"}
            return versions, digests

    assert facts(ROOT) == facts(str(tmp_path / "folder"))
    assert gcs.names("talks/files/")
