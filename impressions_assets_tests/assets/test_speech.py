"""Speech that captions lack is recognized in the same run; what fails hurts nothing else.

The recognizer is a stand-in (recognizers.py). The real one is heard in speech/test_recognizer.py.
"""

import sys
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from impressions_assets.assets.transcripts import _rows
from impressions_assets.channels.channel import Channel
from impressions_assets.cli.main import app
from impressions_assets.errors import Blocked, StorageError
from impressions_assets.resources.recognizer import Recognizer, batches_of, hearing_of
from impressions_assets.rows import Failed, Transcript, Video
from impressions_assets.sensors import first_due_retry
from impressions_assets.sources.sounds import Sounds
from impressions_assets.speech.choice import WANTED
from impressions_assets.speech.heard import Heard
from impressions_assets.speech.recognizer.job import Hearing
from impressions_assets.storage.attempts import keep_pause
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.houses import House
from impressions_assets_tests.recognizers import (
    check_twelve,
    done,
    lift,
    needs_ffmpeg,
    rows,
    silent,
    twelve,
)
from impressions_assets_tests.sources.tube import Tube, captures, clip


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


def run(house: House, channel: str):
    """Bring transcripts up to date; returns the run's check on speech."""
    return house.data(channel, "videos", "transcripts").check("transcripts", "speech_is_recognized")


@needs_ffmpeg
def test_speech_is_recognized_where_captions_will_not_do(house: House, archive, counted):
    archive.add("written")
    silent(archive, "aaa")
    speech = {"use": "captions_first", "names": ["Ada"]}
    channel = house.declare("talks", archive.folder, speech=speech)
    assert run(house, channel).passed
    found = rows(house, channel)
    origins = {name: row.origin for name, row in found.items()}
    assert origins == {"written": "manual", "aaa": "whisperx"}
    (said,) = found["aaa"].segments
    assert (said.text, said.speaker) == ("This is aaa speaking.", "Ada")
    assert found["aaa"].notes == ("recognized: no captions (none)", "a note")
    assert done(counted) == ["aaa"]
    assert house.data(channel, "videos", "transcripts").computed()["transcripts"] == 0
    assert done(counted) == ["aaa"]


@needs_ffmpeg
@pytest.mark.slow
def test_a_killed_recognizer_and_broken_files_stop_nobody_else(house: House, archive, counted):
    silent(archive, "aaa", "bbb", "ccc", "ddd", "eee")
    (archive.folder / "ddd.wav").write_bytes(b"no sound")
    (counted / "kill-bbb").write_text("always")
    (counted / "deaf-eee").touch()
    channel = house.declare("talks", archive.folder, speech={"use": "whisperx"})
    told = run(house, channel).metadata
    assert done(counted) == ["aaa"]
    assert "ffmpeg cannot read ddd.wav" in told["ddd"].value
    assert "its output is in this step's stderr" in told["bbb"].value
    told = run(house, channel).metadata
    assert done(counted) == ["aaa", "ccc"]  # bbb waits for its next try
    assert told["eee"].value == "eee: nothing can be heard"
    assert told["waiting"].value == 3
    origins = {name: row.origin for name, row in rows(house, channel).items()}
    assert origins == {
        "aaa": "whisperx", "bbb": "none", "ccc": "whisperx", "ddd": "none", "eee": "none",
    }  # fmt: skip


def test_without_whisperx_captions_go_on_and_the_check_says_what_to_do(
    house: House, archive, monkeypatch
):
    monkeypatch.delenv("ASR_PYTHON", raising=False)
    archive.add("written").add("aaa")
    archive.captions("aaa").unlink()
    channel = house.declare("talks", archive.folder, speech={"use": "captions_first"})
    check = run(house, channel)
    assert not check.passed
    assert "`make asr`" in check.metadata["why"].value
    assert rows(house, channel)["written"].origin == "manual"
    note = "speech recognition is to come: no captions (none)"
    assert rows(house, channel)["aaa"].notes == (note,)
    told = CliRunner().invoke(app, ["status", channel]).output
    assert "speech: 1 to be recognized" in told
    told = CliRunner().invoke(app, ["materialize", channel, "--plan"]).output
    assert "recognizes the speech of 1 video (" in told
    settings = house.home.store.read_text("channels.yaml").replace("captions_first", "captions")
    house.home.store.write_text("channels.yaml", settings)
    for command in (["status", channel], ["materialize", channel, "--plan"]):
        assert "recognize" not in CliRunner().invoke(app, command).output


def test_a_video_that_is_private_waits_for_no_recognizer_unless_it_was_heard(
    house: House, tmp_path
):
    url = "https://www.youtube.com/@talks"
    channel = Channel.model_validate(
        {"name": "talks", "sources": [{"youtube": url}], "speech": {"use": "whisperx"}}
    )
    heard, earlier = hearing_of(channel.speech), Hearing(model="another")
    Heard(house.home, heard).keep({"heard": b'{"language":"en"}'})
    Heard(house.home, earlier).keep({"earlier": b'{"language":"en"}'})
    (tmp_path / "sound").write_bytes(b"a sound")
    Sounds(house.home).keep("sound", tmp_path / "sound")
    private = ("heard", "earlier", "sound", "not")
    videos = [clip("open"), *(clip(name, status="private") for name in private)]
    inputs = ((video,) for video in videos)
    found = list(_rows(house.home, channel, captures(house.home, Tube()), inputs))
    assert [type(row) for row in found] == [*[Transcript] * 4, Failed]
    assert all(found[n].notes[0].startswith(WANTED) for n in (0, 2, 3))
    assert (found[1].reason, found[4].retry) == ("silence", False)
    assert found[4].error == "video not: it is private, and no sound of it was kept"


