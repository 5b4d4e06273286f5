"""What an answer of YouTube changes in the memory of a link: rows, and what is to be done later."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from impressions_assets.errors import SourceBroken
from impressions_assets.sources.youtube.lister import Answer, Lister, Told
from impressions_assets.sources.youtube.memory import (
    KeptVideo,
    Memory,
    Undecided,
    Waiting,
)
from impressions_assets.sources.youtube.shorts import may_be_short

_LOOK_AGAIN = timedelta(hours=1)
_LONGEST_WAIT = timedelta(days=1)


class Answers:
    """Takes the answers of one refresh."""

    def __init__(self, lister: Lister, memory: Memory, now: Callable[[], datetime]) -> None:
        """Change nothing yet."""
        self._lister, self._memory, self._state, self._now = lister, memory, memory.state, now

    def take(self, answer: Answer) -> None:
        """Keep what is told with the next flush of the memory."""
        state, before = self._state, self._memory.videos(answer.ids)
        for video_id, item in answer.items.items():
            self._take_item(video_id, item, before.get(video_id))
        for video_id, status in answer.gone.items():
            is_news = video_id not in before and status == "deleted"
            if is_news and video_id not in state.waiting and state.place.kind != "video":
                self._wait(video_id, "YouTube lists it, but tells nothing of it yet")
            else:
                state.gone[video_id] = status
                state.waiting.pop(video_id, None)
        for video_id, error in answer.errors.items():
            self._wait(video_id, str(error))
        state.lost = [video_id for video_id in state.lost if video_id not in answer.ids]

    def _take_item(self, video_id: str, item: bytes, before: KeptVideo | None) -> None:
        state = self._state
        try:
            told = self._lister.read(item)
        except SourceBroken as error:
            self._wait(video_id, str(error))
            return
        state.gone.pop(video_id, None)
        shown = (e.is_short for e in state.news.entries if e.video_id == video_id)
        seen = told.is_short if told.is_short is not None else next(shown, None)
        is_short = seen if seen is not None else before is not None and before.is_short
        video = KeptVideo(msgspec.Raw(item), is_short)
        if video != before:
            self._memory.add(video_id, video)
        self.note_live(told)
        if before is None and seen is None and may_be_short(told.video):
            state.undecided[video_id] = Undecided(told.channel_id, told.video.published or "")
        if video_id in state.lost:
            self._take_lost(video_id, told)

    def _take_lost(self, video_id: str, told: Told) -> None:
        """It can be had, but is not listed: it left the playlist, or its channel hides it."""
        if self._state.place.kind == "playlist":
            self._state.ids.remove(video_id)
        elif not told.is_public:
            self._state.gone[video_id] = "private"

    def note_live(self, told: Told) -> None:
        """A stream that is to come or goes on is looked at again; nothing else is waited for."""
        if told.video.live == "upcoming":
            self._wait(told.video.video_id, "it is a live stream that is to come", told.starts)
        elif told.video.live == "live":
            self._wait(told.video.video_id, "it is a live stream that goes on")
        else:
            self._state.waiting.pop(told.video.video_id, None)

    def _wait(self, video_id: str, why: str, until: datetime | None = None) -> None:
        """Name the time of the next look: `until` when it is to come, else later each time."""
        before = self._state.waiting.get(video_id)
        count = before.count if before else 0
        if until and until > self._now():
            then = until.astimezone(UTC)
        else:
            then = self._now() + min(_LOOK_AGAIN * 2 ** min(count, 10), _LONGEST_WAIT)
            count += 1
        self._state.waiting[video_id] = Waiting(then.isoformat(timespec="seconds"), why, count)
