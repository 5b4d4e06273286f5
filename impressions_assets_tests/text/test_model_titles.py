"""Titles by a language model: only where nobody wrote any, and only those that are titles."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from impressions_assets.errors import AnswerUnfit
from impressions_assets.rows import Chapter, Chapters
from impressions_assets.text.model_titles import problem_of, retitled
from impressions_assets_tests.text.samples import chapters, spoken, transcript, video

TALK = transcript(spoken(*[f"Sentence number {n} about bread." for n in range(40)]))
CUT = chapters(
    [Chapter(0.0, "Bread", 100.0, "segmented"), Chapter(100.0, "Oven", 200.0, "segmented")]
)


class Model:
    """Says one prepared thing after the other, then a title for each text."""

    def __init__(self, *said: str, name: Callable[[str], str] = lambda key: f"On {key}") -> None:
        self.said, self.name = list(said), name
        self.asked: list[dict[str, str]] = []
        self.prompts: list[str] = []

    def __call__(
        self, video_id: str, kind: str, messages: Sequence[Mapping[str, Any]], schema: object
    ) -> str:
        content = messages[-1]["content"]
        self.prompts.append(content)
        material = json.JSONDecoder().raw_decode(content)[0]
        self.asked.append({one["id"]: one["text"] for one in material["texts"]})
        if self.said:
            return self.said.pop(0)
        return answer({key: self.name(key) for key in self.asked[-1]})


def answer(texts: Mapping[str, str]) -> str:
    return json.dumps({"texts": [{"id": key, "text": text} for key, text in texts.items()]})


def titles(found: Chapters) -> list[str]:
    return [chapter.title for chapter in found.chapters]


def test_titles_change_and_nothing_else() -> None:
    found = retitled(Model(), video(), TALK, CUT)
    assert titles(found) == ["On c0", "On c1"]
    assert [(c.start_seconds, c.end_seconds, c.origin) for c in found.chapters] == [
        (c.start_seconds, c.end_seconds, c.origin) for c in CUT.chapters
    ]
    assert found.notes == ()


def test_each_chapter_is_named_by_its_own_words() -> None:
    model = Model()
    retitled(model, video(), TALK, CUT)
    assert model.asked[0]["c0"].startswith("Sentence number 0 ")
    assert model.asked[0]["c1"].startswith("Sentence number 20 ")


def test_chapters_that_a_person_wrote_are_asked_of_nobody() -> None:
    written = chapters([Chapter(0.0, "Intro"), Chapter(60.0, "End", None, "youtube")])
    model = Model()
    assert retitled(model, video(), TALK, written) == written
    assert model.asked == []


def test_many_chapters_take_several_requests_of_bounded_size() -> None:
    many = chapters(Chapter(4.0 * n, f"T{n}", None, "segmented") for n in range(45))
    model = Model()
    assert len(set(titles(retitled(model, video(), TALK, many, window_words=200)))) == 45
    assert [len(texts) for texts in model.asked] == [20, 20, 5]
    assert all(sum(len(t.split()) for t in texts.values()) <= 200 for texts in model.asked)


@pytest.mark.parametrize(
    "said",
    ["no JSON", "", '{"texts": 3}', answer({"c0": "A", "c7": "B"}), '{"texts": [{"id": 1}]}'],
)
def test_a_bad_answer_is_asked_for_once_more_and_told_what_was_wrong(said: str) -> None:
    model = Model(said)
    assert titles(retitled(model, video(), TALK, CUT)) == ["On c0", "On c1"]
    assert "could not be used" in model.prompts[1]


def test_two_bad_answers_leave_the_titles_as_they_were_and_fail_no_video() -> None:
    model = Model("no JSON", "no JSON")
    found = retitled(model, video(), TALK, CUT)
    assert found.chapters == CUT.chapters
    assert [note.partition(": ")[0] for note in found.notes] == [
        "title of 'Bread'",
        "title of 'Oven'",
    ]
    assert all("not the JSON" in note for note in found.notes)
    assert "c0, c1: it is not the JSON" in model.prompts[1]


def test_a_model_that_declines_leaves_the_titles_as_they_were() -> None:
    def declines(*asked: object) -> str:
        raise AnswerUnfit("the language model declines to answer")

    found = retitled(declines, video(), TALK, CUT)
    assert found.chapters == CUT.chapters
    assert "declines" in found.notes[0]


@pytest.mark.parametrize(
    "said",
    [
        f"<think>{{hm}}</think>\n```json\n{answer({'c0': 'A', 'c1': 'B'})}\n```",
        f"Here you are: {answer({'c1': 'B', 'c0': 'A'})}",
    ],
)
def test_json_is_found_behind_thoughts_and_in_fences(said: str) -> None:
    model = Model(said)
    assert titles(retitled(model, video(), TALK, CUT)) == ["A", "B"]
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "…",
        "a\nb",
        "x" * 101,
        "The oven at 1:40",
        "<b>Ovens</b>",
        "**Ovens**",
        "See www.example.org",
    ],
)
def test_a_title_that_is_none_stays_what_it_was_and_is_noted(bad: str) -> None:
    assert problem_of(bad or " ")
    said = answer({"c0": "Good", "c1": bad})
    found = retitled(Model(said, said), video(), TALK, CUT)
    assert titles(found) == ["Good", "Oven"]
    (note,) = found.notes
    assert "'Oven'" in note


def test_what_the_second_answer_lacks_is_taken_from_the_first() -> None:
    model = Model(answer({"c0": "First"}), answer({"c1": "Second"}))
    found = retitled(model, video(), TALK, CUT)
    assert (titles(found), found.notes) == (["First", "Second"], ())
