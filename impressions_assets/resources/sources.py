"""From a channel's declaration to its sources, ready to be read; what they open is closed again."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

from impressions_assets.channel_settings import YouTubeSettings
from impressions_assets.channels import (
    ArchiveSource,
    Channel,
    DatasetSource,
    TextSource,
    YouTubeSource,
)
from impressions_assets.home import Home
from impressions_assets.resources.youtube import YouTube
from impressions_assets.settings import Settings
from impressions_assets.sources import archive, dataset, text
from impressions_assets.sources.source import Source
from impressions_assets.sources.youtube.retries import Retries


class Sources:
    """Opens sources; those of one look share what they can."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        limits: YouTubeSettings,
        stack: ExitStack,
        retries: Retries = Retries(),  # noqa: B008 - it is frozen
    ) -> None:
        """Open nothing yet; what is opened is closed with the stack."""
        self._retries = retries
        self._home, self._settings, self._limits, self._stack = home, settings, limits, stack

    def open(self, channel: Channel, *, sweep: bool = False) -> list[Source]:
        """Open the sources of a channel; nothing is read, and nobody asked, yet."""
        return [self._open(channel, spec, sweep) for spec in channel.sources]

    def _open(self, channel: Channel, spec: object, sweep: bool) -> Source:
        if isinstance(spec, YouTubeSource):
            return self.youtube.source(channel, spec.youtube, sweep=sweep)
        if isinstance(spec, ArchiveSource):
            return archive.ArchiveSource(Path(spec.archive), spec.archive)
        if isinstance(spec, TextSource):
            return text.TextSource(Path(spec.text), spec.text)
        assert isinstance(spec, DatasetSource)
        return dataset.DatasetSource(
            spec.dataset, spec.split, spec.text_column, spec.limit, spec.config
        )

    @cached_property
    def youtube(self) -> YouTube:
        """YouTube's clients; only who needs them must have its settings right."""
        return YouTube(
            self._home, self._settings.youtube, self._limits, self._stack, retries=self._retries
        )


@contextmanager
def opened(
    home: Home,
    settings: Settings,
    limits: YouTubeSettings,
    channel: Channel,
    *,
    sweep: bool = False,
) -> Iterator[list[Source]]:
    """Give a channel's sources for the time of the block."""
    with ExitStack() as stack:
        yield Sources(home, settings, limits, stack).open(channel, sweep=sweep)
