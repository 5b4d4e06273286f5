"""A YouTube link as a source: its videos come from memory, and memory is brought up to date first.

A row is always made of what was received, so a better parser needs no request.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from impressions_assets.channels.youtube_links import YouTubeLink
from impressions_assets.errors import SourceBroken, SourceError, SourceMissing
from impressions_assets.rows import Failed, Status, Track, Video
from impressions_assets.sources.source import Forecast, Log, Source
from impressions_assets.sources.youtube.feed import Feed
from impressions_assets.sources.youtube.lister import Lister, Place, Told, place_by_id
from impressions_assets.sources.youtube.memory import KeptVideo, Memory, State, listing_capture
from impressions_assets.sources.youtube.refresh import Refresh
from impressions_assets.storage.budget import utc_now
from impressions_assets.storage.captures import Raw
from impressions_assets.storage.digests import digest_of, key_of
from impressions_assets.storage.tables import WINDOW

Reader = Callable[[bytes], Told]

_PLACE = "listing/place"


class Captions(Protocol):
    """What fetches captions."""

    asks: str
    concurrency: int

    def offer(self, video_id: str) -> tuple[Track, ...]:
        """Tracks of a video that one can fetch."""

    def fetch(self, video_id: str, track: Track) -> bytes:
        """Bytes of a track."""


class Sounds(Protocol):
    """What fetches the sound of a page's video."""

    def fetch(self, what: str, url: str, folder: Path, log: Log) -> Path:
        """Download it into a folder; `log` is told how far that is."""


