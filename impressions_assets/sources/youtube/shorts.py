"""Which videos are Shorts. The Data API does not say; the cheapest places that do are asked.

The feed names the page of each of a channel's 15 newest videos, `/shorts/…` or not, for no quota.
For other videos of up to 180 seconds the playlist `UUSH…` of their channel is read, newest first,
down to the oldest of them: 50 Shorts a unit. A channel without short videos costs nothing.
"""

from msgspec.structs import replace

from impressions_assets.errors import SourceMissing
from impressions_assets.rows import Video
from impressions_assets.sources.youtube.lister import Lister, Page, StaleToken
from impressions_assets.sources.youtube.memory import Memory, State

_LONGEST_SECONDS = 180


def may_be_short(video: Video) -> bool:
    """Say whether it is short enough for a Short (https://support.google.com/youtube/answer/15424877)."""
    seconds = video.duration_seconds
    return seconds is not None and seconds <= _LONGEST_SECONDS and video.live == "none"


def decide_shorts(lister: Lister, memory: Memory) -> None:
    """Find out which of the undecided videos are Shorts; interrupted, it goes on from that page."""
    state = memory.state
    for channel_id in {undecided.channel_id for undecided in state.undecided.values()}:
        is_anew = False
        while ours := {v for v, u in state.undecided.items() if u.channel_id == channel_id}:
            try:
                page = _page(lister, channel_id, state.short_tokens.get(channel_id, ""))
            except StaleToken:
                if is_anew or channel_id not in state.short_tokens:
                    raise
                is_anew = True
                del state.short_tokens[channel_id]
                continue
            found = ours & set(page.ids)
            for video_id, video in memory.videos(found).items():
                memory.add(video_id, replace(video, is_short=True))
            _forget(state, found)
            oldest = min((state.undecided[v].published for v in ours - found), default="")
            if page.next_token is None or (page.oldest is not None and page.oldest < oldest):
                _forget(state, ours)
            state.short_tokens[channel_id] = page.next_token or ""
            memory.flush()
        state.short_tokens.pop(channel_id, None)


def _page(lister: Lister, channel_id: str, token: str) -> Page:
    """A channel without Shorts has no such playlist."""
    try:
        return lister.page(f"UUSH{channel_id[2:]}", token) or Page(())
    except SourceMissing:
        return Page(())


def _forget(state: State, ids: set[str]) -> None:
    for video_id in ids:
        state.undecided.pop(video_id, None)
