"""The sound of a video: from a file at hand or a page, as WAV of 16 kHz, or why there is none."""

import http.server
import shutil
import subprocess
import wave
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from impressions_assets.errors import ConfigError, SourceBroken, SourceMissing, StorageError
from impressions_assets.sources.archive import ArchiveSource
from impressions_assets.sources.audio import check_ffmpeg, write_wav
from impressions_assets.sources.youtube.audio import AudioClient
from impressions_assets.sources.youtube.retries import Retries
from impressions_assets.sources.youtube.session import Way
from impressions_assets.sources.youtube.ytdlp import YtDlp
from impressions_assets.storage.budget import Budget
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.servers.loopback import Loopback
from impressions_assets_tests.servers.youtube import YouTube

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def make(path: Path, *options: str) -> Path:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *options, str(path)], check=True)
    return path


def tone(path: Path, seconds: float = 1.0) -> Path:
    return make(path, "-f", "lavfi", "-i", f"sine=440:sample_rate=44100:duration={seconds}")


@needs_ffmpeg
def test_sound_becomes_16_khz_of_one_channel(tmp_path):
    file = make(tmp_path / "a.mp4", "-f", "lavfi", "-i", "sine=440:duration=2", "-ac", "2")
    assert write_wav(file, tmp_path / "a.wav", "v") == pytest.approx(2.0, abs=0.1)
    with wave.open(str(tmp_path / "a.wav")) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16_000, 1, 2)


@needs_ffmpeg
def test_what_cannot_be_heard_is_told_with_the_video_and_the_file(tmp_path):
    mute = make(tmp_path / "mute.mp4", "-f", "lavfi", "-i", "color=duration=1:size=16x16")
    empty = tone(tmp_path / "empty.wav", 0.01)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 100)
    told = {mute: "no audio track", empty: "0 seconds long", broken: "is the file whole"}
    for file, words in told.items():
        with pytest.raises(SourceBroken, match=f"^v: .*{file.name}.*{words}"):
            write_wav(file, tmp_path / "out.wav", "v")


@needs_ffmpeg
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_no_fault_of_the_video(tmp_path):
    (tmp_path / "out.wav").symlink_to("/dev/full")
    with pytest.raises(StorageError, match="^v: the disk is full"):
        write_wav(tone(tmp_path / "a.wav"), tmp_path / "out.wav", "v")


def test_without_ffmpeg_it_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="apt-get install ffmpeg"):
        check_ffmpeg()


def test_an_archive_has_the_sound_beside_the_info_json(tmp_path):
    archive = Archive(tmp_path / "archive").add("aaaaaaaaaaa")
    (video,) = ArchiveSource(archive.folder).list_videos()
    source = ArchiveSource(archive.folder)
    assert source.sound(video, tmp_path, print) is None
    info = next(archive.folder.rglob("*.info.json"))
    sound = info.with_name(info.name.replace(".info.json", ".m4a"))
    sound.touch()
    assert source.sound(video, tmp_path, print) == sound
    for captions in archive.folder.rglob("*.vtt"):
        captions.unlink()
    (bare,) = ArchiveSource(archive.folder).list_videos()
    assert bare.tracks == ()
    assert ArchiveSource(archive.folder).sound(bare, tmp_path, print) == sound


def youtube_pages(home):
    return YtDlp(Budget(home, "pages", None), lambda: None, Way(), retries=Retries(tries=1))


@pytest.fixture
def client(home):
    pages = youtube_pages(home)
    yield AudioClient(pages, Way())
    pages.close()


class Pages(http.server.SimpleHTTPRequestHandler):
    """Serves the files of a folder."""

    root: Path

    def __init__(self, *args, **kwargs):
        super().__init__(*args, directory=str(self.root), **kwargs)

    def log_message(self, *args):
        """Say nothing."""


@needs_ffmpeg
def test_the_sound_of_a_page_is_fetched(tmp_path, client):
    clip = tone(tmp_path / "clip.wav", 5.0).read_bytes()
    page = '<html><title>Talk</title><audio src="/clip.wav"></audio></html>'
    (tmp_path / "talk.html").write_text(page)
    server, lines = Loopback(Pages, root=tmp_path), []
    with server.running():
        file = client.fetch("video v", f"{server.url}/talk.html", tmp_path / "got", lines.append)
    assert file.read_bytes() == clip
    assert lines[-1].startswith("video v: 100% of 0.4 MB")


