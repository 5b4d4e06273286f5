"""What youtube-transcript-api asks: the watch page, the player, the caption tracks.

yt-dlp asks for the watch page and the player too. The order of calls, the shapes and the words of
refusals are YouTube's; addresses of tracks are signed and good for one video.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from impressions_assets_tests.servers.youtube import Answer, Request, Routes, YouTube
from impressions_assets_tests.servers.youtube_world import CaptionTrack, Clip

NAMES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "hi": "Hindi"}
TRANSLATIONS = ("de", "en", "es", "fr", "hi")

_PAGE_KEY = "a-key-that-every-page-shows"
_CONSENT_VERSION = "cb.20260101-01-p0.en+FX+000"
_ANDROID = "ANDROID"


def watch_page(youtube: YouTube, request: Request) -> Answer:
    """GET /watch: a page that holds the key for the player, and the web player's own answer."""
    is_given = "CONSENT=YES+" in request.headers.get("cookie", "")
    if youtube.consent == "endless" or (youtube.consent == "asked" and not is_given):
        return _html(_CONSENT_PAGE)
    clip = youtube.world.clips.get(request.query.get("v", ""))
    context = {"client": {"clientName": "WEB", "clientVersion": "2.20260101.00.00"}}
    config = json.dumps(
        {
            "INNERTUBE_API_KEY": _PAGE_KEY,
            "INNERTUBE_CONTEXT_CLIENT_NAME": 1,
            "INNERTUBE_CONTEXT": context,
        }
    )
    player = json.dumps(player_of(youtube, clip, "WEB"), ensure_ascii=False)
    return _html(
        f"<!DOCTYPE html><html><head><title>{escape(clip.title) if clip else ''}</title></head>"
        f"<body><script>ytcfg.set({config});</script>"
        f"<script>var ytInitialPlayerResponse = {player};</script></body></html>"
    )


def player(youtube: YouTube, request: Request) -> Answer:
    """POST /youtubei/v1/player: what can be played, and which captions there are."""
    try:
        asked = json.loads(request.body)
        client = asked["context"]["client"]["clientName"]
        video_id = asked["videoId"]
    except (ValueError, KeyError, TypeError):
        return _json({"error": {"code": 400, "status": "INVALID_ARGUMENT"}}, 400)
    return _json(player_of(youtube, youtube.world.clips.get(video_id), client))


def timedtext(youtube: YouTube, request: Request) -> Answer:
    """GET /api/timedtext: one track, in the format that is asked for; nothing without a token."""
    clip = youtube.world.clips.get(request.query.get("v", ""))
    if clip is None or request.query.get("signature") != signature_of(clip):
        return Answer(404, b"", {"Content-Type": "text/html"})
    track = next((t for t in clip.tracks if _is_asked(t, request.query)), None)
    if track is None or clip.watch == "po_token":
        return Answer(200, b"", {"Content-Type": "text/html"})
    cues = [(start, length, text) for start, length, text in track.cues]
    if target := request.query.get("tlang"):
        cues = [(start, length, f"[{target}] {text}") for start, length, text in cues]
    return _FORMATS.get(request.query.get("fmt", ""), _srv1)(cues)


def player_of(youtube: YouTube, clip: Clip | None, client: str) -> dict[str, Any]:
    """Answer as the player does: to the Android client, or to the web's with its microformat."""
    if clip is None or clip.privacy == "deleted":
        return {"playabilityStatus": _gone("This video is unavailable")}
    if clip.privacy == "private":
        return {"playabilityStatus": _private()}
    answer = {
        "responseContext": {"visitorData": "a-visitor"},
        "playabilityStatus": _playability(clip),
        "videoDetails": _details(youtube, clip),
    }
    if client != _ANDROID:
        answer["microformat"] = {"playerMicroformatRenderer": _microformat(youtube, clip)}
    if clip.watch in ("ok", "po_token") and clip.live in ("none", "ended") and clip.tracks:
        answer["captions"] = {"playerCaptionsTracklistRenderer": _captions(clip, client)}
    if clip.watch == "ok" and clip.sound:
        answer["streamingData"] = {"expiresInSeconds": "21540", "adaptiveFormats": [_sound(clip)]}
    return answer


def stream(youtube: YouTube, request: Request) -> Answer:
    """GET /videoplayback: the sound of a video."""
    clip = youtube.world.clips.get(request.query.get("id", ""))
    if clip is None or request.query.get("sig") != signature_of(clip):
        return Answer(403, b"", {"Content-Type": "text/plain"})
    return Answer(200, clip.sound, {"Content-Type": "audio/mp4"})


