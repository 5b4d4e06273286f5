"""Passages found by their words."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from impressions_assets.chat.index import Index, Label, labels_of
from impressions_assets.rows import Chapter, Chapters, Document, QAPair, QAPairs


def talk(video_id: str, *paragraphs: str, language: str = "en") -> Document:
    """Each paragraph begins 60 seconds after the one before, and is a passage."""
    long = [f"{text}{' and so on' * 42}." for text in paragraphs]
    offsets = [sum(len(one) + 2 for one in long[:n]) for n in range(len(long))]
    return Document(
        video_id=video_id,
        text="\n\n".join(long),
        split="train",
        language=language,
        anchor_offsets=tuple(offsets),
        anchor_seconds=tuple(60.0 * n for n in range(len(long))),
    )


def index(*talks: Document, **labels: Sequence[Label]) -> Index:
    return Index.build(talks, labels)


def found(index: Index, words: str, most: int = 5) -> list[tuple[str, float | None]]:
    return [(hit.video_id, hit.passage.start_seconds) for hit in index.search(words, most)]


def test_the_passage_that_holds_the_rare_word_comes_first() -> None:
    made = index(talk("a", "Attention is attention", "A gradient falls"), talk("b", "Attention"))
    assert found(made, "how does a gradient fall?")[0] == ("a", 60.0)


def test_a_passage_that_holds_none_of_the_words_is_not_found() -> None:
    made = index(talk("a", "Attention", "Gradients"))
    assert found(made, "gradient") == [("a", 60.0)]
    assert found(made, "elephants") == []
    assert found(made, "") == []
    assert found(made, "?!") == []


def test_there_are_as_many_as_are_wanted() -> None:
    made = index(talk("a", *[f"word number {n}" for n in range(7)]))
    assert len(found(made, "word", 3)) == 3
    assert len(found(made, "word", 100)) == 7
    assert found(made, "word", 0) == []


def test_words_are_found_in_the_form_of_each_of_the_channels_languages() -> None:
    made = index(talk("a", "Training"), talk("b", "Die Häuser", language="de"))
    assert found(made, "trained") == [("a", 0.0)]
    assert found(made, "Haus") == [("b", 0.0)]


def test_a_passage_is_found_by_the_question_that_it_answers() -> None:
    made = index(talk("a", "Yes", "It bounces"), a=[Label(60.0, 70.0, "Is rubber elastic?")])
    assert found(made, "elastic") == [("a", 60.0)]


def test_what_is_written_of_a_talk_are_listed_titles_and_questions_not_rejected() -> None:
    chapters = Chapters(
        video_id="a",
        chapters=(
            Chapter(0.0, "Start"),
            Chapter(5.0, "Guessed", origin="segmented"),
            Chapter(9.0, "End"),
        ),
    )
    pairs = [
        QAPair(question=text, answer="", start_seconds=1.0, end_seconds=2.0, review=review)
        for text, review in (("Asked?", "unreviewed"), ("Wrong?", "rejected"))
    ]
    assert labels_of(chapters, QAPairs(video_id="a", pairs=tuple(pairs))) == [
        Label(0.0, 9.0, "Start"),
        Label(9.0, float("inf"), "End"),
        Label(1.0, 2.0, "Asked?"),
    ]


@pytest.mark.parametrize("talks", [(), (talk("a", ""),), (talk("a", "One thing", "Other"),)])
def test_an_index_that_was_kept_finds_the_same(talks: tuple[Document, ...], tmp_path: Path) -> None:
    made = index(*talks)
    made.save(tmp_path / "index")
    kept = Index.load(tmp_path / "index")
    assert kept.search("one thing so") == made.search("one thing so")
    assert kept.weights("one other") == made.weights("one other")


def test_a_rare_word_tells_more() -> None:
    told = index(talk("a", "One", "Two", "Three")).weights("three and unknown")
    assert told["three"] > told["and"] > 0
    assert "unknown" not in told


def test_a_text_without_words_takes_no_place() -> None:
    empty = Document(video_id="e", text="", split="train")
    dots = Document(video_id="d", text="… …", split="train")
    assert found(index(empty, dots, talk("a", "One")), "one") == [("a", 0.0)]


class Meanings:
    """Knows what a text is about by the first of these words that it holds."""

    SUBJECTS = (("cat", "feline"), ("car", "vehicle"), ("rain", "weather"))

    def __call__(self, text: str) -> np.ndarray:
        about = [any(word in text.lower() for word in words) for words in self.SUBJECTS]
        vector = np.array([*about, not any(about)], np.float32)
        return vector / np.linalg.norm(vector)

    def kept(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self(text) for text in texts])


PETS = (talk("a", "The cat sleeps", "A car stops"), talk("b", "Rain falls", "The car of the cat"))


def test_with_an_encoder_a_passage_is_found_that_holds_none_of_the_words() -> None:
    assert found(index(*PETS), "felines") == []
    made = Index.build(PETS, {}, Meanings())
    assert found(made, "felines") == [("a", 0.0), ("b", 60.0), ("a", 60.0), ("b", 0.0)]
    assert found(made, "felines", 1) == [("a", 0.0)]
    assert found(made, "felines", 0) == found(made, "?!") == []


def test_meaning_has_four_fifths_of_the_score_and_words_the_rest() -> None:
    made = Index.build(PETS, {}, Meanings())
    told = {(hit.video_id, hit.passage.start_seconds): hit.score for hit in made.search("felines")}
    near = {("a", 0.0): 2.0, ("b", 60.0): 1 + 0.5**0.5, ("a", 60.0): 1.0, ("b", 0.0): 1.0}
    assert told == pytest.approx({place: 0.8 * one / 2.0 for place, one in near.items()})
    bm25 = {hit.passage.text: hit.score for hit in index(*PETS).search("feline sleeps")}
    assert len(bm25) == 1
    assert made.search("feline sleeps")[0].score == pytest.approx(1.0)
    both = Index.build(PETS, {"b": [Label(0.0, 9.0, "What do cats do?")]}, Meanings())
    assert found(both, "what vehicle")[0] == ("a", 60.0)
    assert found(both, "what")[0] == ("b", 0.0), "labels count as words"


@pytest.mark.parametrize("talks", [(), (talk("a", "One"),), PETS])
def test_an_index_by_meaning_that_was_kept_finds_the_same(
    talks: tuple[Document, ...], tmp_path: Path
) -> None:
    made = Index.build(talks, {}, Meanings())
    made.save(tmp_path / "index")
    kept = Index.load(tmp_path / "index", Meanings())
    assert kept.search("which felines sleep") == made.search("which felines sleep")
    assert len(kept.search("felines")) == kept.num_passages
