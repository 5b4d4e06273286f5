"""The talks themselves: what is written, and how a broken one is told."""

import re
from collections import Counter

import pytest

from impressions_assets.demo.talks import read_talk, read_talks

TALKS = read_talks()
HEAD = "id: aaaaaaaaaaa\ntitle: T\npublished: 2026-03-02\ncaptions: [vtt]\nsummary: S\n"


def names(value):
    return value.front.title


def words_of(talk):
    return sum(len(p.text.split()) for section in talk.sections for p in section.paragraphs)


def test_the_first_half_is_there():
    assert len([talk for talk in TALKS if talk.front.kind == "talk"]) >= 14
    assert sum(words_of(talk) for talk in TALKS) >= 11_500


def test_ids_are_unique_and_look_like_youtubes():
    ids = [talk.front.id for talk in TALKS]
    assert Counter(ids).most_common(1)[0][1] == 1
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{11}", video_id) for video_id in ids)


def test_the_channel_grows_by_the_week_in_one_year():
    days = [talk.front.published for talk in TALKS if talk.front.kind == "talk"]
    assert days == sorted(set(days))
    assert {day.year for day in days} == {2026}


def test_what_the_demo_must_show_is_in_it():
    assert {talk.front.language for talk in TALKS} == {"en", "de"}
    assert sum("de" in talk.translations for talk in TALKS) >= 2
    assert any(talk.front.captions == ("none",) for talk in TALKS)
    styles = {style for talk in TALKS for style in talk.front.captions}
    assert {"vtt", "srt", "json3", "timedtext", "auto-vtt", "auto-json3"} <= styles
    assert len({talk.front.chapters for talk in TALKS}) >= 9


def test_two_talks_are_dialogues():
    roles = [{p.role for s in talk.sections for p in s.paragraphs} - {None} for talk in TALKS]
    assert sum(len(found) >= 2 for found in roles) >= 2


@pytest.mark.parametrize("talk", TALKS, ids=names)
def test_a_talk_is_of_readable_length_and_holds_no_markup(talk):
    text = "\n".join(p.text for section in talk.sections for p in section.paragraphs)
    assert talk.front.kind == "session" or 750 <= words_of(talk) <= 980
    assert not re.search(r"[`*#\t]|https?:|^[A-Z]\w+: ", text, re.MULTILINE)
    assert len({section.title for section in talk.sections}) == len(talk.sections) >= 3


def test_no_two_talks_open_with_the_same_words():
    openings = [talk.sections[0].paragraphs[0].text.split()[:3] for talk in TALKS]
    assert len({tuple(opening) for opening in openings}) == len(TALKS)


def test_a_role_lasts_until_the_next_one_or_the_next_heading(tmp_path):
    body = "## One\nHost: Well?\n\nAnd then?\n\nGuest: Yes: so.\n\n## Two\nNote: no role.\n"
    (tmp_path / "t.md").write_text(f"---\n{HEAD}---\n{body}", encoding="utf-8")
    one, two = read_talk(tmp_path / "t.md").sections
    assert [(p.role, p.text) for p in one.paragraphs] == [
        ("Host", "Well?"),
        ("Host", "And then?"),
        ("Guest", "Yes: so."),
    ]
    assert [(p.role, p.text) for p in two.paragraphs] == [(None, "Note: no role.")]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("no front matter", "front matter"),
        (f"---\n{HEAD}chapter: dash\n---\n## One\nText.\n", "`chapter`"),
        (f"---\n{HEAD}chapters: fancy\n---\n## One\nText.\n", "fancy"),
        (f"---\n{HEAD}---\nLoose text.\n", "heading"),
    ],
)
def test_a_broken_talk_is_named_with_what_is_wrong(tmp_path, text, what):
    path = tmp_path / "07-broken.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"07-broken.md.*{what}"):
        read_talk(path)
