"""Finding a video by what a user writes: its id, or a link that holds it."""

import re
from difflib import get_close_matches

from impressions_assets.cli.place import Place
from impressions_assets.errors import ConfigError
from impressions_assets.storage.digests import key_of

_LINK = re.compile(r"(?:[?&]v=|youtu\.be/|/shorts/|/live/)([\w-]+)")


def video_id_of(argument: str) -> str:
    """Return the id in a link, or the argument itself."""
    found = _LINK.search(argument)
    return found[1] if found else argument


def channels_with(place: Place, argument: str, channel: str | None = None) -> list[str]:
    """Return the channels that hold a video, those that left channels.yaml last."""
    table = place.home.table("videos")
    declared = place.channels().channels
    known = sorted(table.channels(), key=lambda name: name not in declared)
    names = [channel] if channel else known
    video_id = video_id_of(argument)
    found = [name for name in names if table.get(name, key_of(video_id))]
    if not found:
        where = f"channel {channel!r}" if channel else f"any channel ({', '.join(names) or 'none'})"
        raise ConfigError(f"video {video_id!r} is not in {where}{_near(place, names, argument)}")
    return found


def _near(place: Place, names: list[str], argument: str) -> str:
    known = [
        (video_id, title)
        for name in names
        for video_id, title in place.home.table("videos").columns(name, "video_id", "title")
    ]
    close = get_close_matches(argument, [video_id for video_id, _ in known], n=3)
    words = argument.lower()
    close += [f"{i} ({title})" for i, title in known if words in title.lower()][:3]
    return f". Did you mean {', or '.join(dict.fromkeys(close))}?" if close else ""
