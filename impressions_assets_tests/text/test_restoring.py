"""Sentences come back where captions have none, and nothing else changes."""

from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Segment, Word
from impressions_assets.text.restoring import restored

SAID = [
    "hi everyone today we bake",
    "bread so why does it rise",
    "that is what i will show",
]


def _captions(lines: list[str], pause: float = 0.0, speaker: str | None = None) -> list[Segment]:
    seconds = 3.0 + pause
    return [Segment(n * seconds, n * seconds + 3, line, speaker) for n, line in enumerate(lines)]


def _text(segments: list[Segment]) -> str:
    return " ".join(segment.text for segment in segments)


def test_lower_case_speech_gets_sentences_and_keeps_its_times() -> None:
    said = _captions(SAID)
    found = restored(said)
    assert _text(found).startswith("Hi everyone today we bake bread. So why does it rise")
    assert "I will show" in _text(found)
    assert [s.start_seconds for s in found] == [s.start_seconds for s in said]


def test_a_pause_ends_a_sentence() -> None:
    words = [(0.0, "bread"), (0.4, "needs"), (0.8, "water"), (1.2, "salt"), (3.5, "yeast"),
             (3.9, "needs"), (4.3, "time"), (4.7, "alone")]  # fmt: skip
    spoken = tuple(Word(start, start + 0.4, text) for start, text in words)
    said = [Segment(0.0, 5.1, " ".join(text for _, text in words), words=spoken)]
    assert _text(restored(said)) == "Bread needs water salt. Yeast needs time alone."


def test_questions_end_in_their_mark() -> None:
    said = _captions(["why does bread rise at all", "we will see that in a minute"], pause=2.0)
    assert _text(restored(said)) == "Why does bread rise at all? We will see that in a minute."


def test_names_are_written_as_the_description_writes_them() -> None:
    said = _captions(["we met anna and used pytorch on monday with a gpu"])
    found = restored(said, "Today we met Anna, who trains with PyTorch on a GPU.")
    assert _text(found) == "We met Anna and used PyTorch on Monday with a GPU."


def test_shouted_captions_are_lowered() -> None:
    said = _captions(["THIS IS HOW WE BAKE", "THE BREAD THAT I LIKE"])
    assert _text(restored(said)) == "This is how we bake the bread that I like."


def test_a_new_speaker_begins_a_sentence() -> None:
    said = [Segment(0, 2, "do you like bread", "A"), Segment(2, 4, "yes with salt", "B")]
    assert [s.text for s in restored(said)] == ["Do you like bread?", "Yes with salt."]


def test_what_has_sentences_or_no_case_stays_as_it_is() -> None:
    for lines in (["We bake. It is good.", "so, bread is next."], ["今日はパンを", "焼きます"]):
        said = _captions(lines)
        assert restored(said) == said


def test_other_languages_go_by_pauses() -> None:
    said = _captions(["heute backen wir ein brot", "das geht so wie immer"], pause=2.0)
    assert _text(restored(said, language="de")) == (
        "Heute backen wir ein brot. Das geht so wie immer."
    )


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1), max_size=80)
)
def test_no_word_is_lost_or_added(words: list[str]) -> None:
    said = _captions([" ".join(words[n : n + 7]) for n in range(0, len(words), 7)])
    found = _text(restored(said)).split()
    assert len(found) == len(_text(said).split())


def test_no_sentence_is_endless() -> None:
    said = _captions(["salt water yeast flour oven heat time"] * 60)
    sentences = _text(restored(said)).split(".")
    assert max(len(sentence.split()) for sentence in sentences) <= 42
