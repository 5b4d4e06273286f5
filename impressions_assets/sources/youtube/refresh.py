"""What is asked of YouTube so that the memory of a link is true again, and as little as that.

- The first time the whole playlist is walked through, 50 at a time, and each page's videos are
  asked for. Whatever stops it, it goes on where it stopped.
- Later the feed is asked, for no quota: new ids, changed titles, descriptions or times of update,
  and ids that are missing although older ones are shown, are asked for. When none of its ids is
  known, more came than it holds: the playlist is read from its top down to one that is. When there
  is no feed, the playlist's top is read in its place. A playlist whose feed shows other ids, or in
  another order, is walked through: additions may stand anywhere. Those below its first 15 are
  found by the sweep.
- The sweep walks through everything and asks for every video, with the ETags of the last sweep;
  without a key only for those that are new, missing, or of another title: one by one is slow.

What is to be asked for is noted before it is asked, together with what told of it.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import msgspec

from impressions_assets.errors import SourceError, SourceMissing
from impressions_assets.sources.youtube.answers import Answers
from impressions_assets.sources.youtube.feed import FEED_LENGTH, Feed, News
from impressions_assets.sources.youtube.lister import Lister, Page, StaleToken
from impressions_assets.sources.youtube.memory import Memory, WalkedPage
from impressions_assets.sources.youtube.shorts import decide_shorts

_COMMIT_EVERY = 10  # pages or batches that brought nothing new


class Refresh:
    """Brings the memory of one link up to date."""

    def __init__(
        self, lister: Lister, feed: Feed, memory: Memory, now: Callable[[], datetime]
    ) -> None:
        """Ask nothing yet."""
        self._lister, self._feed, self._memory, self._now = lister, feed, memory, now
        self._state = memory.state
        self._answers = Answers(lister, memory, now)

    def run(self, *, sweep: bool) -> None:
        """Ask what must be asked. Raises SourceError; what was answered until then is kept."""
        state = self._state
        try:
            now = self._now().isoformat()
            self._note_due(v for v, waiting in state.waiting.items() if waiting.until <= now)
            if state.place.kind == "video":
                self._look_at_video(sweep)
            elif self._must_walk(sweep):
                self._walk(None, sweep=sweep)
            else:
                self._look_at_feed()
            self._ask_for_due()
            self._sweep_videos()
            decide_shorts(self._lister, self._memory)
        finally:
            self._memory.flush()

    # What is due

    def _must_walk(self, sweep: bool) -> bool:
        """A sweep whose walk is done already goes on below, beside what the feed tells."""
        state = self._state
        is_swept = sweep and state.num_swept is None
        return is_swept or not state.is_whole or state.walk is not None

    def _look_at_video(self, sweep: bool) -> None:
        state, video_id = self._state, self._state.place.id
        never_seen = video_id in state.gone and not self._memory.videos([video_id])
        if sweep or never_seen or not state.is_whole:
            self._note_due([video_id])
            state.ids, state.is_whole = [video_id], True

    def _look_at_feed(self) -> None:
        state = self._state
        try:
            news = self._feed.news(state.place, state.news)
        except SourceError:  # the playlist tells whether anything is wrong but the feed
            news, state.is_behind = None, True
        if news is not None:
            self._note_news(news)
        self._read_top()

    def _note_news(self, news: News) -> None:
        state, is_channel = self._state, self._state.place.kind == "channel"
        before = {entry.video_id: entry for entry in state.news.entries}
        known, shown = set(state.ids), [entry.video_id for entry in news.entries]
        self._note_due(
            entry.video_id
            for entry in news.entries
            if entry.video_id in state.gone or before.get(entry.video_id, entry) != entry
        )
        self._note_lost(_missing(news, state.news) if is_channel else ())
        state.news = news
        if not is_channel and shown != list(before):
            self._walk(news, sweep=False)
        elif len(shown) >= FEED_LENGTH and known.isdisjoint(shown):
            state.is_behind = True
        else:
            self._add([video_id for video_id in shown if video_id not in known], at_top=True)

    def _read_top(self) -> None:
        """Read pages from the top down to a video that is known; interrupted, it begins anew."""
        state, known = self._state, set(self._state.ids)
        fresh = {entry.video_id: None for entry in state.news.entries}
        token: str | None = ""
        while state.is_behind and token is not None:
            page = self._lister.page(state.place.playlist_id, token) or Page(())
            fresh |= dict.fromkeys(page.ids)
            token = page.next_token if known.isdisjoint(page.ids) else None
        if state.is_behind:
            self._add([video_id for video_id in fresh if video_id not in known], at_top=True)
            state.is_behind = False

    def _walk(self, news: News | None, *, sweep: bool) -> None:
        """Go through the whole playlist, or on with that.

        The feed is asked before it, so that what changes meanwhile is seen as a change later.
        """
        state = self._state
        if state.walk is None:
            state.news = news or self._news_now()
            state.walk, state.is_sweep = [], sweep
        token = state.walk[-1].page.next_token if state.walk else ""
        is_anew = False
        while token is not None:
            self._ask_for_due()
            try:
                page = self._page(token)
            except StaleToken:
                if is_anew:
                    raise
                is_anew = True
                state.walk, state.pages = [], []  # their ETags would bring back the same token
                page = self._page(token := "")
            self._take_page(token, page)
            token = page.next_token
        self._finish_walk(state.walk)

    def _news_now(self) -> News:
        try:
            return self._feed.news(self._state.place, News()) or News()
        except SourceError:
            return News()

    def _page(self, token: str) -> Page:
        before = next((walked.page for walked in self._state.pages if walked.token == token), None)
        place, etag = self._state.place, before.etag if before else ""
        try:
            return self._lister.page(place.playlist_id, token, etag) or before or Page(())
        except SourceMissing as error:
            if place.kind == "playlist":
                raise
            raise SourceMissing(
                f"channel {place.id}: it has no public videos (yet), or there is no such channel"
            ) from error

    def _take_page(self, token: str, page: Page) -> None:
        state = self._state
        assert state.walk is not None
        state.walk.append(WalkedPage(token, msgspec.structs.replace(page, titles={})))
        self._note_due(v for v in page.ids if v in state.gone and v not in page.gone)
        if state.is_sweep and page.titles:
            self._note_due(self._renamed(page))
        known = set(state.ids)
        fresh = [video_id for video_id in page.ids if video_id not in known]
        state.gone |= page.gone
        self._add(fresh)
        if len(state.walk) % _COMMIT_EVERY == 0:
            self._memory.flush()

    def _renamed(self, page: Page) -> list[str]:
        titles = {
            video_id: self._lister.read(bytes(video.item)).video.title
            for video_id, video in self._memory.videos(page.titles).items()
        }
        return [video_id for video_id in titles if titles[video_id] != page.titles[video_id]]

    def _finish_walk(self, walk: list[WalkedPage]) -> None:
        """What was known and is not listed any more is asked for: it is gone, or it left."""
        state = self._state
        listed = dict.fromkeys(video_id for walked in walk for video_id in walked.page.ids)
        unlisted = [video_id for video_id in state.ids if video_id not in listed]
        state.ids = [*listed, *unlisted]
        self._note_lost(unlisted)
        state.pages, state.walk = walk, None
        state.is_whole = True
        if state.is_sweep and self._lister.asks_for_all:
            state.num_swept = 0

    def _sweep_videos(self) -> None:
        """Ask for every video; the oldest first, so that new ones leave the batches as they are."""
        state = self._state
        if state.num_swept is None:
            return
        ids = [video_id for video_id in reversed(state.ids) if video_id not in state.gone]
        length = self._lister.batch_length
        batches = [ids[start : start + length] for start in range(0, len(ids), length)]
        kept, state.etags = state.etags, dict(state.etags)
        for number, batch in enumerate(batches):
            if number < state.num_swept:
                continue
            name = _digest_of(batch)
            answer = self._lister.videos(batch, kept.get(name, ""))
            if answer is not None:
                self._answers.take(answer)
                self._note_due(video_id for video_id in batch if video_id not in answer.ids)
                state.etags[name] = answer.etag
            state.num_swept = number + 1
            if number % _COMMIT_EVERY == 0:
                self._memory.flush()
        names = {_digest_of(batch) for batch in batches}
        state.etags = {name: etag for name, etag in state.etags.items() if name in names}
        state.num_swept = None

    # What is asked and answered

    def _add(self, fresh: Sequence[str], *, at_top: bool = False) -> None:
        """Take up new videos; of those that another link had asked for today, nothing is asked."""
        state = self._state
        state.ids = [*fresh, *state.ids] if at_top else [*state.ids, *fresh]
        there = [video_id for video_id in fresh if video_id not in state.gone]
        kept = self._memory.videos(there, fresh=True) if there else {}
        for video in kept.values():
            self._answers.note_live(self._lister.read(bytes(video.item)))
        self._note_due(video_id for video_id in there if video_id not in kept)

    def _note_due(self, ids: Iterable[str]) -> None:
        self._state.due = list(dict.fromkeys((*self._state.due, *ids)))

    def _note_lost(self, ids: Iterable[str]) -> None:
        lost = [video_id for video_id in ids if video_id not in self._state.gone]
        self._state.lost = list(dict.fromkeys((*self._state.lost, *lost)))
        self._note_due(lost)

    def _ask_for_due(self) -> None:
        state = self._state
        while state.due:
            batch = state.due[: self._lister.batch_length]
            answer = self._lister.videos(batch)
            assert answer is not None  # nothing was asked of a kind that can be unchanged
            self._answers.take(answer)
            state.due = [video_id for video_id in state.due if video_id not in answer.ids]
            self._memory.flush()


def _missing(news: News, before: News) -> list[str]:
    """Videos that a channel's feed showed and shows no more, though it shows older ones."""
    shown = {entry.video_id for entry in news.entries}
    published = [entry.published for entry in news.entries]
    oldest = min(published) if len(published) >= FEED_LENGTH else ""
    return [e.video_id for e in before.entries if e.video_id not in shown and e.published > oldest]


def _digest_of(ids: Sequence[str]) -> str:
    return hashlib.sha256(",".join(ids).encode()).hexdigest()[:16]
