"""A plan says what a language model would be asked, from lengths alone."""

from impressions_assets.channels.channel import Channel
from impressions_assets.cli.asking import model_requests
from impressions_assets.rows import Article, Video
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry

MODEL = {"url": "http://h/v1", "model": "q3", "window_words": 1000, "daily_requests": 4}
BOTH = {"chapters": {"titles": "language_model"}, "articles": {"rewrite": True}}


def channel(**settings: object) -> Channel:
    return Channel(name="talks", sources=[{"archive": "/a"}], **settings)


def keys(*names: str) -> frozenset[str]:
    return frozenset(map(key_of, names))


def test_requests_words_and_days_are_told(home: Home) -> None:
    long = Video(video_id="long", source="archive", duration_seconds=1000.0)
    known = Video(video_id="known", source="archive", duration_seconds=1.0)
    page = Article(video_id="known", title="T", markdown="x", num_words=1001)
    home.table("videos").put("talks", [Entry(long), Entry(known)])
    home.table("articles").put("talks", [Entry(page)])
    due = {"chapters": keys("long"), "articles": keys("long", "known", "new")}
    said = list(model_requests(home, channel(language_model=MODEL, **BOTH), due))
    assert said[0].startswith("asks q3 for titles: up to 1 request, ")
    assert said[1] == (
        "asks q3 to rewrite: about 5 requests for 3,501 words, and at least one for each of 1 "
        "whose length is not known"
    )
    assert said[-1] == "`daily_requests` allows 4 a day: 2 days"


def test_nothing_is_told_where_nothing_is_due_or_no_model_is_asked(home: Home) -> None:
    asking = channel(language_model=MODEL, **BOTH)
    assert list(model_requests(home, asking, {"chapters": keys(), "videos": keys("a")})) == []
    due = {"chapters": keys("a"), "articles": keys("a")}
    assert list(model_requests(home, channel(language_model=MODEL), due)) == []
    assert list(model_requests(home, channel(), due)) == []
