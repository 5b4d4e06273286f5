"""Sound is fetched, heard and dropped, or kept where the channel wants that."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from impressions_assets.channels.stages import SpeechSettings
from impressions_assets.resources.recognizer import Recognizer
from impressions_assets.rows import Video
from impressions_assets.speech.recognizer.job import Job
from impressions_assets.storage.forgetting import bury, remove_rows
from impressions_assets.storage.home import Home

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")

VIDEO = Video(video_id="v", source="youtube")


class Fetches:
    """A source that fetches sound, and counts how often."""

    kind, access = "youtube", ""

    def __init__(self) -> None:
        self.times = 0

    def sound(self, video: Video, folder: Path) -> Path:
        self.times += 1
        file = folder / "sound.wav"
        tone = ["-f", "lavfi", "-i", "sine=440:sample_rate=44100:duration=1"]
        subprocess.run(["ffmpeg", "-v", "error", *tone, str(file)], check=True)
        return file


def hear(home: Home, folder: Path, source: Fetches, **settings: object) -> list[str]:
    """Recognize the video; returns what lay in its folder while it was heard."""
    seen = []

    def run(job_file: Path) -> None:
        (clip,) = Job.load(job_file).clips
        seen.extend(sorted(path.name for path in Path(clip.file).parent.iterdir()))
        Path(clip.out).write_text(json.dumps({"language": "en", "segments": []}))

    speech = SpeechSettings.model_validate({"use": "whisperx", **settings})
    folder.mkdir()
    Recognizer(home, "talks", speech, [source], "").recognize([VIDEO], folder, run, print)  # type: ignore[list-item]
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
