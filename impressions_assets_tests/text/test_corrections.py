"""Corrections of chapters and pairs by hand."""

from msgspec.structs import replace

from impressions_assets.rows import Chapter, Chapters, Correction, QAPair, QAPairs
from impressions_assets.text.corrections import corrected_chapters, corrected_pairs, with_ids


def pair(question: str, start: float) -> QAPair:
    return QAPair(question=question, answer="Yes.", start_seconds=start, end_seconds=start + 9)


def test_a_pair_keeps_its_name_when_its_time_moves_and_two_never_share_one() -> None:
    first, second, other = with_ids([pair("Why?", 1), pair("Why?", 20), pair("How?", 40)])
    assert len({first.pair_id, second.pair_id, other.pair_id}) == 3
    assert with_ids([pair("Why?", 3)])[0].pair_id == first.pair_id


def test_a_review_replaces_its_pair_and_outlives_it() -> None:
    found = with_ids([pair("Why?", 1), pair("How?", 40)])
    edited = replace(found[0], question="Why, then?", review="edited")
    correction = Correction(video_id="a", table="qa_pairs", pairs=(edited,))
    made = corrected_pairs(QAPairs(video_id="a", pairs=found), correction)
    assert made.pairs == (edited, found[1])
    assert corrected_pairs(QAPairs(video_id="a"), correction).pairs == (edited,)


def test_the_chapters_of_a_person_replace_those_that_were_found() -> None:
    mine = (Chapter(0.0, "Mine", None, "manual"),)
    correction = Correction(video_id="a", table="chapters", chapters=mine)
    found = Chapters(video_id="a", chapters=(Chapter(1.0, "Found"), Chapter(9.0, "More")))
    assert corrected_chapters(found, correction).chapters == mine
