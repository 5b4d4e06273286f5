"""Which track speaks for a video."""

import pytest

from impressions_assets.errors import SourceBroken
from impressions_assets.rows import Track, Video
from impressions_assets.speech.tracks import choose_tracks, no_transcript, transcript_of


def track(language, kind="manual", format="vtt"):
    location = f"x.{language}.{kind}.{format}"
    return Track(language=language, kind=kind, format=format, location=location)


def chosen(tracks, languages=("en",), policy="manual_first", language=None):
    video = Video(video_id="x", source="archive", language=language, tracks=tuple(tracks))
    return [(t.language, t.kind, t.format) for t in choose_tracks(video, languages, policy)]


def test_a_persons_captions_come_before_a_recognizers_and_a_translation_last():
    tracks = [track("en", "translated"), track("en", "automatic"), track("en")]
    assert [kind for _, kind, _ in chosen(tracks)] == ["manual", "automatic", "translated"]


def test_a_translation_counts_only_where_no_preferred_language_is():
    assert [k for _, k, _ in chosen([track("en", "translated"), track("de")], ("en", "de"))] == [
        "manual",
        "translated",
    ]
    assert chosen([track("en", "translated"), track("de")])[0] == ("en", "translated", "vtt")


def test_a_language_also_means_its_variants_after_itself():
    tracks = [track("en-orig", "automatic"), track("en-US"), track("en"), track("eng"), track("de")]
    assert [language for language, _, _ in chosen(tracks)] == ["en", "en-US", "en-orig"]


def test_languages_are_taken_in_the_order_of_preference():
    assert chosen([track("en"), track("de", "automatic")], ("de", "en")) == [
        ("de", "automatic", "vtt"),
        ("en", "manual", "vtt"),
    ]


def test_a_persons_captions_in_a_variant_come_before_recognized_ones_in_the_language_itself():
    assert chosen([track("en", "automatic"), track("en-US")])[0] == ("en-US", "manual", "vtt")


def test_without_a_preferred_language_the_original_speaks():
    tracks = [track("fr", "translated"), track("de-DE", "automatic"), track("it")]
    assert chosen(tracks, ("en",), language="de") == [("de-DE", "automatic", "vtt")]


def test_any_language_is_better_than_none():
    assert chosen([track("it"), track("fr")], ("en",), language="de")[0][0] == "fr"


def test_policies_exclude_the_other_kind():
    tracks = [track("en"), track("en", "automatic"), track("en", "translated")]
    assert [kind for _, kind, _ in chosen(tracks, policy="manual_only")] == ["manual"]
    assert [k for _, k, _ in chosen(tracks, policy="automatic_only")] == ["automatic", "translated"]


def test_formats_that_tell_more_come_first():
    formats = ["srt", "timedtext", "json3", "vtt"]
    found = chosen([track("en", format=format) for format in formats])
    assert [format for _, _, format in found] == ["json3", "vtt", "timedtext", "srt"]


def test_a_transcript_says_where_its_words_come_from():
    video = Video(video_id="x", source="archive", language="de")
    data = b"WEBVTT\n\n00:01.000 --> 00:02.000\n[Musik]\n\n00:03.000 --> 00:04.000\nhallo\n"
    transcript = transcript_of(video, track("und", "automatic"), data)
    assert (transcript.origin, transcript.language) == ("automatic", "de")
    assert [s.text for s in transcript.segments] == ["hallo"]
    assert [d.text for d in transcript.dropped] == ["[Musik]"]
    assert transcript_of(video, track("en", format="text"), b"words").origin == "text"


def test_a_broken_track_is_named_with_its_video():
    with pytest.raises(SourceBroken, match=r"x: track x\.en\.manual\.json3: .*expected"):
        transcript_of(Video(video_id="x", source="archive"), track("en", format="json3"), b"[]")


def test_nothing_to_be_had_is_a_decision():
    transcript = no_transcript(Video(video_id="x", source="archive"))
    assert (transcript.origin, transcript.segments, transcript.is_timed) == ("none", (), False)


def test_without_text_the_reason_is_told_and_what_there_was_to_choose():
    offered = (track("en", "automatic"),)
    rows = [
        no_transcript(Video(video_id="x", source="youtube")),
        no_transcript(Video(video_id="x", source="youtube"), "disabled"),
        no_transcript(Video(video_id="x", source="youtube", tracks=offered)),
    ]
    assert [(row.reason, row.offered) for row in rows] == [
        ("none", ()),
        ("disabled", ()),
        ("policy", offered),
    ]
