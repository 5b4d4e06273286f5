"""The archive that is made of the talks."""

import hashlib
import json
import re

import pytest

from impressions_assets.demo.render import write_archive
from impressions_assets.demo.talks import read_talks

TALK = """---
id: abc-_123XYZ
title: A & B
published: 2026-03-02
captions: [{captions}]
chapters: {chapters}
tags: [x]
summary: What it is about.
{more}---
## First, with a comma
Host: One two three. Is 2 < 3 & so on?

Guest: It is.

## Second
Host: {tail}
"""
TAIL = "A sentence that is long enough to fill more than one line of captions, I should think. End."


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    assert write_archive(folder) == len(read_talks())
    return folder


@pytest.fixture
def render(tmp_path):
    def write(captions, chapters="dash", more="", tail=TAIL):
        (tmp_path / "talks").mkdir(exist_ok=True)
        text = TALK.format(captions=captions, chapters=chapters, more=more, tail=tail)
        (tmp_path / "talks" / "01-a.md").write_text(text, encoding="utf-8")
        assert write_archive(tmp_path / "out", tmp_path / "talks") == 1
        return tmp_path / "out"

    return write


def info_of(folder):
    return json.loads((folder / "abc-_123XYZ.info.json").read_text(encoding="utf-8"))


def digests(folder):
    files = sorted(folder.iterdir())
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def seconds(stamp):
    hours, minutes, rest = stamp.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_the_same_talks_give_the_same_bytes(archive, tmp_path):
    write_archive(tmp_path)
    assert digests(tmp_path) == digests(archive)


def test_info_names_exactly_the_tracks_that_lie_beside_it(archive):
    for path in archive.glob("*.info.json"):
        info = json.loads(path.read_text(encoding="utf-8"))
        named = {
            f"{info['id']}.{language}.{track['ext']}"
            for kind in ("subtitles", "automatic_captions")
            for language, tracks in info[kind].items()
            for track in tracks
        }
        lying = {f.name for f in archive.iterdir() if f.name.startswith(info["id"])}
        assert lying == named | {path.name}


def test_speech_runs_at_a_natural_pace(archive):
    for talk in read_talks():
        info = json.loads((archive / f"{talk.front.id}.info.json").read_text(encoding="utf-8"))
        count = sum(len(p.text.split()) for s in talk.sections for p in s.paragraphs)
        pace = count / (info["duration"] / 60)
        assert 110 <= pace <= 170, (talk.front.id, pace)


def test_cues_are_short_and_follow_each_other(archive):
    for path in [*archive.glob("*.vtt"), *archive.glob("*.srt")]:
        text = path.read_text(encoding="utf-8")
        cues = re.findall(r"(\S+) --> (\S+).*\n((?:.+\n)+)", text)
        last = 0.0
        for start, end, words in cues:
            assert last <= seconds(start) < seconds(end)
            last = seconds(end)
            assert len(re.sub(r"<.*?>", "", words)) <= 110
        assert len(cues) > 50, path.name


@pytest.mark.parametrize(
    ("style", "line"),
    [
        ("dash", "0:00 - First, with a comma"),
        ("plain", "0:00 First, with a comma"),
        ("brackets", "[00:00] First, with a comma"),
        ("parentheses", "(0:00) First, with a comma"),
        ("numbered", "1. 0:00 First, with a comma"),
        ("title-first", "First, with a comma 0:00"),
        ("bullets", "• 0:00 First, with a comma"),
    ],
)
def test_the_description_lists_chapters_in_the_talks_own_style(render, style, line):
    description = info_of(render("vtt", style))["description"]
    assert f"\n\nChapters:\n{line}\n" in description
    assert description.startswith("What it is about.\n\n")
    assert description.endswith("Licence: MIT, part of the Impressions project")


def test_chapters_of_youtube_stand_in_the_info_alone(render):
    info = info_of(render("vtt", "youtube"))
    assert [c["title"] for c in info["chapters"]] == ["First, with a comma", "Second"]
    first, second = info["chapters"]
    assert first["start_time"] == 0.0
    assert first["end_time"] == second["start_time"] < second["end_time"] == info["duration"]
    assert "First" not in info["description"]


def test_a_session_lists_questions(render):
    description = info_of(render("vtt", "plain", "kind: session\n"))["description"]
    assert "Questions:\n0:00 First, with a comma\n" in description


def test_stamps_stay_readable_past_ten_minutes(render):
    talk = "\n".join(["word"] * 5000)
    folder = render("vtt", "brackets", tail=f"{talk}\n\n## Third\nThe end")
    assert re.search(r"^\[\d\d:\d\d\] Third$", info_of(folder)["description"], re.MULTILINE)


