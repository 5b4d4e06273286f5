"""Sound is fetched, heard and dropped, or kept where the channel wants that."""

import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from impressions_assets.channels.stages import SpeechSettings
from impressions_assets.errors import Blocked, StorageError
from impressions_assets.resources import recognizer as recognizing
from impressions_assets.resources.recognizer import Kept, Recognizer, batches_of
from impressions_assets.resources.whisperx_environment import environment_of
from impressions_assets.rows import Video
from impressions_assets.sensors import first_due_retry
from impressions_assets.sources.source import Log
from impressions_assets.speech.heard import Heard
from impressions_assets.speech.recognizer.job import Clip, Job
from impressions_assets.storage.attempts import attempts
from impressions_assets.storage.forgetting import bury, remove_rows
from impressions_assets.storage.home import Home
from impressions_assets.storage.standing import standing_of
from impressions_assets.storage.tables import Entry

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")

VIDEO = Video(video_id="v", source="youtube")


class Fetches:
    """A source that fetches sound, and counts how often."""

    kind, access = "youtube", ""

    def __init__(self) -> None:
        self.times = 0

    def sound(self, video: Video, folder: Path, log: Log) -> Path:
        self.times += 1
        log(f"{video.video_id}: all of it")
        file = folder / "sound.wav"
        tone = ["-f", "lavfi", "-i", "sine=440:sample_rate=44100:duration=1"]
        subprocess.run(["ffmpeg", "-v", "error", *tone, str(file)], check=True)
        return file


def hear(home: Home, folder: Path, source: Fetches, **settings: object) -> list[str]:
    """Recognize the video; returns what lay in its folder while it was heard."""
    seen, before = [], source.times

    def run(job_file: Path) -> None:
        (clip,) = Job.load(job_file).clips
        seen.extend(sorted(path.name for path in Path(clip.file).parent.iterdir()))
        Path(clip.out).write_text(json.dumps({"language": "en", "segments": []}))

    speech = SpeechSettings.model_validate({"use": "whisperx", **settings})
    folder.mkdir()
    lines: list[str] = []
    recognizer = Recognizer(home, "talks", speech, [source], "")  # type: ignore[list-item]
    recognizer.recognize([VIDEO], folder, run, lines.append)
    told = ["v: all of it"] if source.times > before else []
    assert lines == [*told, "v: 0.0 minutes of sound"]
    return seen


def num_files(home: Home) -> int:
    return len(home.store.listing("files"))


def test_sound_is_dropped_once_it_was_heard(home: Home, tmp_path: Path) -> None:
    source = Fetches()
    for way in ("medium", "large-v3"):
        assert hear(home, tmp_path / way, source, model=way) == ["heard.wav"]
    assert (source.times, num_files(home)) == (2, 0)


def test_sound_that_is_kept_is_fetched_once_and_goes_with_its_video(
    home: Home, tmp_path: Path
) -> None:
    source = Fetches()
    for way in ("medium", "large-v3"):
        seen = hear(home, tmp_path / way, source, model=way, keep_audio=True)
        assert seen == ["heard.wav"]
    assert (source.times, num_files(home)) == (1, 1)
    home.gc(older_than_hours=0)
    assert num_files(home) == 1
    bury(home, "v")
    remove_rows(home, "v")
    assert num_files(home) == 0


def test_kept_sound_that_was_lost_is_fetched_anew(home: Home, tmp_path: Path) -> None:
    source = Fetches()
    hear(home, tmp_path / "a", source, keep_audio=True)
    home.store.sweep(set(), -1)
    hear(home, tmp_path / "b", source, keep_audio=True)
    assert (source.times, num_files(home)) == (2, 1)


class Fills:
    """An archive's sound, until the disk is full at one of its videos."""

    kind, access = "youtube", ""

    def __init__(self, full_at: str) -> None:
        self.full_at = full_at

    def sound(self, video: Video, folder: Path, log: Log) -> Path:
        if video.video_id == self.full_at:
            (folder / "sound.wav.part").write_bytes(b"half of it")
            raise StorageError(f"{video.video_id}: the disk is full")
        return Fetches().sound(video, folder, log)


