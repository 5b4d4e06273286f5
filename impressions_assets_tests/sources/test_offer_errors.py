"""An error says nothing of a video, and after a pause nobody else is asked."""

from collections import Counter
from datetime import timedelta

import pytest

from impressions_assets.errors import (
    NotYet,
    SourceError,
    SourceRefused,
    SourceUnreachable,
    VideoUnavailable,
)
from impressions_assets.sources.bodies import capture_key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import SHARED
from impressions_assets_tests.sources.tube import (
    MANUAL,
    NOW,
    Tube,
    blocked,
    captures,
    clip,
)


@pytest.mark.parametrize(
    "error",
    [
        SourceUnreachable("no answer"),
        VideoUnavailable("gone", "gone"),
        NotYet("live", NOW + timedelta(hours=2)),
    ],
)
def test_an_error_says_nothing_that_is_kept(home: Home, error: SourceError) -> None:
    tube = Tube()
    tube.answers["a"] = error
    assert captures(home, tube).offers([clip("a"), clip("b")]) == {"a": error, "b": (MANUAL,)}
    del tube.answers["a"]
    assert captures(home, tube).offers([clip("a")]) == {"a": (MANUAL,)}


@pytest.mark.parametrize("error", [blocked(), SourceRefused("a wrong cookies file")])
def test_after_a_pause_or_a_refusal_nobody_else_is_asked(home: Home, error: SourceError) -> None:
    tube = Tube()
    batch = [clip(name) for name in "abcdef"]
    captures(home, tube).offers(batch[4:])
    tube.asked.clear()
    tube.answers["b"] = error
    found = captures(home, tube).offers(batch)
    assert tube.asked == ["a", "b"]
    assert [found[name] for name in "aef"] == [(MANUAL,)] * 3
    assert [found[name] for name in "bcd"] == [error] * 3
    del tube.answers["b"]
    tube.asked.clear()
    captures(home, tube).offers(batch)
    assert tube.asked == ["b", "c", "d"]


def test_after_a_pause_no_more_bytes_are_fetched_and_what_came_is_kept(home: Home) -> None:
    tube = Tube()
    wanted = [(clip(name), MANUAL) for name in "abcdef"]
    order = [video.video_id for video, _ in sorted(wanted, key=lambda pair: capture_key_of(*pair))]
    tube.bodies[order[2]] = error = blocked()
    found = captures(home, tube).fetch_all(wanted)
    assert tube.fetched == order[:3]
    keys = {name: capture_key_of(clip(name), MANUAL) for name in order}
    assert [found[keys[name]] for name in order[2:]] == [error] * 4
    tube.bodies.clear()
    tube.fetched.clear()
    assert all(isinstance(b, bytes) for b in captures(home, tube).fetch_all(wanted).values())
    assert tube.fetched == order[2:]


def test_what_came_before_something_unforeseen_is_kept(home: Home) -> None:
    tube = Tube()
    batch = [clip(name) for name in "bcd"]
    tube.answers["c"] = MemoryError()
    with pytest.raises(MemoryError):
        captures(home, tube).offers(batch)
    tube.answers.clear()
    wanted = [(video, MANUAL) for video in batch]
    last = max(wanted[1:], key=lambda pair: capture_key_of(*pair))[0].video_id
    tube.bodies[last] = MemoryError()
    with pytest.raises(MemoryError):
        captures(home, tube).fetch_all(wanted)
    kinds = Counter(row.kind for row in home.table("captures").rows(SHARED))
    assert kinds == {"captions/offer": 1, "captions/manual/timedtext": 2}