def signature_of(clip: Clip) -> str:
    """Sign the addresses of a video's tracks."""
    return hashlib.sha256(f"signed {clip.video_id}".encode()).hexdigest().upper()[:40]


def _sound(clip: Clip) -> dict[str, Any]:
    query = urlencode({"id": clip.video_id, "itag": 140, "sig": signature_of(clip)})
    return {
        "itag": 140,
        "url": f"https://www.youtube.com/videoplayback?{query}",
        "mimeType": 'audio/mp4; codecs="mp4a.40.2"',
        "bitrate": 130_000,
        "contentLength": str(len(clip.sound)),
        "quality": "tiny",
        "audioQuality": "AUDIO_QUALITY_MEDIUM",
        "approxDurationMs": str(clip.duration_seconds * 1000),
        "audioSampleRate": "16000",
        "audioChannels": 1,
    }


def _playability(clip: Clip) -> dict[str, Any]:
    if clip.live == "upcoming":
        return _upcoming(clip.starts)
    if clip.watch == "age":
        return {
            "status": "LOGIN_REQUIRED",
            "reason": "This video may be inappropriate for some users.",
            "desktopLegacyAgeGateReason": 1,
        }
    if clip.watch == "unplayable":
        return _error("UNPLAYABLE", "Video unavailable", "It is not available in your country")
    return {"status": "OK", "playableInEmbed": True}


def _upcoming(starts: datetime | None) -> dict[str, Any]:
    slate = {"scheduledStartTime": str(int(starts.timestamp()))} if starts else {}
    return {
        "status": "LIVE_STREAM_OFFLINE",
        "reason": "This live event will begin in a few moments.",
        "playableInEmbed": True,
        "liveStreamability": {
            "liveStreamabilityRenderer": {
                "offlineSlate": {"liveStreamOfflineSlateRenderer": slate},
                "pollDelayMs": "15000",
            }
        },
    }


def _gone(reason: str) -> dict[str, Any]:
    return _error("ERROR", reason)


def _private() -> dict[str, Any]:
    """YouTube gives no `reason` here; what it says stands in the messages and the screen."""
    text = "This is a private video. Please sign in to verify that you may see it."
    screen = {"reason": {"simpleText": "Private video"}, "subreason": {"simpleText": text}}
    return {
        "status": "LOGIN_REQUIRED",
        "messages": [text],
        "errorScreen": {"playerErrorMessageRenderer": screen},
    }


def _error(status: str, reason: str, *details: str) -> dict[str, Any]:
    screen: dict[str, Any] = {"reason": {"runs": [{"text": reason}]}}
    if details:
        screen["subreason"] = {"runs": [{"text": text} for text in details]}
    return {
        "status": status,
        "reason": reason,
        "errorScreen": {"playerErrorMessageRenderer": screen},
    }


def _details(youtube: YouTube, clip: Clip) -> dict[str, Any]:
    live = {"upcoming": {"isUpcoming": True}, "live": {"isLive": True}}.get(clip.live, {})
    return {
        "videoId": clip.video_id,
        "title": clip.title,
        "lengthSeconds": str(0 if live else clip.duration_seconds),
        **({"keywords": list(clip.tags)} if clip.tags else {}),
        "channelId": clip.channel_id,
        "isOwnerViewing": False,
        "shortDescription": clip.description,
        "isCrawlable": clip.privacy == "public",
        "thumbnail": {"thumbnails": []},
        "allowRatings": True,
        "viewCount": "0",
        "author": youtube.world.owners[clip.channel_id].title,
        "isPrivate": False,
        "isUnpluggedCorpus": False,
        "isLiveContent": clip.live != "none",
        **live,
    }


def _microformat(youtube: YouTube, clip: Clip) -> dict[str, Any]:
    owner = youtube.world.owners[clip.channel_id]
    found: dict[str, Any] = {
        "title": {"simpleText": clip.title},
        "description": {"simpleText": clip.description},
        "lengthSeconds": str(clip.duration_seconds),
        "ownerProfileUrl": f"http://www.youtube.com/@{owner.handle}",
        "externalChannelId": clip.channel_id,
        "isFamilySafe": clip.watch != "age",
        "isUnlisted": clip.privacy == "unlisted",
        "category": "Education",
        "publishDate": clip.published.isoformat(),
        "ownerChannelName": owner.title,
        "uploadDate": clip.published.isoformat(),
        "isShortsEligible": clip.is_short,
        "externalVideoId": clip.video_id,
    }
    if clip.live != "none":
        found["liveBroadcastDetails"] = {
            "isLiveNow": clip.live == "live",
            **({"startTimestamp": clip.starts.isoformat()} if clip.starts else {}),
        }
    return found