@pytest.mark.parametrize(("full_at", "heard"), [("v2", ["v0", "v1"]), ("v0", [])])
def test_what_had_room_before_a_disk_filled_is_recognized(
    home: Home, tmp_path: Path, full_at: str, heard: list[str]
) -> None:
    """A batch of which the disk holds a part was fetched in each run, and never heard."""
    videos = [Video(video_id=f"v{n}", source="youtube") for n in range(4)]
    speech = SpeechSettings(use="whisperx")
    recognizer = Recognizer(home, "talks", speech, [Fills(full_at)], "")  # type: ignore[list-item]

    def run(job_file: Path) -> None:
        assert not list(tmp_path.rglob("*.part"))
        for clip in Job.load(job_file).clips:
            Path(clip.out).write_text("{}")

    with pytest.raises(StorageError, match=f"^{full_at}: the disk is full"):
        recognizer.recognize(videos, tmp_path, run, print)
    assert [v.video_id for v in videos if recognizer.heard.body(v.video_id)] == heard
    assert attempts(home, "talks", "speech") == {}


class Unsteady:
    """What keeps, and cannot the first times."""

    def __init__(self, times: int = 1) -> None:
        self.times = times
        self.tries: list[list[str]] = []

    def keep(self, bodies: Mapping[str, bytes]) -> None:
        self.tries.append(sorted(bodies))
        if len(self.tries) <= self.times:
            raise StorageError("no answer")


def test_storage_that_is_away_for_a_while_costs_nothing_of_what_is_recognized(
    tmp_path: Path,
) -> None:
    """It was kept no more from then on, and at the end not even once."""
    heard, lines = Unsteady(), list[str]()
    first, second = (Clip(name, "", str(tmp_path / name)) for name in ("a", "b"))
    kept = Kept(heard, [first, second], lines.append)  # type: ignore[arg-type]
    with kept.as_it_comes():
        Path(first.out).touch()
        while not heard.tries:
            time.sleep(0.05)
        Path(second.out).touch()
    assert kept.last() is None
    assert heard.tries[0] == ["a"]
    assert sorted(name for names in heard.tries[1:] for name in names) == ["a", "b"]
    assert kept.video_ids == {"a", "b"}
    assert lines == ["what was recognized is yet to be kept: no answer"]


@pytest.mark.parametrize(("times", "are_kept"), [(3, True), (9, False)])
def test_storage_that_is_away_when_all_is_over_is_asked_for_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, are_kept: bool
) -> None:
    monkeypatch.setattr(recognizing, "_WAITS", (0.0,) * 5)
    (tmp_path / "a").touch()
    kept = Kept(Unsteady(times), [Clip("a", "", str(tmp_path / "a"))], print)  # type: ignore[arg-type]
    trouble = kept.last()
    assert (kept.video_ids, trouble is None) == ({"a"} if are_kept else set(), are_kept)


def test_what_is_kept_is_not_kept_again(tmp_path: Path) -> None:
    heard = Unsteady(0)
    (tmp_path / "a").touch()
    kept = Kept(heard, [Clip("a", "", str(tmp_path / "a"))], print)  # type: ignore[arg-type]
    assert (kept.last(), kept.last(), heard.tries) == (None, None, [["a"]])


class Elsewhere(Fetches):
    """A source of another kind, which knows nothing of the video."""

    kind = "archive"


