"""What a run would ask of a language model: about how much, said before it costs anything."""

from collections.abc import Iterator, Mapping, Set
from math import ceil
from typing import TYPE_CHECKING

from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home

if TYPE_CHECKING:
    from impressions_assets.channels.channel import Channel

_WORDS_A_SECOND = 2.5


def model_requests(home: Home, channel: "Channel", due: Mapping[str, Set[str]]) -> Iterator[str]:
    """Say how many requests the due rows of each table take, and how many days, with a limit.

    How many words a talk has, its article says where there is one, else its length: no transcript
    is read for this.
    """
    model = channel.language_model
    if model is None:
        return
    most = 0
    titles = due.get("chapters", ()) if channel.chapters.titles == "language_model" else ()
    if titles:
        most += len(titles)
        yield (
            f"asks {model.model} for titles: up to {_requests(len(titles))}, one for each video "
            "whose chapters nobody lists"
        )
    pages = due.get("articles", ()) if channel.articles.rewrite else ()
    if pages:
        words = _words(home, channel.name)
        known = {key: words[key] for key in pages if words.get(key)}
        needed = sum(ceil(found / model.window_words) for found in known.values())
        unknown = len(pages) - len(known)
        most += needed + unknown
        more = f", and at least one for each of {unknown:,} whose length is not known" * (
            unknown > 0
        )
        yield (
            f"asks {model.model} to rewrite: about {_requests(needed)} for "
            f"{sum(known.values()):,.0f} words{more}"
        )
    if most:
        yield "one that is kept is not made again; an answer that does not fit is asked for twice"
    if model.daily_requests and most > model.daily_requests:
        days = ceil(most / model.daily_requests)
        yield f"`daily_requests` allows {model.daily_requests:,} a day: {days:,} days"


def _words(home: Home, channel: str) -> dict[str, float]:
    """About how many words each video has, by key."""
    lengths = home.table("videos").columns(channel, "video_id", "duration_seconds")
    written = home.table("articles").columns(channel, "video_id", "num_words")
    spoken = {key_of(name): _WORDS_A_SECOND * (seconds or 0) for name, seconds in lengths}
    return spoken | {key_of(name): float(words) for name, words in written if words}


def _requests(count: int) -> str:
    return f"{count:,} request{'s' * (count != 1)}"
