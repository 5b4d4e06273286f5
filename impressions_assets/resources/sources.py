"""From a channel's declaration to its sources, ready to be read; what they open is closed again."""

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from impressions_assets.channels.channel import (
    ArchiveSource,
    Channel,
    DatasetSource,
    TextSource,
    YouTubeSource,
)
from impressions_assets.channels.channels_yaml import read_channels
from impressions_assets.resources.youtube import YouTubeClients
from impressions_assets.settings import Settings
from impressions_assets.sources import archive, dataset, text
from impressions_assets.sources.remembered import Remembered
from impressions_assets.sources.source import Source
from impressions_assets.sources.youtube.retries import Retries
from impressions_assets.storage.home import Home


class Sources:
    """Opens sources; those of one look share what they can."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        stack: ExitStack,
        *,
        retries: Retries = Retries(),
        remember: bool = True,
    ) -> None:
        """Open nothing yet; what is opened is closed with the stack.

        Args:
            home: the storage root; its channels.yaml says how YouTube is asked.
            settings: where scratch is, and how YouTube is reached.
            stack: closes what is opened.
            retries: how often a request is made.
            remember: keep what unchanged files gave; a plan writes nothing.
        """
        self._retries = retries
        self._remembered = Remembered(settings.scratch if remember else None)
        self._home, self._settings, self._stack = home, settings, stack

    def open(self, channel: Channel, *, sweep: bool = False) -> list[Source]:
        """Open the sources of a channel; nothing is read, and nobody asked, yet."""
        return [self._open(channel, spec, sweep) for spec in channel.sources]

    def _open(self, channel: Channel, spec: object, sweep: bool) -> Source:
        if isinstance(spec, YouTubeSource):
            return self.youtube.source(channel, spec.youtube, sweep=sweep)
        if isinstance(spec, ArchiveSource):
            return archive.ArchiveSource(Path(spec.archive), spec.archive, self._remembered)
        if isinstance(spec, TextSource):
            return text.TextSource(Path(spec.text), spec.text)
        assert isinstance(spec, DatasetSource)
        return dataset.DatasetSource(
            spec.dataset, spec.split, spec.text_column, spec.limit, spec.config
        )

    @cached_property
    def youtube(self) -> YouTubeClients:
        """YouTube's clients; only who needs them must have its settings right."""
        access, limits = self._settings.youtube, read_channels(self._home).youtube
        return YouTubeClients(self._home, access, limits, self._stack, retries=self._retries)
