"""The resource: where things lie, which channels there are, and which process runs."""

import os
import socket
from pathlib import Path

import pytest

from impressions_assets.errors import ConfigError
from impressions_assets.resources.impressions import Impressions, this_process
from impressions_assets.runs import is_gone
from impressions_assets.sources.source import access_of
from impressions_assets_tests.archives import Archive

CHANNELS = "channels:\n  talks:\n    sources:\n      - archive: {}\n      - text: /notes\n"


@pytest.fixture
def impressions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Impressions:
    monkeypatch.setenv("IMPRESSIONS_HOME", str(tmp_path / "home"))
    return Impressions()


def test_it_keeps_everything_under_the_home_of_the_environment(
    impressions: Impressions, tmp_path: Path
) -> None:
    assert impressions.home.root == str(tmp_path / "home" / "storage")
    assert impressions.scratch == tmp_path / "home" / "scratch"


def test_a_storage_root_of_its_own_comes_before_the_environments(tmp_path: Path) -> None:
    assert Impressions(storage=str(tmp_path / "other")).home.root == str(tmp_path / "other")


def test_a_channel_is_read_with_its_sources_in_order(
    impressions: Impressions, archive: Archive
) -> None:
    impressions.home.store.write_text("channels.yaml", CHANNELS.format(archive.folder))
    with impressions.sources(impressions.channel("talks")) as sources:
        assert [source.kind for source in sources] == ["archive", "text"]
        assert len(list(sources[0].list_videos())) == 3


def test_a_source_names_its_login_and_proxy_and_tells_neither(
    impressions: Impressions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def access() -> str:
        later = Impressions()  # as another process reads the environment
        with later.sources(later.channel("talks")) as sources:
            return access_of(sources)

    text = "channels: {talks: {sources: [{youtube: youtu.be/aaaaaaaaaaa}, {text: /notes}]}}"
    impressions.home.store.write_text("channels.yaml", text)
    cookies = tmp_path / "cookies.txt"
    assert access() == ""
    monkeypatch.setenv("IMPRESSIONS_YOUTUBE_COOKIES", str(cookies))
    seen = set()
    for login in ("first", "second"):
        line = "\t".join([".youtube.com", "TRUE", "/", "TRUE", "0", "SID", login])
        cookies.write_text(f"# Netscape HTTP Cookie File\n{line}\n")
        seen.add(access())
    monkeypatch.setenv("IMPRESSIONS_YOUTUBE_PROXY", "http://me:a-password@127.0.0.1:1")
    seen.add(access())
    assert [name.count("-") for name in sorted(seen)] == [1, 1, 2]
    assert not any(secret in name for name in seen for secret in ("second", "me", "password"))


def test_an_unknown_channel_is_refused_with_those_that_are_there(
    impressions: Impressions,
) -> None:
    with pytest.raises(ConfigError, match=r"'talks' is not in .*channels\.yaml; There: none"):
        impressions.channel("talks")
    impressions.home.store.write_text("channels.yaml", CHANNELS.format("/archive"))
    with pytest.raises(ConfigError, match=r"'talk' is not in .*did you mean talks\? There: talks"):
        impressions.channel("talk")


def test_channels_are_read_anew_each_time(impressions: Impressions) -> None:
    assert impressions.channels().channels == {}
    impressions.home.store.write_text("channels.yaml", CHANNELS.format("/archive"))
    assert list(impressions.channels().channels) == ["talks"]


def test_this_process_has_a_name_that_no_later_process_has() -> None:
    host, pid, started = this_process().rsplit("/", 2)
    assert (host, int(pid)) == (socket.gethostname(), os.getpid())
    assert not is_gone(this_process())
    assert is_gone(f"{host}/{pid}/{float(started) - 100}")
