"""`status` and `gc`."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from impressions_assets.assets.training import prepare
from impressions_assets.channels.channels_yaml import read_channels
from impressions_assets.storage.home import Home
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.cli.conftest import Impressions


def test_status_shows_rows_files_and_runs(in_talks: Impressions) -> None:
    said = in_talks("status")
    assert said.exit_code == 0, said.stderr
    lines = [line.split() for line in said.stdout.splitlines()]
    assert ["documents", "3"] in lines
    assert ["checkpoint", "not", "made", "yet"] in lines
    assert any(line[1:3] == ["talks:data", "success"] for line in lines if len(line) > 3)
    assert "runs start in the terminal" in said.stdout


@pytest.mark.slow
def test_status_shows_what_failed(impressions: Impressions, archive: Archive) -> None:
    archive.info("talk-b").write_text("{")
    impressions("add", str(archive.folder), "--name", "mine")
    impressions("materialize", "mine", "--select", "videos")
    shown = impressions("status", "mine").stdout
    assert re.search(r"^videos +2 +1 +until their input changes", shown, re.MULTILINE)


@pytest.mark.slow
def test_status_calls_a_talk_without_captions_that(
    impressions: Impressions, archive: Archive
) -> None:
    archive.captions("talk-b").unlink()
    impressions("add", str(archive.folder), "--name", "mine")
    impressions("materialize", "mine", "--select", "videos,transcripts")
    assert "without words: 1 no captions\n" in impressions("status", "mine").stdout


def test_status_shows_the_settings_that_count(in_talks: Impressions, talks: Path) -> None:
    said = in_talks("status", "talks", "--config").stdout
    settings = json.loads(said[said.index("\n{") :])
    assert settings["home"] == str(talks)
    channel = settings["channels"]["talks"]
    assert channel["languages"] == ["en"]
    assert channel["model"]["preset"] == "baby"
    assert channel["model"]["n_layer"] == 4
    assert channel["training"]["max_iters"] == 5000


def test_status_shows_how_youtube_is_reached_and_no_secret(
    in_talks: Impressions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVELOPER_KEY", "AIza-key")
    monkeypatch.setenv("IMPRESSIONS_YOUTUBE_PROXY", "http://somebody:hunter2@proxy.example:8080")
    said = in_talks("status", "talks", "--config")
    settings = json.loads(said.stdout[said.stdout.index("\n{") :])
    assert settings["youtube"]["daily_quota_units"] == 9000
    assert settings["youtube"]["api_key"] == "set"
    assert settings["youtube"]["proxy"] == "http://proxy.example:8080"
    told = said.stdout + said.stderr
    assert [secret for secret in ("AIza", "hunter2", "somebody") if secret in told] == []


def test_status_tells_a_wrong_variable_of_youtube_only_when_it_shows_it(
    in_talks: Impressions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPRESSIONS_YOUTUBE_PROXY", "somebody:hunter2@proxy.example")
    assert in_talks("status", "talks").exit_code == 0
    said = in_talks("status", "talks", "--config")
    assert said.exit_code == 1
    assert "IMPRESSIONS_YOUTUBE_PROXY" in said.stderr
    assert "hunter2" not in said.stderr


def test_status_of_an_empty_home_says_how_to_begin(impressions: Impressions) -> None:
    said = impressions("status")
    assert said.exit_code == 0
    assert "no channels yet" in said.stderr


def test_gc_deletes_what_nothing_names(in_talks: Impressions, talks: Path) -> None:
    stray = talks / "storage/files/ab" / ("ab" * 32)
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_text("left by a crash")
    os.utime(stray, (0, 0))
    said = in_talks("gc")
    assert said.exit_code == 0, said.stderr
    assert said.stderr.startswith("1 files (15 bytes)")
    assert not stray.exists()
    kept = in_talks("export", "talks", "--format", "nanogpt", "--to", str(talks / "exported"))
    assert kept.exit_code == 0, kept.stderr


NO_PROCESS = 2**22 + 1
DIGESTS = {"another.bin": "0" * 64}


def laid_out(scratch: Path, talks: Path, seed: int, **changes: Any) -> tuple[Path, Path]:
    """A training that was started and left, a year ago: its folder, and that of its curves."""
    home = Home(str(talks / "storage"))
    prepared = prepare(home, read_channels(home).channels["talks"], scratch, {"seed": seed})
    run = prepared.run.model_copy(update={"parent_pid": NO_PROCESS, **changes})
    run.save(prepared.run_file)
    curves = prepared.run.board_dir
    assert curves is not None
    curves.mkdir(parents=True)
    for folder in (prepared.folder, curves):
        os.utime(folder, (0, 0))
    return prepared.folder, curves


def test_gc_leaves_trainings_that_run_or_can_go_on_and_curves_of_versions(
    in_talks: Impressions, talks: Path
) -> None:
    scratch = talks / "scratch"
    stopped = laid_out(scratch, talks, 1)
    running = laid_out(scratch, talks, 2, shards_digests=DIGESTS, parent_pid=os.getpid())
    superseded = laid_out(scratch, talks, 3, shards_digests=DIGESTS)
    just_now = laid_out(scratch, talks, 4, shards_digests=DIGESTS)
    for folder in just_now:
        os.utime(folder)
    ended = laid_out(scratch, talks, 5, shards_digests=DIGESTS)
    home = Home(str(talks / "storage"))
    version = home.publish("talks", "checkpoint", {}, made_from=ended[1].name * 4, facts={})
    assert version.current
    said = in_talks("gc")
    assert said.exit_code == 0, said.stderr
    kept = [*stopped, *running, *just_now, ended[1]]
    assert [folder.exists() for folder in kept] == [True] * len(kept)
    gone = [*superseded, ended[0]]
    assert [folder.exists() for folder in gone] == [False] * len(gone)
