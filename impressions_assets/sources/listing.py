"""All sources of a channel as one list of videos: filtered, each id once, no source lost silently.

A source that cannot be read does not stop the others; its error is kept, and the listing is then
incomplete, so that nobody takes what it did not say for removals.
"""

from collections.abc import Iterator, Sequence

from impressions_assets.errors import SourceError, SourcePaused
from impressions_assets.rows import SECOND, SOURCE, Failed, Video
from impressions_assets.sources.filters import Filters, select
from impressions_assets.sources.source import Source
from impressions_assets.storage.digests import key_of


class Listing:
    """What a channel's sources list, in the order of all work."""

    def __init__(
        self, sources: Sequence[Source], filters: Filters, *, known_only: bool = False
    ) -> None:
        """Take the sources in the order in which they win when two name the same id.

        With `known_only` nobody is asked over a network.
        """
        self._sources = sources
        self._known_only = known_only
        self._filters = filters
        self.errors: list[SourceError] = []

    def is_complete(self) -> bool:
        """Whether every source was read to its end."""
        return not self.errors

    def failure(self) -> SourceError | None:
        """Say why no source at all could be read to its end; None when one could."""
        return self.errors[0] if self.errors and len(self.errors) == len(self._sources) else None

    def pause(self) -> SourcePaused | None:
        """Say until when a source wants to be left alone; the earliest of several."""
        pauses = [error for error in self.errors if isinstance(error, SourcePaused)]
        return min(pauses, key=lambda pause: pause.until, default=None)

    def __iter__(self) -> Iterator[Video | Failed]:
        """Yield the videos that belong to the channel, and what could not be read.

        A source that could not be read is such a failure too, unless it only wants to be left
        alone; `failure` says whether any was read at all.
        """
        self.errors = []
        videos: dict[str, Video] = {}
        failed: list[Failed] = []
        for source in self._sources:
            try:
                for item in source.known_videos() if self._known_only else source.list_videos():
                    if isinstance(item, Failed):
                        failed.append(item)
                    elif (
                        clash := _clash(videos.setdefault(item.video_id, item), item)
                    ) is not None:
                        failed.append(clash)
            except SourceError as error:
                self.errors.append(error)
                if not isinstance(error, SourcePaused):
                    failed.append(_unread(source, error))
        yield from failed
        yield from sorted(select(self._filters, videos.values()), key=lambda v: key_of(v.video_id))


def _unread(source: Source, error: SourceError) -> Failed:
    return Failed(video_id=f"{SOURCE}{source.name}", error=str(error), retry=error.retry)


def _clash(first: Video, second: Video) -> Failed | None:
    if first is second or first == second:
        return None
    if first.source == second.source == "youtube":  # one video, before and after an edit
        return None
    return Failed(
        video_id=f"{second.video_id}{SECOND}",
        error=f"video {second.video_id!r} comes from two sources of this channel with different "
        f"content: {first.title!r} stays, {second.title!r} is left out. Remove it from one source",
    )
