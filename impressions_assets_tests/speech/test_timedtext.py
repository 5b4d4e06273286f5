"""Timed text in XML: srv1, srv3, TTML, cut files and hostile ones."""

import pytest

from impressions_assets.errors import SourceBroken
from impressions_assets.rows import Word
from impressions_assets.speech.captions import parse_track, read_captions

DECLARATION = '<?xml version="1.0" encoding="utf-8" ?>'


def test_srv1_counts_in_seconds_and_escapes_twice():
    text = (
        f'{DECLARATION}<transcript><text start="0.5" dur="1.54">'
        "it&amp;#39;s &lt;i&gt;here&lt;/i&gt;</text>"
        '<text start="2"></text><text start="3" dur="1">and\nthere</text></transcript>'
    )
    segments = read_captions(text)
    assert [(s.start_seconds, s.end_seconds, s.text) for s in segments] == [
        (0.5, 2.04, "it's here"),
        (3.0, 4.0, "and there"),
    ]


def test_srv3_counts_in_milliseconds_and_has_words():
    text = (
        f'{DECLARATION}<timedtext format="3"><head><pen id="1"/></head><body><w t="0" id="1"/>'
        '<p t="1000" d="4000" w="1"><s ac="248">we</s><s t="500" ac="252"> cut</s></p>'
        '<p t="2000" d="1000" w="1" a="1">\n</p><p t="2500" d="2000">text</p></body></timedtext>'
    )
    captions = parse_track(text.encode(), "timedtext")
    assert [(s.start_seconds, s.end_seconds, s.text) for s in captions.segments] == [
        (1.0, 2.5, "we cut"),
        (2.5, 4.5, "text"),
    ]
    assert captions.segments[0].words == (Word(1.0, 1.5, "we"), Word(1.5, 2.5, "cut"))
    assert captions.dropped == ()


def test_ttml_counts_by_the_clock():
    text = (
        '<tt xmlns="http://www.w3.org/ns/ttml"><body><div>'
        '<p begin="00:00:01.500" end="00:00:02.000">'
        'one<br/>two</p><p begin="2.5s" dur="500ms">three</p></div></body></tt>'
    )
    assert [(s.start_seconds, s.end_seconds, s.text) for s in read_captions(text)] == [
        (1.5, 2.0, "one two"),
        (2.5, 3.0, "three"),
    ]


def test_a_cut_file_gives_the_cues_before_the_cut():
    text = '<transcript><text start="0" dur="1">one</text><text start="1" dur="1">tw'
    captions = parse_track(text.encode(), "timedtext")
    assert [s.text for s in captions.segments] == ["one"]
    assert [d.reason for d in captions.dropped] == ["file ends or breaks here"]


def test_times_that_make_no_sense_set_the_cue_aside():
    text = '<transcript><text start="nan" dur="1">one</text><text start="x">two</text></transcript>'
    assert [d.reason for d in parse_track(text.encode(), "timedtext").dropped] == [
        "unreadable time",
        "unreadable time",
    ]


def test_entity_bombs_are_refused():
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
        '<transcript><text start="0" dur="1">&b;</text></transcript>'
    )
    with pytest.raises(SourceBroken, match="entities"):
        read_captions(bomb)


def test_a_document_type_from_elsewhere_is_refused():
    with pytest.raises(SourceBroken, match="DTD"):
        read_captions('<!DOCTYPE transcript SYSTEM "file:///etc/hostname"><transcript/>')


def test_other_xml_is_refused_with_its_root_named():
    with pytest.raises(SourceBroken, match="html"):
        read_captions("<html><p>no captions</p></html>")