@needs_ffmpeg
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_that_fills_during_a_download_is_no_fault_of_the_video(tmp_path, client):
    tone(tmp_path / "clip.wav", 5.0)
    (tmp_path / "talk.html").write_text('<title>Talk</title><audio src="/clip.wav"></audio>')
    got = tmp_path / "got"
    got.mkdir()
    (got / "sound.wav.part").symlink_to("/dev/full")
    server = Loopback(Pages, root=tmp_path)
    with server.running(), pytest.raises(StorageError, match="^video v: the disk is full"):
        client.fetch("video v", f"{server.url}/talk.html", got, print)


@needs_ffmpeg
def test_the_sound_of_a_video_is_asked_where_its_pages_are(tmp_path, home):
    spoken = make(tmp_path / "a.m4a", "-f", "lavfi", "-i", "sine=440:duration=2", "-c:a", "alac")
    with YouTube().running() as youtube:
        sound = spoken.read_bytes()
        clip = youtube.world.upload(youtube.world.open_channel("talks"), "Talk", sound=sound)
        pages, way = youtube_pages(home), Way(base_url=youtube.url)
        link = f"https://www.youtube.com/watch?v={clip.video_id}"
        file = AudioClient(pages, way).fetch("video v", link, tmp_path / "got", print)
        pages.close()
        assert len(youtube.asked("/videoplayback")) == 1
    assert write_wav(file, tmp_path / "a.wav", "v") == pytest.approx(2.0, abs=0.1)


class Asked(Pages):
    """Notes what it is asked for, with the cookies."""

    asked: list[tuple[str, str]]

    def do_GET(self):
        self.path = urlsplit(self.path).path  # who asks a proxy names the server, too
        self.asked.append((self.path, self.headers.get("Cookie", "")))
        super().do_GET()


@needs_ffmpeg
def test_sound_goes_by_the_proxy_with_the_cookies_and_no_faster_than_is_allowed(tmp_path, home):
    (tmp_path / "talk.html").write_text('<title>Talk</title><audio src="/clip.wav"></audio>')
    tone(tmp_path / "clip.wav", 5.0)
    cookies = tmp_path / "cookies.txt"
    line = "\t".join(["talks.invalid", "FALSE", "/", "FALSE", "0", "SID", "mine"])
    cookies.write_text(f"# Netscape HTTP Cookie File\n{line}\n")
    proxy = Loopback(Asked, root=tmp_path, asked=[])
    pages, way = youtube_pages(home), Way(proxy=proxy.url, cookies_file=cookies)
    client = AudioClient(pages, way, bytes_per_second=1_000_000, pause_seconds=0.01)
    with proxy.running():
        file = client.fetch("v", "http://talks.invalid/talk.html", tmp_path / "got", print)
    pages.close()
    assert file.read_bytes() == (tmp_path / "clip.wav").read_bytes()
    asked = proxy.RequestHandlerClass.asked
    assert {path for path, _ in asked} == {"/talk.html", "/clip.wav"}
    assert {cookie for _, cookie in asked} == {"SID=mine"}
    with client._client(tmp_path, print) as made:
        assert (made.params["ratelimit"], made.params["sleep_interval_requests"]) == (1e6, 0.01)


def test_sound_is_fetched_alone_where_it_can_be_had_alone(tmp_path, client):
    with client._client(tmp_path, print) as made:
        chosen = made.build_format_selector(made.params["format"])
    offered = [
        {"format_id": "both", "vcodec": "h264", "acodec": "aac", "ext": "mp4", "url": "u"},
        {"format_id": "alone", "vcodec": "none", "acodec": "opus", "ext": "webm", "url": "u"},
    ]
    context = {"formats": offered, "incomplete_formats": False, "has_merged_format": True}
    assert [one["format_id"] for one in chosen(context)] == ["alone"]


def test_a_page_that_is_not_there_is_told(tmp_path, client):
    server = Loopback(Pages, root=tmp_path)
    with server.running(), pytest.raises(SourceMissing, match="^v: "):
        client.fetch("v", f"{server.url}/talk.html", tmp_path, print)
