"""YouTube links: which channel, playlist or video a link, a bare id or an @handle names.

However a link is written, its `url` is the same, so that two spellings of one thing are one source.
Whether it exists is YouTube's knowledge; here only its shape is read.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, quote, unquote, urlsplit

from impressions_assets.errors import ConfigError

Kind = Literal["channel", "handle", "user", "custom", "playlist", "video"]

ACCEPTED = (
    "accepted are links to a channel (youtube.com/@HANDLE, /channel/UC…, /c/NAME, /user/NAME),"
    " a playlist (/playlist?list=…) or a video (/watch?v=…, youtu.be/…, /shorts/…, /live/…,"
    " /embed/…), the bare id of one, and @HANDLE"
)

_PATHS: dict[Kind, str] = {
    "channel": "channel/",
    "handle": "@",
    "user": "user/",
    "custom": "c/",
    "playlist": "playlist?list=",
    "video": "watch?v=",
}
_NAMED: dict[str, Kind] = {"user": "user", "c": "custom"}

_CHARACTER = "[A-Za-z0-9_-]"
_SHAPES: dict[Kind, str] = {
    "channel": f"UC{_CHARACTER}{{22}}",
    "playlist": f"{_CHARACTER}{{12,64}}",
    "video": f"{_CHARACTER}{{11}}",
}
# A bare word must look more like an id than one in a link: it may be a folder, mistyped.
_BARE: dict[Kind, str] = {
    "channel": _SHAPES["channel"],
    "playlist": f"(PL|EC|FL|UU|OL){_CHARACTER}{{16,62}}",
    "video": _SHAPES["video"],
}
# Mixes, "liked", "watch later" and the like: YouTube makes them for the one who is logged in.
_PERSONAL = re.compile("RD|UL|TL|LL|LM|WL|HL")

_HOST = re.compile(r"((www|m|music)\.)?youtube\.com|(www\.)?(youtube-nocookie\.com|youtu\.be)")
_TAB = re.compile(
    "featured|videos|shorts|streams|live|playlists|podcasts|courses|releases|community|posts"
    "|channels|about|store|join|membership"
)
_MOST_IN_A_NAME = 100  # YouTube allows 30 today; old names may be longer


@dataclass(frozen=True)
class YouTubeLink:
    """One channel, playlist or video; `id` is a handle without its @, or a name."""

    kind: Kind
    id: str

    @property
    def url(self) -> str:
        """The one address of it, percent-encoded."""
        return f"https://www.youtube.com/{_PATHS[self.kind]}{quote(self.id, safe='')}"


def parse_link(text: str) -> YouTubeLink:
    """Read a link, a bare id or an @handle; `ConfigError` says what is accepted."""
    try:
        return _read(text)
    except ValueError as error:
        shown = repr(text if len(text) <= 80 else f"{text[:77]}...")
        raise ConfigError(f"{shown} {error}") from error


def canonical_url(text: str) -> str:
    """Return the one address of what a link names; `ValueError` says what is wrong."""
    return _read(text).url


def _read(text: str) -> YouTubeLink:
    text = text.strip()
    if not text.isprintable():
        raise ValueError(f"holds a control character or an invisible one; {ACCEPTED}")
    for kind, shape in _BARE.items():
        if re.fullmatch(shape, text):
            return YouTubeLink(kind, text)
    host, path, query = _parts(text)
    if not _HOST.fullmatch(host):
        raise ValueError(f"is no link to YouTube; {ACCEPTED}")
    steps = [unquote(step) for step in path.split("/") if step]
    values = {name: found[0] for name, found in parse_qs(query).items()}
    return _named(["watch", *steps] if host.endswith("youtu.be") else steps, values)


def _parts(text: str) -> tuple[str, str, str]:
    """Host, path and query; a host with a port or a password is none of YouTube's."""
    text = f"youtube.com/{text}" if text.startswith("@") else text
    try:
        parts = urlsplit(text if re.match("(https?:)?//", text, re.I) else f"https://{text}")
    except ValueError as error:
        raise ValueError(f"is no link; {ACCEPTED}") from error
    return parts.netloc.lower(), parts.path, parts.query


def _named(steps: Sequence[str], query: dict[str, str]) -> YouTubeLink:
    """What an address on YouTube names, by the steps of its path."""
    playlist = query.get("list", "")
    match steps:
        case ["watch"]:
            return _watched(query.get("v", ""), playlist)
        case ["playlist"] | ["embed", "videoseries"]:
            return _watched("", playlist)
        case ["watch" | "shorts" | "live" | "embed" | "v" | "e", video] if video != "live_stream":
            return _watched(video, playlist)
        case ["channel", channel, *tab] if _is_tab(tab):
            return _made("channel", channel)
        case ["user" | "c" as kind, name, *tab] if _is_tab(tab):
            return YouTubeLink(_NAMED[kind], _name(name))
        case [handle, *tab] if handle.startswith("@") and _is_tab(tab):
            name = _name(handle[1:])
            # YouTube ignores the case of handles; of letters beyond ASCII we do not know it.
            return YouTubeLink("handle", name.lower() if name.isascii() else name)
    raise ValueError(f"is on YouTube, but names no channel, playlist or video; {ACCEPTED}")


def _is_tab(steps: Sequence[str]) -> bool:
    """Whether the rest of a channel's address is nothing, or one of its pages."""
    return not steps or (len(steps) == 1 and _TAB.fullmatch(steps[0].lower()) is not None)


def _watched(video: str, playlist: str) -> YouTubeLink:
    """The playlist that a video stands in, or the video alone where nobody else can list it."""
    if _PERSONAL.match(playlist) and not video:
        raise ValueError(
            "is a mix, 'watch later', 'liked videos' or another list that YouTube makes for the one"
            " who is logged in, and nobody else can read it; link to one of its videos, or to a"
            " playlist that somebody made"
        )
    if playlist and not _PERSONAL.match(playlist):
        return _made("playlist", playlist)
    return _made("video", video)


def _made(kind: Kind, found: str) -> YouTubeLink:
    if not re.fullmatch(_SHAPES[kind], found):
        raise ValueError(f"holds no {kind} id of the right length and letters; {ACCEPTED}")
    return YouTubeLink(kind, found)


def _name(text: str) -> str:
    """A handle or a name, in any script, each letter in one spelling."""
    name = unicodedata.normalize("NFC", text)
    kinds = {unicodedata.category(sign)[0] for sign in name if sign not in "_-.·"}
    if not kinds & {"L", "N"} or not kinds <= {"L", "M", "N"} or len(name) > _MOST_IN_A_NAME:
        raise ValueError(f"holds no name that a channel can have; {ACCEPTED}")
    return name
