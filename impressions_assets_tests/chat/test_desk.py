"""What becomes of a question before and while a model answers, whoever asks."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")  # of the stand-in for a model

from impressions_assets.chat.answerer import Message, Sampling
from impressions_assets.chat.desk import Desk
from impressions_assets.chat.guard import Guard, Verdict
from impressions_assets.chat.passages import Source
from impressions_assets.chat.procedures import GROUP, Asking, procedure_named, rest_of
from impressions_assets.chat.prompts import grounded
from impressions_assets.chat.scope import Scope
from impressions_assets.errors import ConfigError
from impressions_assets_tests.packages import install
from impressions_assets_tests.servers.chat import Parrot

SOURCES = [
    Source(f"v{number}", "T", f"https://e/{number}", 1.0, 2.0, "word " * number, 1.0)
    for number in (1, 300, 300)
]
TURNS = [Message("user", "What is a token?"), Message("assistant", "A piece.")]
BRIEF = Sampling(max_tokens=2)
HAIKU = """\
from impressions_assets.chat.answerer import Message
from impressions_assets.chat.procedures import Asking

class Haiku(Asking):
    def prompt(self, asked):
        return [Message("user", f"In a haiku: {asked.question}")]

    def write(self, answer):
        return f"*{answer.answer.strip()}*"

class Mute:
    pass

class Needy(Asking):
    def __init__(self, more):
        pass
"""


def desk(model: Any = None, **more: Any) -> Desk:
    return Desk("Talks", {"talks": model or Parrot()}, **more)


def guard() -> Guard:
    return Guard(Scope(), [r"\btokens?\b"], "Ask me about tokens.")


def test_what_only_follows_on_is_judged_and_searched_for_with_what_was_asked_before() -> None:
    searched = []
    asked = desk(guard=guard(), find=lambda words, _most: searched.append(words) or [])
    earlier = [*TURNS, Message("user", "?"), Message("assistant", "So.")]
    plan = asked.plan(" !", earlier)
    assert (plan.question, plan.refusal, plan.earlier) == ("!", "", tuple(earlier))
    assert searched == ["What is a token? ? !"]
    assert not asked.plan("!").answer("").in_scope
    assert not asked.plan("!", earlier[1:2]).answer("").in_scope  # it was not the user's
    assert not asked.plan("Who are you?", earlier).answer("").in_scope


class Encoding(Guard):
    """Knows without a word that a question belongs, as one with an encoder may."""

    def judge(self, question: str) -> Verdict:
        return Verdict(question == "And why?", 0.9, "questions like it belong", tells_nothing=True)


def test_what_belongs_without_a_telling_word_is_not_judged_by_what_was_asked_before() -> None:
    searched = []
    asked = desk(guard=Encoding(Scope()), find=lambda words, _most: searched.append(words) or [])
    plan = asked.plan("And why?", TURNS)
    assert (plan.refusal, plan.reason) == ("", "questions like it belong")
    assert searched == ["What is a token? And why?"]


def test_what_does_not_belong_is_answered_without_model_or_source() -> None:
    model = Parrot()
    asked = desk(model, guard=guard(), find=lambda _words, _most: SOURCES)
    plan = asked.plan("Who are you?")
    said = "".join(asked.answer(model, plan, BRIEF))
    answer = plan.answer(said)
    assert (answer.answer, answer.in_scope, answer.sources) == ("Ask me about tokens.", False, ())
    assert "the person" in answer.reason
    assert model.asked == []


def test_passages_go_into_the_prompt_as_far_as_half_of_the_models_context() -> None:
    model = Parrot()
    assert model.context // 2 == 500
    asked = desk(model, find=lambda _words, most: SOURCES[:most], most_passages=3, most_sources=1)
    plan = asked.plan("What is a token?", TURNS)
    "".join(asked.answer(model, plan, BRIEF))
    texts = [source.text for source in SOURCES[:2]]
    # In the form that a model is tuned on.
    last = Message("user", grounded("What is a token?", texts))
    assert model.asked == [[*TURNS, last]]
    assert plan.answer("").sources == tuple(SOURCES[:1])
    assert plan.answer("", listed=False).sources == ()


def test_nothing_is_searched_for_where_nobody_wants_sources() -> None:
    asked = desk(find=lambda _words, _most: SOURCES, most_sources=0)
    assert asked.plan("What is a token?").found == ()


def test_an_answer_in_a_neutral_tone_can_be_stopped_while_it_is_first_made() -> None:
    model = Parrot()
    asked = desk(model, procedure=procedure_named("summary"))
    pieces = asked.answer(model, asked.plan("What?"), BRIEF)
    assert (next(pieces), model.num_said) == ("", 1)
    assert "".join(pieces) == "token token "
    [[_], [again]] = model.asked
    assert again.content.startswith("Summarize")
    assert again.content.endswith("token token ")


def test_an_empty_question_is_refused() -> None:
    with pytest.raises(ConfigError, match="empty"):
        desk().plan(" \n")


@pytest.mark.parametrize(
    ("said", "written", "rest"),
    [("a ", "a", ""), (" a", "a\n\nsources", "\n\nsources"), ("a", "A", "\n\nA")],
)
def test_what_was_said_is_not_written_twice(said: str, written: str, rest: str) -> None:
    assert rest_of(said, written) == rest


def test_another_package_adds_a_procedure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, GROUP, "haiku = haikus:Haiku", "haikus", HAIKU)
    monkeypatch.syspath_prepend(tmp_path)
    model = Parrot()
    asked = desk(model, procedure=procedure_named("haiku"))
    plan = asked.plan("What?", TURNS)
    said = "".join(asked.answer(model, plan, BRIEF))
    assert model.asked == [[Message("user", "In a haiku: What?")]]
    assert asked.procedure.write(plan.answer(said)) == "*token token*"
    assert isinstance(procedure_named("plain"), Asking)
    with pytest.raises(ConfigError, match="There are: plain, summary, haiku"):
        procedure_named("sonnet")


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("haiku = nowhere:Haiku", r"haiku \(nowhere:Haiku\) cannot be loaded"),
        ("haiku = haikus_wrong:Mute", "has no read, prompt, infer and write"),
        ("haiku = haikus_wrong:Needy", "cannot be made: .*'more'"),
        ("plain = haikus_wrong:Haiku", "two answering procedures are called 'plain': ours and"),
    ],
)
def test_a_procedure_that_is_wrong_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, said: str
) -> None:
    install(tmp_path, GROUP, point, "haikus_wrong", HAIKU)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=said):
        procedure_named(point.split()[0])