class YouTubeSource(Source):
    """The videos of a channel, a playlist or one video on YouTube."""

    kind = "youtube"

    def __init__(
        self,
        link: YouTubeLink,
        lister: Lister,
        feed: Feed,
        captions: Captions,
        raw: Raw,
        *,
        readers: Mapping[str, Reader],
        sounds: Sounds | None = None,
        access: str = "",
        sweep: bool = False,
        gone: Literal["keep", "purge"] = "keep",
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Ask nothing yet.

        Args:
            link: what the user named.
            lister: the way to list.
            feed: what tells whether anything changed.
            captions: what fetches captions.
            raw: where what was received is kept.
            readers: what reads the answers of each way to list, by its engine.
            sounds: what fetches sound; None where nobody wants any.
            access: names the login and the proxy, if any.
            sweep: ask for everything, as once a night, not only for what the feed tells.
            gone: what becomes of a video that is private or deleted by now.
            now: the clock.
        """
        self.name = link.url
        self.asks, self.concurrency = captions.asks, captions.concurrency
        self.access, self._readers = access, readers
        self._link, self._lister, self._feed, self._captions = link, lister, feed, captions
        self._sounds = sounds
        self._raw, self._sweep, self._gone, self._now = raw, sweep, gone, now

    def list_videos(self) -> Iterator[Video | Failed]:
        """Bring memory up to date, then stream what is in it, in the order of all work.

        When YouTube stops answering, what is known comes first, and the error last: the next call
        goes on where this one stopped, and asks nothing twice.

        Raises:
            SourceMissing: the link leads nowhere, or to no video.
            SourceUnreachable: no answer after several tries.
            SourceRefused: the user must mend something: a key, a cookies file.
            SourcePaused: the day's quota is spent, or YouTube takes us for a robot.
        """
        memory, trouble, num_items = None, None, 0
        try:
            memory = self._known() or self._memory_of(self._asked_place())
            Refresh(self._lister, self._feed, memory, self._now).run(sweep=self._sweep)
        except SourceError as error:
            trouble = error
        for item in self._rows(memory) if memory else ():
            num_items += 1
            yield item
        if trouble is not None:
            raise trouble
        if not num_items and memory is not None and self._is_empty(memory):
            raise SourceMissing(f"{self.name}: there is no video that everybody can see")

    def _is_empty(self, memory: Memory) -> bool:
        """Whether nothing ever was there; what was purged or forgotten was."""
        state = memory.state
        is_purged = self._gone == "purge" and bool(memory.videos(state.gone))
        return not is_purged and all(video_id in state.gone for video_id in state.ids)

    def known_videos(self) -> Iterator[Video | Failed]:
        """Stream what the last look knew; nobody is asked."""
        memory = self._known()
        if memory:
            yield from self._rows(memory)

    def forecast(self) -> Forecast:
        """Say what the next look would ask: of a link that was never listed, nobody can say."""
        memory = self._known()
        if memory is None or not memory.state.is_whole:
            note = f"{self.name} was not listed to its end yet: {self._lister.costs}"
            return Forecast(note=note)
        if self._sweep:
            note = f"{self.name}: a sweep of {len(memory.state.ids):,} videos: {self._lister.costs}"
            return Forecast(note=note)
        return Forecast(requests=int(memory.state.place.kind != "video"))

    def news(self) -> str:
        """Look at the feed; return what tells its state when that is new, '' when nothing is.

        One request, no quota. Of a link that was never listed nothing is new: its first run lists.
        Raises what `Feed.news` raises.
        """
        memory = self._known()
        if memory is None or memory.is_new or memory.state.place.kind == "video":
            return ""
        news = self._feed.news(memory.state.place, memory.state.news)
        if news is None or news.entries == memory.state.news.entries:
            return ""
        return digest_of(news.entries)[:16]

    def offer(self, video: Video) -> tuple[Track, ...]:
        """Tracks of a video that one can fetch."""
        return self._captions.offer(video.video_id)

    def sound(self, video: Video, folder: Path, log: Log) -> Path | None:
        """The sound of a video, fetched into a folder."""
        if self._sounds is None:
            return None
        return self._sounds.fetch(f"video {video.video_id}", video.url, folder, log)

    def fetch(self, video: Video, track: Track) -> bytes:
        """Bytes of a track."""
        return self._captions.fetch(video.video_id, track)

    def _known(self) -> Memory | None:
        """Return the memory of where the link leads; None when nobody asked for that yet."""
        kept = self._raw.kept([self._place_key], _PLACE, self._lister.engine).get(self._place_key)
        place = msgspec.json.decode(kept.body, type=Place) if kept else place_by_id(self._link)
        return self._memory_of(place) if place else None

    def _memory_of(self, place: Place) -> Memory:
        return Memory(self._raw, self._lister.engine, place, self._now)

    @property
    def _place_key(self) -> str:
        return f"listing:{self._link.url}"

    def _asked_place(self) -> Place:
        """Where a link leads is asked once: a channel keeps its id when its handle changes."""
        place = self._lister.place_of(self._link)
        body, engine = msgspec.json.encode(place), self._lister.engine
        self._raw.keep([listing_capture(self._place_key, _PLACE, engine, body, self._now())])
        return place

    def _rows(self, memory: Memory) -> Iterator[Video | Failed]:
        state = memory.state
        ids = sorted(set(state.ids), key=key_of)
        for start in range(0, len(ids), WINDOW):
            window = ids[start : start + WINDOW]
            kept = memory.videos(window)
            for video_id in window:
                yield from self._row(video_id, kept.get(video_id), state)
        if self._gone == "keep" and state.place.kind == "channel" and state.is_whole:
            yield from self._rows_before(state)

    def _rows_before(self, state: State) -> Iterator[Video | Failed]:
        """Videos that were listed another way, as before there was a key, and are no more."""
        for engine in self._readers.keys() - {self._lister.engine}:
            memory = Memory(self._raw, engine, state.place, self._now)
            lost = memory.videos(set(memory.state.ids) - set(state.ids))
            for video_id, kept in lost.items():
                status = memory.state.gone.get(video_id, "deleted")
                yield self._video(video_id, kept, status, self._readers[engine])

    def _row(self, video_id: str, kept: KeptVideo | None, state: State) -> Iterator[Video | Failed]:
        status = state.gone.get(video_id)
        if kept is not None and not (status and self._gone == "purge"):
            found = self._video(video_id, kept, status, self._lister.read)
            yield found
            if isinstance(found, Failed):
                return
        elif status and self._gone == "keep" and state.place.kind == "playlist":
            yield _unseen(video_id, status)
        waiting = state.waiting.get(video_id)
        if waiting:
            error = f"{self.name}: {video_id}: {waiting.why}; it is looked at again then"
            yield Failed(video_id=video_id, error=error, retry=True, not_before=waiting.until)

    def _video(
        self, video_id: str, kept: KeptVideo, status: Status | None, read: Reader
    ) -> Video | Failed:
        try:
            video = read(bytes(kept.item)).video
        except SourceBroken as broken:
            return Failed(video_id=video_id, error=f"{self.name}: {video_id}: {broken}")
        return msgspec.structs.replace(video, is_short=kept.is_short, status=status or video.status)


def _unseen(video_id: str, status: Status) -> Video:
    """A video that was gone before we ever saw it."""
    url = f"https://www.youtube.com/watch?v={video_id}"
    return Video(video_id=video_id, source="youtube", status=status, url=url)
