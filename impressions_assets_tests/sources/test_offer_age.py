"""How long captions are sought: until the video is old, or an answer is to another question."""

from datetime import timedelta

from impressions_assets.errors import (
    NoCaptions,
    NotYet,
)
from impressions_assets.rows import Video
from impressions_assets.storage.home import Home
from impressions_assets_tests.sources.tube import (
    AUTOMATIC,
    MANUAL,
    Clock,
    Tube,
    captures,
    clip,
    none_of,
    only_manual,
)


def test_an_old_video_without_captions_is_decided_for_good(home: Home) -> None:
    tube, clock = Tube(), Clock()
    tube.answers["a"] = none_of("none")
    for _ in range(3):
        offer = captures(home, tube, clock=clock).offers([clip("a")])["a"]
        assert isinstance(offer, NoCaptions)
        assert offer.reason == "none"
        clock.now += timedelta(days=300)
    assert tube.asked == ["a"]


def test_a_video_that_nobody_knows_the_age_of_is_decided(home: Home) -> None:
    tube = Tube()
    for video in (clip("a", None), Video(video_id="b", source="youtube", published="long ago")):
        tube.answers[video.video_id] = none_of()
        assert isinstance(captures(home, tube).offers([video])[video.video_id], NoCaptions)


def test_a_young_video_without_captions_is_asked_every_day_until_it_is_old(home: Home) -> None:
    tube, clock = Tube(), Clock()
    video = clip("a", days_old=12.5)
    tube.answers["a"] = none_of()
    for hours, num_asked in [(0, 1), (23, 1), (2, 2), (20, 2), (5, 3), (500, 3)]:
        clock.now += timedelta(hours=hours)
        offer = captures(home, tube, clock=clock).offers([video])["a"]
        assert len(tube.asked) == num_asked
        is_young = num_asked < 3
        assert isinstance(offer, NotYet if is_young else NoCaptions)
        if isinstance(offer, NotYet) and hours in (0, 2):
            assert offer.until == clock.now + timedelta(days=1)


def test_captions_that_came_late_are_found_on_the_next_look(home: Home) -> None:
    tube, clock = Tube(), Clock()
    tube.answers["a"] = none_of()
    captures(home, tube, clock=clock).offers([clip("a", days_old=1)])
    del tube.answers["a"]
    clock.now += timedelta(days=1)
    for _ in range(2):
        found = captures(home, tube, clock=clock).offers([clip("a", days_old=1)])
        assert found == {"a": (MANUAL,)}
        clock.now += timedelta(days=3)
    assert len(tube.asked) == 2


def test_captions_that_the_channel_cannot_use_are_no_captions_while_the_video_is_young(
    home: Home,
) -> None:
    tube, clock = Tube(), Clock()
    tube.answers = {"young": (AUTOMATIC,), "old": (AUTOMATIC,)}
    batch = [clip("young", days_old=1), clip("old")]
    found = captures(home, tube, clock=clock).offers(batch, only_manual)
    assert isinstance(found["young"], NotYet)
    assert found["old"] == (AUTOMATIC,)
    clock.now += timedelta(days=1)
    tube.answers = {"young": (MANUAL, AUTOMATIC)}
    found = captures(home, tube, clock=clock).offers(batch, only_manual)
    assert found == {"young": (MANUAL, AUTOMATIC), "old": (AUTOMATIC,)}
    assert tube.asked == ["young", "old", "young"]


def test_a_channel_that_can_use_them_asks_nothing(home: Home) -> None:
    tube, clock = Tube(), Clock()
    tube.answers["a"] = (AUTOMATIC,)
    captures(home, tube, clock=clock).offers([clip("a", days_old=1)], only_manual)
    clock.now += timedelta(days=2)
    assert captures(home, tube, clock=clock).offers([clip("a", days_old=1)]) == {"a": (AUTOMATIC,)}
    assert tube.asked == ["a"]


def test_an_answer_to_another_question_is_asked_anew(home: Home) -> None:
    first, second = Tube(), Tube("timedtext to de")
    captures(home, first).offers([clip("a")])
    captures(home, second).offers([clip("a")])
    captures(home, second).offers([clip("a")])
    assert second.asked == ["a"]
