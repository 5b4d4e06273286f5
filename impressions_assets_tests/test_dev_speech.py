"""Speech under `impressions dev`, as people run it: from a page to words with speakers.

The page is the stand-in's, the sound is espeak's, and whisperx hears it in an environment of its
own, with models made on the spot.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from impressions_assets.channels.channels_yaml import CHANNELS_FILE
from impressions_assets.channels.file import add_channel
from impressions_assets.channels.source_argument import source_of
from impressions_assets.storage.home import Home
from impressions_assets_tests.servers.dagster_dev import DagsterDev
from impressions_assets_tests.servers.youtube import YouTube
from impressions_assets_tests.speech.tiny_models import DIALOGUES, SENTENCES
from impressions_assets_tests.speech.whisperx_here import (
    ASR_PYTHON,
    models,
    needs_whisperx,
    offline,
    spoken,
)

pytestmark = [pytest.mark.slow, needs_whisperx]

NAMES = ("Ada", "Ben")
LONGEST_RUN_SECONDS = 600.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spoken(tmp_path_factory)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[DagsterDev]:
    environ = {**offline(folder), "ASR_PYTHON": str(ASR_PYTHON)}
    with YouTube().running() as youtube:
        owner = youtube.world.open_channel("talks")
        for pair in DIALOGUES:
            title, sound = said_in(pair), sound_of(folder, pair)
            youtube.world.upload(owner, title, tracks=(), duration_seconds=5, sound=sound)
        home = tmp_path_factory.mktemp("dev")
        with DagsterDev(home, IMPRESSIONS_YOUTUBE_URL=youtube.url, **environ) as dev:
            dev.add_partition("talks")  # what has one is started by nobody but us
            declare(home, source_of(f"https://www.youtube.com/@{owner.handle}"), folder)
            yield dev


def sound_of(folder: Path, pair: tuple[int, int]) -> bytes:
    """A dialogue as a file of MPEG-4, without a loss."""
    name = f"dialogue-{pair[0]}{pair[1]}"
    file = folder / f"{name}.m4a"
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(folder / f"{name}.wav"), "-c:a", "alac"]
    subprocess.run([*command, str(file)], check=True)
    return file.read_bytes()


def said_in(pair: tuple[int, int]) -> str:
    return " ".join(SENTENCES[number][1] for number in pair)


def declare(home: Path, source: object, folder: Path) -> None:
    speech = {"use": "whisperx", "device": "cpu", "threads": 1, "beam_size": 1, **models(folder)}
    speech |= {"min_speakers": 2, "max_speakers": 2, "names": list(NAMES)}
    text = add_channel("youtube: {requests_per_second: 0}\n", "talks", [source], speech=speech)
    Home(str(home / "storage")).store.write_text(CHANNELS_FILE, text)


def test_two_clips_become_words_with_speakers_in_one_materialization(dev: DagsterDev) -> None:
    run = dev.launch_data("talks", "videos", "transcripts")
    assert dev.ended(run, LONGEST_RUN_SECONDS) == "SUCCESS", dev.messages(run)

    *_, first = dev.runs(dagster__partition="talks")  # those that follow make chapters and so on
    assert first["runId"] == run
    home = Home(str(dev.home / "storage"))
    titles = dict(home.table("videos").columns("talks", "video_id", "title"))
    found = {titles[row.video_id]: row for row in home.table("transcripts").rows("talks")}
    assert found.keys() == {said_in(pair) for pair in DIALOGUES}
    for text, row in found.items():
        assert row.origin == "whisperx", row.notes
        words = [word.text for said in row.segments for word in said.words]
        assert words == text.split()
        assert {said.speaker for said in row.segments} == set(NAMES)
