"""What was recognized is kept, for each way of hearing, until a person wants it anew."""

from msgspec.structs import replace

from impressions_assets.speech.heard import Heard, engine_of, forget_heard
from impressions_assets.speech.recognizer.job import Hearing
from impressions_assets.storage.captures import Raw
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import SHARED, Capture
from impressions_assets.storage.tables import Entry


def test_a_video_is_heard_anew_when_what_was_heard_is_forgotten(home: Home) -> None:
    small, large = (Heard(home, Hearing(model=name)) for name in ("small", "large"))
    small.keep({"a": b"one", "ab": b"another"})
    large.keep({"a": b"two"})
    names = {"kind": "captions", "language": "en", "engine": "youtube"}
    track = Capture(video_id="a", body=b"", revision="", fetched_at="", **names)
    Raw(home).keep([track])
    forget_heard(home, "a")
    assert (small.body("a"), large.body("a"), small.body("ab")) == (None, None, b"another")
    assert home.table("captures").count(SHARED) == 2


def test_what_was_heard_last_in_another_way_is_at_hand(home: Home) -> None:
    for number, name in enumerate(("small", "medium")):
        heard = Heard(home, Hearing(model=name))
        heard.keep({"a": name.encode()})
        rows = home.table("captures").items(SHARED)
        aged = [replace(row, fetched_at=f"2026-01-0{number}") for _, row in rows]
        home.table("captures").put(
            SHARED, [Entry(row) for row in aged if row.engine == heard.engine]
        )
    assert Heard(home, Hearing(model="large")).earlier_body("a") == b"medium"
    assert Heard(home, Hearing(model="medium")).earlier_body("a") == b"small"
    assert Heard(home, Hearing(model="large")).earlier_body("b") is None


def test_a_language_that_is_said_hears_anew_and_none_that_is_not() -> None:
    """What was recognized before this could be said stays known."""
    assert engine_of(Hearing()) == "whisperx-d9bcebce41f4"
    assert len({engine_of(Hearing(language=said)) for said in (None, "de", "detect")}) == 3