@needs_ffmpeg
def test_a_model_that_is_none_is_charged_to_no_video(house: House, archive, counted):
    silent(archive, "aaa")
    (counted / "no-model").touch()
    channel = house.declare("talks", archive.folder, speech={"use": "captions_first"})
    assert run(house, channel).metadata["why"].value == "there is no such model"
    (counted / "no-model").unlink()
    assert run(house, channel).passed
    assert done(counted) == ["aaa"]


@needs_ffmpeg
def test_who_dies_while_its_model_is_loaded_is_charged_to_no_video(house: House, archive, counted):
    """As with a cuDNN that is not the one of CTranslate2: every batch's first video had failed."""
    silent(archive, "aaa", "bbb", duration=4000)
    (counted / "dies").touch()
    channel = house.declare("talks", archive.folder, speech={"use": "whisperx"})
    told = run(house, channel).metadata
    assert "its output is in this step's stderr" in told["why"].value
    assert told.keys() == {"why", "waiting"}
    (counted / "dies").unlink()
    assert run(house, channel).passed
    assert sorted(done(counted)) == ["aaa", "bbb"]


@needs_ffmpeg
@pytest.mark.slow
def test_a_python_without_whisperx_is_told_with_what_to_do(house: House, archive, monkeypatch):
    monkeypatch.setenv("ASR_PYTHON", sys.executable)
    silent(archive, "aaa")
    channel = house.declare("talks", archive.folder, speech={"use": "whisperx"})
    told = run(house, channel).metadata
    assert f"{sys.executable} cannot import whisperx" in told["why"].value
    assert "`make asr`" in told["why"].value


@needs_ffmpeg
def test_what_befell_one_batch_alone_does_not_stop_the_others(
    house: House, archive, counted, monkeypatch
):
    silent(archive, "aaa", "bbb", duration=8000)  # more than an hour: a batch each
    recognize, batches = Recognizer.recognize, []

    def unsteady(self, videos, *rest):
        batches.append([video.video_id for video in videos])
        if len(batches) == 1:
            raise StorageError("no answer")
        recognize(self, videos, *rest)

    monkeypatch.setattr(Recognizer, "recognize", unsteady)
    channel = house.declare("talks", archive.folder, speech={"use": "whisperx"})
    assert "no answer" in run(house, channel).metadata["why"].value
    assert len(batches) == 2
    assert done(counted) == batches[1]


@needs_ffmpeg
def test_what_was_given_up_is_not_planned_where_whisperx_is_not_at_hand(
    house: House, archive, counted, monkeypatch
):
    """On Kubernetes the steps that plan have no whisperx, and each run started a GPU in vain."""
    silent(archive, "aaa")
    (archive.folder / "aaa.wav").write_bytes(b"no sound")
    channel = house.declare("talks", archive.folder, speech={"use": "whisperx"})
    assert "why" not in run(house, channel).metadata
    told = CliRunner().invoke(app, ["status", channel]).output
    assert "speech: 1 given up" in told
    assert "to be recognized" not in told
    monkeypatch.delenv("ASR_PYTHON")
    assert "why" not in run(house, channel).metadata


def test_a_pause_ends_when_nothing_is_left_to_recognize(house: House, archive, counted):
    archive.add("aaa")
    channel = house.declare("talks", archive.folder, speech={"use": "captions_first"})
    pause = Blocked("blocked", datetime(2030, 1, 1, tzinfo=UTC), "YouTube")
    keep_pause(house.home, channel, "speech", pause)
    assert run(house, channel).passed
    assert first_due_retry(house.home, channel) is None


def test_a_channel_that_takes_captions_starts_nothing(house: House, archive, counted):
    archive.add("aaa")
    archive.captions("aaa").unlink()
    channel = house.declare("talks", archive.folder)
    assert run(house, channel).passed
    assert done(counted) == []


def test_batches_hold_two_hours_the_longest_first():
    lengths = {"a": 600.0, "b": 7000.0, "c": None, "d": 40_000.0}
    videos = [Video(video_id=v, source="s", duration_seconds=s) for v, s in lengths.items()]
    batches = [[video.video_id for video in batch] for batch in batches_of(videos)]
    assert batches == [["d"], ["b"], ["a", "c"]]
    assert batches_of([]) == []


def test_several_workers_share_what_one_would_do_in_one_batch():
    videos = [Video(video_id=f"v{n}", source="s", duration_seconds=600.0) for n in range(8)]
    assert len(batches_of(videos)) == 1
    assert [len(batch) for batch in batches_of(videos, workers=2)] == [2, 2, 2, 2]
    assert [len(batch) for batch in batches_of(videos[:2], workers=2)] == [1, 1]
    short = [Video(video_id=f"v{n}", source="s", duration_seconds=60.0) for n in range(8)]
    assert len(batches_of(short, workers=2)) == 1  # a model loads for longer than that


@needs_ffmpeg
@pytest.mark.slow
def test_of_twelve_videos_a_killed_batch_and_a_corrupt_one_hurt_no_other(
    house: House, archive, counted
):
    whole = twelve(archive, counted)
    channel = house.declare("talks", archive.folder, speech={"use": "whisperx"})
    wanted = ("videos", "transcripts", "chapters", "documents")
    first = house.data(channel, *wanted)
    assert first.ok, first.failure()
    assert sorted(done(counted)) == [n for n in whole if n not in ("v06", "v07", "v08")]
    lift(house, channel)
    assert house.data(channel, *wanted).ok
    check_twelve(house, channel, counted, whole)
