"""Recorded pages are taken for what their names say, or it is told that they are not."""

import json
from pathlib import Path

import pytest

from impressions_assets_tests.recordings import main, outcomes_of
from impressions_assets_tests.servers.youtube import Request, YouTube, blocked_page
from impressions_assets_tests.servers.youtube_captions import player_of, watch_page


def recorded(folder: Path) -> Path:
    """Write recordings of our own stand-in."""
    youtube = YouTube()
    world = youtube.world
    owner = world.open_channel("recorded")
    clips = {
        "ok": world.upload(owner, "ok"),
        "age_restricted": world.upload(owner, "age", watch="age"),
        "po_token_required": world.upload(owner, "token", watch="po_token"),
        "transcripts_disabled": world.upload(owner, "disabled", watch="disabled"),
        "video_unavailable": world.upload(owner, "gone", privacy="deleted"),
        "scheduled_live": world.upload(owner, "live", live="upcoming", starts=world.now),
    }
    for name, clip in clips.items():
        (folder / f"{name}.json.static").write_text(json.dumps(player_of(youtube, clip, "ANDROID")))
    watch = Request("GET", "/watch", {"v": clips["ok"].video_id}, {})
    (folder / "ok.html.static").write_bytes(watch_page(youtube, watch).body)
    youtube.consent = "asked"
    (folder / "consent_page.html.static").write_bytes(watch_page(youtube, watch).body)
    (folder / "too_many_requests.html.static").write_bytes(blocked_page(watch).body)
    youtube._http.server_close()
    return folder


def test_each_recording_is_taken_for_what_its_name_says(tmp_path: Path) -> None:
    outcomes = {o.name: o for o in outcomes_of(recorded(tmp_path), "*.static")}
    assert len(outcomes) == 9
    assert {o.name: o.found for o in outcomes.values() if not o.is_right} == {}
    assert outcomes["too_many_requests.html.static"].found == "Blocked"
    assert outcomes["scheduled_live.json.static"].found == "NotYet"


def test_what_is_taken_for_something_else_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "age_restricted.html.static").write_text("<html>nothing</html>")
    assert main([str(tmp_path)]) == 1
    assert "no: VideoUnavailable age" in capsys.readouterr().out
    assert main([str(tmp_path), "--pattern", "*.nothing"]) == 1


LISTED = {
    "channel.json": '{"kind": "youtube#channelListResponse", "items": [{"id": "UCx"}]}',
    "items.json": '{"kind": "youtube#playlistItemListResponse", "nextPageToken": "more", "items": '
    '[{"contentDetails": {"videoId": "aaaaaaaaaaa"}}, {"contentDetails": {"videoId": "b"}}]}',
    "videos.json": '{"kind": "youtube#videoListResponse", "items": '
    '[{"id": "aaaaaaaaaaa", "snippet": {"title": "One"}}]}',
    "comments.json": '{"kind": "youtube#commentListResponse", "items": [{"id": "x"}]}',
    "fragment.json": '{"relatedPlaylists": {"uploads": "UUx"}}',
    "error.json": '{"error": {"code": 400, "message": "x", "errors": [{"reason": "keyInvalid"}]}}',
    "feed_a.xml": '<feed xmlns="http://www.w3.org/2005/Atom" '
    'xmlns:yt="http://www.youtube.com/xml/schemas/2015">'
    "<entry><yt:videoId>a</yt:videoId></entry></feed>",
    "feed_b_404.xml": "<html>Not found</html>",
}


@pytest.mark.slow
def test_recorded_listings_are_read_as_what_they_say_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "api").mkdir()
    for name, text in LISTED.items():
        (tmp_path / "api" / name).write_text(text)
    assert {Path(o.name).name: o.found for o in outcomes_of(tmp_path, "*")} == {
        "channel.json": "1 channels",
        "items.json": "2 playlistItems",
        "videos.json": "1 videos",
        "comments.json": "SourceUnreachable",
        "fragment.json": "SourceUnreachable",
        "error.json": "SourceRefused",
        "feed_a.xml": "1 videos",
        "feed_b_404.xml": "SourceMissing",
    }
    assert main([str(tmp_path), "--pattern", "*"]) == 0
    assert "the key is not valid" in capsys.readouterr().out


def test_a_recorded_list_that_cannot_be_read_whole_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = '{"contentDetails": {"videoId": "aaaaaaaaaaa"}}, {"contentDetails": {}}'
    text = f'{{"kind": "youtube#playlistItemListResponse", "items": [{twice}]}}'
    (tmp_path / "items.json").write_text(text)
    assert main([str(tmp_path), "--pattern", "*.json"]) == 1
    assert "no: 2 playlistItems" in capsys.readouterr().out
