"""channels.yaml where it lies: in the storage root, so that every process sees the same one.

Does not belong here: what its text means (channel_file.py).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from impressions_assets.channels.channel import Channel, Channels, SourceSpec
from impressions_assets.channels.file import add_channel, parse_channels
from impressions_assets.errors import ConfigError
from impressions_assets.storage.home import Home
from impressions_assets.wording import meant

CHANNELS_FILE = "channels.yaml"
# A thousand channels take 1.3 CPU-seconds to parse, and each asset of a run, and each sensor of a
# tick, asks anew. The text is read each time, and compared; nobody changes what was parsed.
_parsed = lru_cache(maxsize=4)(parse_channels)


def read_channels(home: Home) -> Channels:
    """Read the channels of a storage root.

    Raises:
        ConfigError: the file is malformed; the message has the lines and what is allowed.
    """
    return _parsed(home.store.read_text(CHANNELS_FILE) or "", place_of(home))


def channel_named(home: Home, name: str) -> Channel:
    """Return one channel, or say which there are."""
    channels = read_channels(home).channels
    if name not in channels:
        known = ", ".join(sorted(channels)) or "none"
        was = "It was retired; to have it again" if _is_retired(home, name) else "To have it"
        raise ConfigError(
            f"channel {name!r} is not in {place_of(home)}; {meant(name, channels)}There: {known}. "
            f"{was}: `impressions add SOURCE --name {name}`"
        )
    return channels[name]


def save_channel(home: Home, name: str, sources: Sequence[SourceSpec], **settings: Any) -> None:
    """Add a channel, or sources to one that is there; comments and order stay."""
    home.store.edit_text(CHANNELS_FILE, lambda text: add_channel(text, name, sources, **settings))


def place_of(home: Home) -> str:
    """Say where the file lies."""
    return f"{home.root}/{CHANNELS_FILE}"


def _is_retired(home: Home, name: str) -> bool:
    return name in home.table("videos").channels()