def test_vtt_escapes_text_and_names_voices(render):
    text = (render("vtt") / "abc-_123XYZ.en.vtt").read_text(encoding="utf-8")
    assert text.startswith("WEBVTT\nKind: captions\nLanguage: en\n\n00:00:01.500 --> ")
    assert "<v Host>One two three. Is 2 &lt; 3 &amp; so on?\n" in text
    assert "<v Guest>It is.\n" in text


def test_srt_marks_turns_and_counts_cues(render):
    text = (render("srt") / "abc-_123XYZ.en.srt").read_text(encoding="utf-8")
    assert text.startswith("1\n00:00:01,500 --> ")
    assert re.findall(r">> (\w+)", text) == ["One", "It", "A"]
    assert "2 < 3 & so on?" in text


def test_timedtext_is_escaped_twice(render):
    text = (render("timedtext") / "abc-_123XYZ.en.srv1").read_text(encoding="utf-8")
    assert '<text start="1.5" dur="' in text
    assert "&amp;gt;&amp;gt; One two three. Is 2 &amp;lt; 3 &amp;amp; so on?" in text


def test_rolling_vtt_has_the_shape_of_youtubes(render):
    text = (render("auto-vtt") / "abc-_123XYZ.en.vtt").read_text(encoding="utf-8")
    blocks = [block.split("\n") for block in text.rstrip("\n").split("\n\n")[1:]]
    growing, settled = blocks[0::2], blocks[1::2]
    assert len(growing) == len(settled) > 4
    assert growing[0][1:] == [" ", "[Music]"]
    before = " "
    for grows, rests in zip(growing, settled, strict=True):
        stamp, upper, lower = grows
        assert stamp.endswith(" align:start position:0%")
        assert upper == before
        whole = re.sub(r"<.*?>", "", lower)
        assert rests[1:] == [whole, " "]
        start, _, end, *_ = rests[0].split()
        assert seconds(end) - seconds(start) == pytest.approx(0.01)
        assert start == stamp.split()[2]
        before = whole
    assert re.fullmatch(
        r"&gt;&gt; one<00:00:01\.\d{3}><c> two</c>(<00:00:0\d\.\d{3}><c> \S+</c>)+", growing[1][2]
    )


def test_a_recognizer_hears_neither_capitals_nor_punctuation_and_loses_no_word(render):
    folder = render("auto-json3")
    events = json.loads((folder / "abc-_123XYZ.en.json3").read_text(encoding="utf-8"))["events"]
    lines = [event for event in events[1:] if not event.get("aAppend")]
    heard = " ".join("".join(seg["utf8"] for seg in event["segs"]) for event in lines)
    assert heard == (
        "[Music] >> one two three is 2 < 3 & so on >> it is >> a sentence that is long enough"
        " to fill more than one line of captions i should think end"
    )
    for event in lines:
        offsets = [seg.get("tOffsetMs", 0) for seg in event["segs"]]
        assert offsets == sorted(set(offsets))
        assert offsets[-1] < event["dDurationMs"]


def test_automatic_captions_beside_manual_ones_keep_their_own_name(render):
    folder = render("vtt, auto-vtt")
    info = info_of(folder)
    assert list(info["subtitles"]) == ["en"]
    assert list(info["automatic_captions"]) == ["en-orig"]
    assert (folder / "abc-_123XYZ.en-orig.vtt").exists()


def test_a_video_without_captions_leaves_its_info_alone(render):
    folder = render("none")
    assert [f.name for f in folder.iterdir()] == ["abc-_123XYZ.info.json"]


def test_a_translation_keeps_to_the_times_of_its_talk(archive):
    for talk in read_talks():
        if "de" in talk.translations:
            german = (archive / f"{talk.front.id}.de.vtt").read_text(encoding="utf-8")
            info = json.loads((archive / f"{talk.front.id}.info.json").read_text(encoding="utf-8"))
            ends = [seconds(end) for end in re.findall(r"--> (\S+)", german)]
            assert max(ends) < info["duration"]
            assert german.startswith("WEBVTT\nKind: captions\nLanguage: de\n")
            assert "ist" in german.split()


def test_a_translation_with_other_sections_is_refused(render, tmp_path):
    (tmp_path / "talks").mkdir()
    german = TALK.format(captions="vtt", chapters="none", more="", tail="Ja.").split("## Second")[0]
    (tmp_path / "talks" / "01-a.de.md").write_text(german, encoding="utf-8")
    with pytest.raises(ValueError, match=r"01-a\.de\.md: it has 1 sections .* its talk has 2"):
        render("vtt", more="translations: {de: 01-a.de.md}\n")
