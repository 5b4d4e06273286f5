"""Where this installation keeps its things, opened for a command."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from impressions_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    import dagster as dg

    from impressions_assets.channels.channel import Channel, Channels
    from impressions_assets.storage.home import Home


@dataclass
class Place:
    """The storage root, its channels and Dagster's instance; each is opened when it is needed."""

    settings: Settings

    @cached_property
    def home(self) -> "Home":
        """The storage root."""
        from impressions_assets.storage.home import Home

        return Home(self.settings.storage)

    @cached_property
    def instance(self) -> "dg.DagsterInstance":
        """Dagster's instance: runs, events, schedules."""
        from impressions_assets.runs import open_instance

        return open_instance(self.settings.dagster_home)

    def channels(self) -> "Channels":
        """Read channels.yaml."""
        from impressions_assets.channels.channels_yaml import read_channels

        return read_channels(self.home)

    def channel(self, name: str) -> "Channel":
        """Return one channel of channels.yaml."""
        from impressions_assets.channels.channels_yaml import channel_named

        return channel_named(self.home, name)

    def check_known(self, name: str) -> None:
        """Refuse a name that is no channel, neither in channels.yaml nor retired."""
        if name not in self.home.table("videos").channels():
            self.channel(name)


def open_place() -> Place:
    """Open the place that the environment names."""
    return Place(load_settings())