def test_what_cannot_be_kept_is_told_and_due_again_and_else_it_is_done(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognizing, "_WAITS", ())
    home.table("videos").put("talks", [Entry(VIDEO)])
    sources = [Elsewhere(), Fetches()]
    speech = SpeechSettings(use="whisperx")
    recognizer = Recognizer(home, "talks", speech, sources, "")  # type: ignore[arg-type]

    def run(job_file: Path) -> None:
        (clip,) = Job.load(job_file).clips
        Path(clip.out).write_text("{}")

    def recognize(folder: str) -> None:
        (tmp_path / folder).mkdir()
        recognizer.recognize([VIDEO], tmp_path / folder, run, print)

    with monkeypatch.context() as away:
        unsteady = Unsteady(9)
        away.setattr(Heard, "keep", lambda _, bodies: unsteady.keep(bodies))
        with pytest.raises(StorageError, match="no answer"):
            recognize("first")
    assert recognizer.due("v") == [VIDEO]
    recognize("second")
    assert recognizer.due("v") == []
    assert [source.times for source in sources] == [0, 2]


class Blocks(Fetches):
    """A source that gives the first sound, and then wants to be left alone."""

    def sound(self, video: Video, folder: Path, log: Log) -> Path:
        if self.times:
            raise Blocked("blocked", datetime(2030, 1, 1, tzinfo=UTC), "YouTube")
        return super().sound(video, folder, log)


def test_a_channel_whose_sound_is_refused_is_started_again_when_it_may_ask(
    home: Home, tmp_path: Path
) -> None:
    videos = [Video(video_id=name, source="youtube") for name in "abc"]
    home.table("videos").put("talks", [Entry(video) for video in videos])
    speech = SpeechSettings(use="whisperx")

    def run(job_file: Path) -> None:
        for clip in Job.load(job_file).clips:
            Path(clip.out).write_text(json.dumps({"language": "en", "segments": []}))

    def recognize(source: Fetches, folder: str) -> None:
        (tmp_path / folder).mkdir()
        recognizer = Recognizer(home, "talks", speech, [source], "")  # type: ignore[list-item]
        recognizer.recognize(recognizer.due("abc"), tmp_path / folder, run, print)

    recognize(Blocks(), "first")
    assert first_due_retry(home, "talks") == "2030-01-01T00:00:00+00:00"
    assert attempts(home, "talks", "speech") == {}  # nothing is known of those not asked for
    assert [attempt.stage for attempt in standing_of(home, "talks").pauses] == ["speech"]
    recognize(Fetches(), "second")
    assert first_due_retry(home, "talks") is None


class Broken(Fetches):
    """Fetches what nobody can hear."""

    def sound(self, video: Video, folder: Path, log: Log) -> Path:
        file = folder / "sound.wav"
        file.write_bytes(b"no sound")
        return file


def test_a_video_that_cannot_be_heard_waits_until_something_of_it_is_another(
    home: Home, tmp_path: Path
) -> None:
    home.table("videos").put("talks", [Entry(VIDEO)])
    speech = SpeechSettings(use="whisperx")

    def recognizer(access: str, **settings: object) -> Recognizer:
        set_so = speech.model_copy(update=settings)
        return Recognizer(home, "talks", set_so, [Broken()], access)  # type: ignore[list-item]

    recognizer("one way").recognize([VIDEO], tmp_path, lambda job_file: None, print)
    others = recognizer("another"), recognizer("one way", model="b")
    due = [bool(tried.due(["v"])) for tried in (recognizer("one way"), *others)]
    assert due == [False, True, True]
    home.table("videos").put("talks", [Entry(replace(VIDEO, status="blocked"))])
    assert recognizer("one way").due(["v"])


def test_a_token_is_given_where_there_is_one(tmp_path: Path) -> None:
    alone = {"PYTHONPATH": str(tmp_path)}
    assert environment_of("", tmp_path) == alone
    assert environment_of("mine", tmp_path) == {**alone, "HF_TOKEN": "mine"}


def test_a_batch_of_short_videos_is_not_without_end() -> None:
    videos = [Video(video_id=f"v{n}", source="s", duration_seconds=1.0) for n in range(60)]
    assert [len(batch) for batch in batches_of(videos)] == [50, 10]
