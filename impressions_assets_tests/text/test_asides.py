"""Asides go when they are a whole sentence, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Segment
from impressions_assets.text.asides import DropAsides
from impressions_assets_tests.text.samples import spoken
from impressions_assets_tests.text.talks import characters_of, talks

ASIDES = [
    "Next question, please.",
    "Okay. So, next question.",
    "Thank you, next.",
    "Thanks. Any more questions?",
    "Do we have any other questions from the audience?",
    "Does anyone have any questions?",
    "Another question here?",
    "So yeah, who has questions?",
    "Again, any questions on that so far?",
    "Does that answer your question?",
    "Let's move on to the next question.",
    "We have time for one more question.",
    "Can you hear me now?",
    "Can everyone see my screen?",
    "You’re on mute.",
    "Could you please repeat the question?",
    "next slide please.",
    "Die nächste Frage, bitte.",
    "Gibt es noch weitere Fragen?",
    "Können Sie mich hören?",
    "Question suivante, s'il vous plaît.",
    "Est-ce qu'il y a d'autres questions ?",
    "Vous m'entendez bien ?",
    "Siguiente pregunta, por favor.",
    "¿Hay alguna otra pregunta?",
    "Obrigado, próxima pergunta.",
    "Prossima domanda, prego.",
    "Следующий вопрос, пожалуйста.",
    "Меня хорошо слышно?",
    "好的，下一个问题。",
    "还有其他问题吗？",
    "では、次の質問をお願いします。",
]
CONTENT = [
    "The next question is about trees.",
    "That is the question.",
    "Thank you.",
    "Yes.",
    "Next, we sort the list.",
    "Any questions you have can be answered by reading the paper.",
    "Can you hear me in the recording of 1999?",
    "You have some questions.",
    "I have a question about trees.",
    "Is there a God?",
    "I have one last question.",
    "Great question.",
    "Did I cover all of your questions?",
    "Now then.",
    "",
    "Gibt es Bäume?",
    "¿Por qué?",
    "有问题的是这个方法。",
]


@pytest.mark.parametrize("aside", ASIDES)
def test_an_aside_goes_with_its_second_and_its_reason(aside: str) -> None:
    before, *middle, after = spoken("So it is.", aside, "Here is why.")
    kept, dropped = DropAsides().on_segments([before, *middle, after])
    gone = " ".join(one.text for one in dropped)
    assert aside.endswith(gone)
    assert {(one.reason, one.start_seconds is not None) for one in dropped} == {("aside", True)}
    assert kept[0] == before
    assert kept[-1] == after


@pytest.mark.parametrize("content", CONTENT)
def test_content_stays(content: str) -> None:
    talk = spoken("So it is.", content, "Here is why.")
    assert DropAsides().on_segments(talk) == (talk, [])


def test_an_aside_is_found_across_captions_and_inside_one() -> None:
    talk = spoken("It is so. Are there any", "more questions? Yes, the trees.")
    kept, dropped = DropAsides().on_segments(talk)
    assert [one.text for one in kept] == ["It is so.", "Yes, the trees."]
    assert [one.text for one in dropped] == ["Are there any more questions?"]
    assert 0 < (dropped[0].start_seconds or 0) < 5 < kept[1].start_seconds < 10


def test_half_of_a_sentence_without_punctuation_is_none() -> None:
    talk = spoken("and then I asked are there", "any questions", "about the trees")
    assert DropAsides().on_segments(talk) == (talk, [])


def test_without_punctuation_a_pause_ends_a_sentence() -> None:
    talk = [Segment(0, 4, "so it is"), Segment(6, 8, "any questions"), Segment(12, 15, "why trees")]
    kept, dropped = DropAsides().on_segments(talk)
    assert (kept, [one.text for one in dropped]) == ([talk[0], talk[2]], ["any questions"])


def test_phrases_of_a_channel_go_too() -> None:
    talk = spoken("Smash that like button!", "Smash that button in the form.")
    kept, _ = DropAsides(phrases=("smash that LIKE button",)).on_segments(talk)
    assert kept == talk[1:]


@given(talks([*ASIDES[:9], *CONTENT, "next", "any", "questions?"]))
def test_nothing_is_lost_and_a_second_time_nothing_goes(talk: list[Segment]) -> None:
    kept, dropped = DropAsides().on_segments(talk)
    assert characters_of(kept) + characters_of(dropped) == characters_of(talk)
    assert DropAsides().on_segments(kept) == (kept, [])
    starts = [one.start_seconds for one in kept]
    assert starts == sorted(starts)


@given(st.text(max_size=150))
def test_any_text_is_judged(text: str) -> None:
    DropAsides().on_segments(spoken(text))
