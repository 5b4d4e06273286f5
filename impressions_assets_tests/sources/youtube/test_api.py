"""The Data API's client against a server: what it pays, what it tries again, what it tells."""

import pytest

from impressions_assets.errors import QuotaSpent, SourceRefused, SourceUnreachable
from impressions_assets.sources.youtube.api import service_name
from impressions_assets_tests.servers.youtube import Answer
from impressions_assets_tests.sources.youtube.conftest import KEY

VIDEOS = "/youtube/v3/videos"


@pytest.fixture
def clips(world, owner):
    return world.uploads(owner, 3)


@pytest.fixture
def lister(visitor):
    return visitor.lister()


def test_the_key_travels_in_a_header_and_in_no_address(youtube, clips, lister):
    lister.videos([clips[0].video_id])
    (request,) = youtube.asked(VIDEOS)
    assert request.headers["x-goog-api-key"] == KEY
    assert KEY not in str(request.query)


@pytest.mark.parametrize("fault", [429, 500, 503, "cut"])
def test_what_may_work_a_moment_later_is_tried_again(youtube, clips, lister, visitor, fault):
    youtube.fail(VIDEOS, fault, fault)
    assert lister.videos([clips[0].video_id]).items.keys() == {clips[0].video_id}
    assert len(visitor.slept) == 2
    assert 0.5 <= visitor.slept[0] <= 1.0 <= visitor.slept[1] <= 2.0


def test_a_server_that_hangs_is_left_after_the_time_limit_and_asked_again(youtube, clips, visitor):
    visitor.timeout_seconds = 0.5
    youtube.fail(VIDEOS, "hang")
    assert visitor.lister().videos([clips[0].video_id]).items
    assert len(youtube.asked(VIDEOS)) == 2


def test_after_four_tries_the_ledger_is_left_to_try_again(youtube, clips, lister):
    youtube.fail(VIDEOS, *[500] * 9)
    with pytest.raises(SourceUnreachable, match="1 videos: it answered 500") as caught:
        lister.videos([clips[0].video_id])
    assert caught.value.retry
    assert len(youtube.asked(VIDEOS)) == 4


def test_every_try_is_paid_before_it_is_made(youtube, clips, visitor):
    visitor.limit = 3
    youtube.fail(VIDEOS, *[500] * 9)
    with pytest.raises(QuotaSpent):
        visitor.lister().videos([clips[0].video_id])
    assert len(youtube.asked(VIDEOS)) == 3


def test_a_server_that_is_not_there_is_unreachable(clips, visitor):
    visitor.youtube = type("Nobody", (), {"url": "http://127.0.0.1:9"})()
    with pytest.raises(SourceUnreachable, match="ConnectionRefusedError"):
        visitor.lister().videos([clips[0].video_id])


def test_a_wrong_key_is_the_users_to_mend(visitor, clips):
    visitor.key = "wrong"
    with pytest.raises(SourceRefused, match="not valid: check DEVELOPER_KEY") as caught:
        visitor.lister().videos([clips[0].video_id])
    assert not caught.value.retry


def test_a_key_restricted_to_web_sites_says_which_restriction_to_lift(visitor, youtube, clips):
    youtube.api_keys["restricted"] = "https://example.org"
    visitor.key = "restricted"
    with pytest.raises(SourceRefused, match="certain web sites .*credentials"):
        visitor.lister().videos([clips[0].video_id])


def test_no_key_at_all_says_what_google_said(visitor, clips):
    visitor.key = ""
    with pytest.raises(SourceRefused, match="API Key"):
        visitor.lister().videos([clips[0].video_id])


def test_keys_have_a_quota_each_under_a_name_that_does_not_tell_them():
    assert service_name("one") != service_name("two")
    assert "one" not in service_name("one")


SAID = {
    "older, an array": (
        403,
        '{"error": {"errors": [{"reason": "dailyLimitExceeded"}], "code": 403}}',
        QuotaSpent,
    ),
    "not enabled": (
        403,
        '{"error": {"code": 403, "message": "x", "details": [{"reason": "SERVICE_DISABLED"}]}}',
        SourceRefused,
    ),
    "no JSON": (403, "<html>Forbidden</html>", SourceRefused),
    "empty": (403, "", SourceRefused),
    "a list": (403, "[]", SourceUnreachable),
    "slower": (
        403,
        '{"error": {"errors": [{"reason": "rateLimitExceeded"}], "message": "x"}}',
        SourceUnreachable,
    ),
    "cut": (200, '{"items": [', SourceUnreachable),
    # Without items it would say that the videos are gone, or that a playlist ends here.
    "of somebody between": (200, '{"status": "maintenance"}', SourceUnreachable),
}


@pytest.mark.parametrize("name", SAID)
def test_errors_are_understood_in_every_shape_that_google_has_given_them(
    visitor, youtube, clips, name
):
    status, body, error = SAID[name]
    answer = Answer(status, body.encode(), {"Content-Type": "application/json"})
    youtube.fail(VIDEOS, *[answer] * 4)
    with pytest.raises(error):
        visitor.lister().videos([clips[0].video_id])


@pytest.mark.parametrize("fault", [None, 400, 403, 404, 429, 500, "cut", "hang"])
def test_the_key_is_in_no_message_and_no_log_at_any_level(
    visitor, youtube, owner, clips, full_log, capfd, fault
):
    visitor.timeout_seconds = 0.1
    visitor.key = secret = "AIza-very-secret-0123456789"
    youtube.api_keys[secret] = ""
    if fault:
        youtube.fail("/youtube/v3/.*", *[fault] * 9)
    seen = visitor.look("handle", owner.handle)
    assert bool(seen.error) == bool(fault)
    chain, error = [], seen.error
    while error:
        chain.append(f"{error!r} {error} {getattr(error, '__dict__', '')}")
        error = error.__cause__ or error.__context__
    assert secret not in full_log.text + str(chain) + "".join(capfd.readouterr())
    assert secret not in str([request.query for request in youtube.requests])
