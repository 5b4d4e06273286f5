"""Captions of YouTube's videos, through youtube-transcript-api: what is on offer, and its bytes.

Three requests a video: the watch page, the player, the track. What they tell is one of: tracks, no
captions, not yet, not for us, no answer, or that YouTube takes us for a robot. The last says
nothing of the video: no further request is begun, and everybody waits.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from youtube_transcript_api import RequestBlocked, Transcript, TranscriptList

from impressions_assets.errors import (
    Blocked,
    NoCaptions,
    SourceError,
    SourceUnreachable,
)
from impressions_assets.rows import Track
from impressions_assets.sources.youtube.outcomes import (
    FAILURES,
    block_in,
    check_captions,
    check_id,
    not_yet,
    outcome_of,
    track_missing,
)
from impressions_assets.sources.youtube.player import player_in
from impressions_assets.sources.youtube.politeness import Pace
from impressions_assets.sources.youtube.retries import Retries
from impressions_assets.sources.youtube.session import Line, PoliteAdapter, Way
from impressions_assets.sources.youtube.tracklist import tracks_of, transcript_at
from impressions_assets.storage.budget import Budget, Clock, utc_now

_REMEMBERED = 256


class CaptionClient:
    """Asks YouTube for captions; threads may share it."""

    def __init__(
        self,
        budget: Budget,
        pace: Pace,
        way: Way,
        translate_to: Sequence[str] = (),
        *,
        concurrency: int = 1,
        now: Clock = utc_now,
        retries: Retries = Retries(),
    ) -> None:
        """Ask nothing yet.

        Args:
            budget: a unit is spent for each video whose tracks are listed.
            pace: waits for the turn of each request.
            way: how YouTube is reached.
            translate_to: languages into which YouTube may translate, best first.
            concurrency: how many videos callers may ask for at once.
            now: the clock.
            retries: how often a request is made, when what went wrong may pass.
        """
        self.asks = " ".join(["timedtext", *(f"to {language}" for language in translate_to)])
        self.concurrency = concurrency
        self._translate_to = translate_to
        self._budget = budget
        self._way = way
        self._now = now
        self._adapter = PoliteAdapter(way, pace, retries, self._check_pause)
        self._lock = threading.Lock()
        self._idle: list[Line] = []
        self._lists: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._pause: Blocked | None = None

    def offer(self, video_id: str) -> tuple[Track, ...]:
        """List the tracks of a video: a person's, recognized ones, then translations.

        Raises:
            NoCaptions, VideoUnavailable, NotYet, SourceUnreachable, SourceRefused: as they say.
            Blocked, QuotaSpent: nobody may ask now; nothing is known of the video.
        """
        listed, tracklist = self._list(video_id)
        tracks = tracks_of(listed, self._translate_to)
        if not tracks:
            raise NoCaptions(f"video {video_id}: it has no captions", "none")
        with self._lock:
            self._lists[video_id] = tracklist
            while len(self._lists) > _REMEMBERED:
                self._lists.popitem(last=False)
        return tracks

    def fetch(self, video_id: str, track: Track) -> bytes:
        """Return a track as YouTube sends it. Raises what `offer` raises, and SourceMissing."""
        with self._lock:
            tracklist = self._lists.pop(video_id, None)
        tracklist = tracklist or self._list_again(video_id)
        with self._line(video_id) as line:
            listed = TranscriptList.build(line.session, video_id, tracklist)
            transcript = transcript_at(track.location, listed)
            return self._body_of(transcript, line)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.session.close()

    def _list(self, video_id: str) -> tuple[TranscriptList, dict[str, Any]]:
        """Return the tracks, and the answer that they were read from.

        The library's tracks hold on to the connection that listed them. The answer does not: any
        thread makes tracks of its own connection out of it.
        """
        check_id(video_id)
        self._check_pause()
        self._budget.spend()
        with self._line(video_id) as line:
            listed = line.api.list(video_id)
            player = player_in(line.last)
        if player.is_live:
            raise not_yet(video_id, player, self._now())
        return listed, player.tracklist

    def _list_again(self, video_id: str) -> dict[str, Any]:
        """List what an earlier run was offered: the addresses of tracks expire in hours."""
        try:
            return self._list(video_id)[1]
        except NoCaptions:
            raise track_missing(video_id) from None

    def _body_of(self, transcript: Transcript, line: Line) -> bytes:
        """Return what was received for a track.

        The library fetches it, and tells by parsing whether it is whole and captions at all; but
        it gives only what it parsed. So the bytes are taken from the connection.
        """
        for tries_left in reversed(range(self._tries_when_blocked)):
            try:
                transcript.fetch()
                break
            except RequestBlocked:  # of a listing the library does the same
                if not tries_left:
                    raise
        assert line.last is not None
        return check_captions(line.last.content)

    @property
    def _tries_when_blocked(self) -> int:
        proxy = self._way.proxy_config
        return max(1, proxy.retries_when_blocked if proxy else 1)

    @contextmanager
    def _line(self, video_id: str) -> Iterator[Line]:
        """Lend a connection to one thread; what the library raises comes out as our errors.

        As many are opened as are needed at once. One for each thread would be left open when
        the threads of a batch end.
        """
        line = self._take()
        try:
            yield line
        except SourceUnreachable as error:
            raise SourceUnreachable(f"video {video_id}: {error}; it is tried again") from None
        except FAILURES as raised:
            raise self._judged(video_id, raised, line) from None
        else:
            self._budget.worked()
        finally:
            with self._lock:
                self._idle.append(line)

    def _take(self) -> Line:
        with self._lock:
            line = self._idle.pop() if self._idle else Line(self._way, self._adapter)
        line.last = None
        return line

    def _judged(self, video_id: str, raised: Exception, line: Line) -> SourceError:
        if why := block_in(raised, line.last):
            with self._lock:
                self._pause = self._budget.pause(why)
            return self._pause
        outcome = outcome_of(video_id, raised, line.last, self._now())
        if not isinstance(outcome, SourceUnreachable):
            self._budget.worked()
        return outcome

    def _check_pause(self) -> None:
        """Raise while a block holds that this client has met."""
        with self._lock:
            if self._pause and self._pause.until <= self._now():
                self._pause = None
            if self._pause:
                raise Blocked(str(self._pause), self._pause.until, self._pause.service)
