"""The pages, and the endpoints behind them, that yt-dlp reads: channels, playlists, what is beside
a video.

The watch page and the player are captions' too (`youtube_captions.py`). Shapes follow answers of
YouTube's web client of 2026, cut down to what anybody reads.
"""

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from impressions_assets_tests.servers.youtube import Answer, Request, Routes, YouTube
from impressions_assets_tests.servers.youtube_api import members
from impressions_assets_tests.servers.youtube_world import Clip, Owner, World

Json = dict[str, Any]
_PAGE = 100
_CREATIVE_COMMONS = "Creative Commons Attribution license (reuse allowed)"


def _channel_page(youtube: YouTube, request: Request) -> Answer:
    with youtube.world.lock:
        owner = _owner_at(youtube.world, request.path)
        if owner is None:
            return _html("<title>404 Not Found</title>", 404)
        return _data_page(_channel(owner))


def _owner_at(world: World, path: str) -> Owner | None:
    steps = path.strip("/").split("/")
    name = steps[1] if steps[0] in ("channel", "c", "user") else steps[0]
    for owner in world.owners.values():
        names = {
            "channel": owner.channel_id,
            "c": owner.custom,
            "user": owner.user,
        }.get(steps[0], f"@{owner.handle}")
        if names is not None and name.lower() == names.lower():
            return owner
    return None


def _channel(owner: Owner) -> Json:
    address = f"https://www.youtube.com/channel/{owner.channel_id}"
    home = {
        "tabRenderer": {
            "endpoint": {
                "commandMetadata": {"webCommandMetadata": {"url": f"/@{owner.handle}/featured"}}
            },
            "title": "Home",
            "selected": True,
            "content": {"sectionListRenderer": {"contents": []}},
        }
    }
    return {
        "contents": {"twoColumnBrowseResultsRenderer": {"tabs": [home]}},
        "metadata": {
            "channelMetadataRenderer": {
                "title": owner.title,
                "description": "",
                "externalId": owner.channel_id,
                "channelUrl": address,
                "vanityChannelUrl": f"http://www.youtube.com/@{owner.handle}",
            }
        },
    }


def _playlist_page(youtube: YouTube, request: Request) -> Answer:
    with youtube.world.lock:
        return _data_page(_playlist(youtube.world, request.query.get("list", ""), is_whole=False))


def _resolve(youtube: YouTube, request: Request) -> Answer:
    """Tell which list an address names: yt-dlp asks when the page itself did not come."""
    address = urlsplit(json.loads(request.body)["url"])
    with youtube.world.lock:
        owner = _owner_at(youtube.world, address.path)
        lists = parse_qs(address.query).get("list")
    browse_id = f"VL{lists[0]}" if lists else owner.channel_id if owner else None
    if browse_id is None:
        return Answer(404, b'{"error": {"code": 404}}', {"Content-Type": "application/json"})
    return _json({"endpoint": {"browseEndpoint": {"browseId": browse_id}}})


def _browse(youtube: YouTube, request: Request) -> Answer:
    """Go on in a playlist, or show it anew with the tiles of what is gone."""
    asked = json.loads(request.body)
    with youtube.world.lock:
        token = asked.get("continuation")
        owner = youtube.world.owners.get(asked.get("browseId", ""))
        if owner is not None:
            return _json(_channel(owner))
        if token is None:
            playlist_id = asked["browseId"].removeprefix("VL")
            return _json(_playlist(youtube.world, playlist_id, is_whole=True))
        playlist_id, start, is_whole = re.fullmatch(r"4qmF(.+)\.(\d+)\.(\d)", token).groups()
        items = _items(youtube.world, playlist_id, int(start), is_whole == "1") or []
    action = {"continuationItems": items, "targetId": "browse-feed"}
    return _json({"onResponseReceivedActions": [{"appendContinuationItemsAction": action}]})


def _playlist(world: World, playlist_id: str, *, is_whole: bool) -> Json:
    items = _items(world, playlist_id, 0, is_whole)
    if items is None:
        text = {"runs": [{"text": "The playlist does not exist."}]}
        return {
            "contents": {"twoColumnBrowseResultsRenderer": {"tabs": []}},
            "alerts": [{"alertRenderer": {"type": "ERROR", "text": text}}],
        }
    found = {"playlistVideoListRenderer": {"contents": items, "playlistId": playlist_id}}
    section = {"itemSectionRenderer": {"contents": [found]}}
    content = {"sectionListRenderer": {"contents": [section]}}
    tab = {"tabRenderer": {"selected": True, "content": content}}
    playlist = world.playlists.get(playlist_id)
    title = playlist.title if playlist else "Uploads"
    return {
        "contents": {"twoColumnBrowseResultsRenderer": {"tabs": [tab]}},
        "metadata": {"playlistMetadataRenderer": {"title": title}},
    }


