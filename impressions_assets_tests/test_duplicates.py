"""Duplicates of stored documents, within a channel and across channels."""

from impressions_assets.duplicates import (
    Elsewhere,
    duplicates_elsewhere,
    duplicates_in,
    told_elsewhere,
)
from impressions_assets.reader import ChannelReader
from impressions_assets.rows import Document, Video
from impressions_assets.storage.forgetting import bury
from impressions_assets.storage.home import Home
from impressions_assets.storage.tables import Entry
from impressions_assets.text.duplicates import text_digest
from impressions_assets.text.signatures import signature_of
from impressions_assets_tests.text.test_duplicates import changed, talk


def put(home: Home, channel: str, video_id: str, words: list[str], published: str = "2024") -> None:
    text = " ".join(words)
    document = Document(
        video_id=video_id,
        text=text,
        split="train",
        num_characters=len(text),
        text_digest=text_digest(text),
        signature=signature_of(text),
    )
    home.table("documents").put(channel, [Entry(document)])
    video = Video(video_id=video_id, source="text", published=published)
    home.table("videos").put(channel, [Entry(video)])


def test_stored_documents_are_compared_by_date(home: Home) -> None:
    put(home, "a", "late", changed(talk(1), 0.05), "2024-06-01")
    put(home, "a", "early", talk(1), "2024-01-01")
    put(home, "a", "other", talk(2))
    assert duplicates_in(home, "a", 0.8)["late"].kept == "early"
    frame = ChannelReader(home, "a").duplicates()
    assert frame[["video_id", "kept"]].to_numpy().tolist() == [["late", "early"]]


def test_other_channels_are_told_with_what_they_say_and_lose_nothing(home: Home) -> None:
    put(home, "a", "talk", talk(1))
    put(home, "b", "copy", changed(talk(1), 0.05))
    put(home, "b", "fresh", talk(2))
    put(home, "c", "talk", talk(1))  # the same video: no duplicate
    (found,) = duplicates_elsewhere(home, "a", 0.8)
    assert found[:3] == ("talk", "b", "copy")
    assert isinstance(found, Elsewhere)
    assert 0.85 < found.similarity < 0.97
    assert duplicates_in(home, "a", 0.8) == duplicates_in(home, "b", 0.8) == {}


def test_a_document_without_words_is_said_nowhere(home: Home) -> None:
    for channel in ("a", "b"):
        put(home, channel, f"empty-{channel}", [])
    assert duplicates_elsewhere(home, "a", 0.8) == []


def test_other_channels_are_read_again_when_this_one_changed(home: Home) -> None:
    put(home, "b", "copy", talk(1))
    put(home, "a", "talk", talk(1))
    told = told_elsewhere(home, "a", 0.8)
    assert [one[:3] for one in told] == [("talk", "b", "copy")]
    put(home, "c", "late", talk(1))
    assert told_elsewhere(home, "a", 0.8) == told
    assert [one.channel for one in told_elsewhere(home, "c", 0.8)] == ["a", "b"]
    assert told_elsewhere(home, "a", 1.01) == []
    put(home, "a", "more", talk(2))
    assert [one.channel for one in told_elsewhere(home, "a", 0.8)] == ["b", "c"]


def test_a_forgotten_video_is_told_no_more(home: Home) -> None:
    put(home, "b", "copy", talk(1))
    put(home, "a", "talk", talk(1))
    assert told_elsewhere(home, "a", 0.8)
    bury(home, "copy")
    assert told_elsewhere(home, "a", 0.8) == []


def test_what_was_told_and_is_damaged_is_found_anew(home: Home) -> None:
    put(home, "b", "copy", talk(1))
    put(home, "a", "talk", talk(1))
    told = told_elsewhere(home, "a", 0.8)
    home.store.write_text("elsewhere/a.json", "{")
    assert told_elsewhere(home, "a", 0.8) == told