def _captions(clip: Clip, client: str) -> dict[str, Any]:
    return {
        "captionTracks": [_track(clip, track, client) for track in clip.tracks],
        "audioTracks": [{"captionTrackIndices": list(range(len(clip.tracks)))}],
        "translationLanguages": [
            {"languageCode": code, "languageName": _text(NAMES[code], client)}
            for code in TRANSLATIONS
        ],
        "defaultAudioTrackIndex": 0,
    }


def _track(clip: Clip, track: CaptionTrack, client: str) -> dict[str, Any]:
    name = NAMES.get(track.language, track.language)
    query = {
        "v": clip.video_id,
        "ei": "an-event",
        "caps": "asr",
        **({"exp": "xpe"} if clip.watch == "po_token" else {}),
        "hl": "en",
        "expire": str(int(clip.updated.timestamp()) + 6 * 3600),
        "sparams": "v,ei,caps,expire",
        "signature": signature_of(clip),
        "key": "yt8",
        **({"kind": "asr"} if track.is_automatic else {}),
        "lang": track.language,
        "fmt": "srv3",
    }
    return {
        "baseUrl": f"https://www.youtube.com/api/timedtext?{urlencode(query)}",
        "name": _text(f"{name} (auto-generated)" if track.is_automatic else name, client),
        "vssId": f"{'a' if track.is_automatic else ''}.{track.language}",
        "languageCode": track.language,
        **({"kind": "asr"} if track.is_automatic else {}),
        "isTranslatable": clip.translatable,
        "trackName": "",
    }


def _text(text: str, client: str) -> dict[str, Any]:
    return {"runs": [{"text": text}]} if client == _ANDROID else {"simpleText": text}


def _is_asked(track: CaptionTrack, query: Mapping[str, str]) -> bool:
    is_automatic = query.get("kind") == "asr"
    return (track.language, track.is_automatic) == (query.get("lang"), is_automatic)


Cues = Iterable[tuple[float, float, str]]


def _srv1(cues: Cues) -> Answer:
    """Markup in the text is escaped as such, and the whole once more, as YouTube does."""
    lines = (
        f'<text start="{start:.3f}" dur="{length:.3f}">{escape(escape(text))}</text>'
        for start, length, text in cues
    )
    return _xml(f"<transcript>{''.join(lines)}</transcript>")


def _srv3(cues: Cues) -> Answer:
    lines = (
        f'<p t="{start * 1000:.0f}" d="{length * 1000:.0f}">{escape(text)}</p>'
        for start, length, text in cues
    )
    return _xml(f'<timedtext format="3"><body>{"".join(lines)}</body></timedtext>')


def _json3(cues: Cues) -> Answer:
    events = [
        {
            "tStartMs": round(start * 1000),
            "dDurationMs": round(length * 1000),
            "segs": [{"utf8": text}],
        }
        for start, length, text in cues
    ]
    return _json({"wireMagic": "pb3", "events": events})


_FORMATS = {"srv3": _srv3, "json3": _json3}


def _xml(text: str) -> Answer:
    body = f'<?xml version="1.0" encoding="utf-8" ?>{text}'.encode()
    return Answer(200, body, {"Content-Type": "text/xml; charset=UTF-8"})


def _json(answer: Any, status: int = 200) -> Answer:
    body = json.dumps(answer, ensure_ascii=False).encode()
    return Answer(status, body, {"Content-Type": "application/json; charset=UTF-8"})


def _html(text: str) -> Answer:
    return Answer(200, text.encode(), {"Content-Type": "text/html; charset=utf-8"})


_CONSENT_PAGE = f"""<!DOCTYPE html><html><body><h1>Before you continue to YouTube</h1>
<form action="https://consent.youtube.com/s" method="POST">
<input type="hidden" name="gl" value="DE"><input type="hidden" name="v" value="{_CONSENT_VERSION}">
<button>I agree</button></form></body></html>"""

ROUTES: Routes = {
    ("GET", "/watch"): watch_page,
    ("POST", "/youtubei/v1/player"): player,
    ("GET", "/api/timedtext"): timedtext,
    ("GET", "/videoplayback"): stream,
}