def _items(world: World, playlist_id: str, start: int, is_whole: bool) -> list[Json] | None:
    """A hundred videos and the token for more; tiles of what is gone only when it is asked for."""
    clips = members(world, playlist_id)
    if clips is None:
        return None
    shown = [clip for clip in clips if is_whole or _is_there(clip)]
    items = [_tile(clip) for clip in shown[start : start + _PAGE]]
    if start + _PAGE < len(shown):
        token = f"4qmF{playlist_id}.{start + _PAGE}.{int(is_whole)}"
        command = {"continuationCommand": {"token": token}}
        items.append({"continuationItemRenderer": {"continuationEndpoint": command}})
    return items


def _is_there(clip: Clip) -> bool:
    return clip.privacy in ("public", "unlisted")


def _tile(clip: Clip) -> Json:
    words = {"private": "[Private video]", "deleted": "[Deleted video]"}.get(clip.privacy)
    renderer: Json = {
        "videoId": clip.video_id,
        "title": {"runs": [{"text": words or clip.title}]},
        "isPlayable": words is None,
    }
    if words is None:
        renderer["lengthSeconds"] = str(clip.duration_seconds)
    return {"playlistVideoRenderer": renderer}


def _next(youtube: YouTube, request: Request) -> Answer:
    """Tell what stands below and beside a video: its channel, its licence, its chapters."""
    with youtube.world.lock:
        clip = youtube.world.clips.get(json.loads(request.body).get("videoId", ""))
        found = clip if clip and _is_there(clip) else None
        owner = youtube.world.owners[found.channel_id] if found else None
    results = [_about(found, owner)] if found and owner else []
    contents = {"results": {"results": {"contents": results}}}
    answer: Json = {"contents": {"twoColumnWatchNextResults": contents}}
    if found and found.chapters:
        answer["engagementPanels"] = [_chapters(found)]
    return _json(answer)


def _about(clip: Clip, owner: Owner) -> Json:
    rows = []
    if clip.license == "creativeCommon":
        text = {"runs": [{"text": _CREATIVE_COMMONS}]}
        title = {"simpleText": "License"}
        rows = [{"metadataRowRenderer": {"title": title, "contents": [text]}}]
    return {
        "videoSecondaryInfoRenderer": {
            "owner": {"videoOwnerRenderer": {"title": {"runs": [{"text": owner.title}]}}},
            "metadataRowContainer": {"metadataRowContainerRenderer": {"rows": rows}},
        }
    }


def _chapters(clip: Clip) -> Json:
    items = [
        {
            "macroMarkersListItemRenderer": {
                "title": {"simpleText": title},
                "timeDescription": {"simpleText": f"{int(start) // 60}:{int(start) % 60:02}"},
            }
        }
        for start, title in clip.chapters
    ]
    content = {"macroMarkersListRenderer": {"contents": items}}
    return {"engagementPanelSectionListRenderer": {"content": content}}


def _data_page(data: Json) -> Answer:
    config = json.dumps({"INNERTUBE_CONTEXT_CLIENT_NAME": 1})
    return _html(
        f"<!DOCTYPE html><html><body><script>ytcfg.set({config});</script>"
        f"<script>var ytInitialData = {json.dumps(data)};</script></body></html>"
    )


def _html(text: str, status: int = 200) -> Answer:
    return Answer(status, text.encode(), {"Content-Type": "text/html; charset=utf-8"})


def _json(content: Json) -> Answer:
    body = json.dumps(content).encode()
    return Answer(200, body, {"Content-Type": "application/json; charset=UTF-8"})


ROUTES: Routes = {
    ("GET", "/(@[^/]+|(channel|c|user)/[^/]+)(/[a-z]+)?"): _channel_page,
    ("GET", "/playlist"): _playlist_page,
    ("POST", "/youtubei/v1/browse"): _browse,
    ("POST", "/youtubei/v1/navigation/resolve_url"): _resolve,
    ("POST", "/youtubei/v1/next"): _next,
}
