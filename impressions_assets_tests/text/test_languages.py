"""Languages, identified from sentences of our own."""

import pytest

from impressions_assets.text.languages import agree, language_of

SAID = {
    "en": "today we are going to look at how a model learns and why it takes so long um okay",
    "de": "heute schauen wir uns an wie ein modell lernt und warum das eigentlich so lange dauert",
    "fr": "aujourd'hui nous allons voir comment un modèle apprend et pourquoi cela prend du temps",
    "es": "hoy vamos a ver cómo aprende un modelo y por qué tarda tanto tiempo en hacerlo bien",
    "ru": "сегодня мы посмотрим, как учится модель и почему это занимает так много времени",
    "hi": "आज हम देखेंगे कि एक मॉडल कैसे सीखता है और इसमें इतना समय क्यों लगता है",
    "ja": "今日はモデルがどのように学習するのか、そしてなぜこれほど時間がかかるのかを見ます。",
    "zh": "今天我们来看看模型是如何学习的，以及为什么需要这么长的时间。我们先从简单的例子开始。",
}


@pytest.mark.parametrize("code", SAID)
def test_a_sentence_is_enough(code: str) -> None:
    assert language_of(SAID[code]) == code


@pytest.mark.parametrize("text", ["", "okay", "1 2 3 " * 30, "la la la la " * 10])
def test_what_is_no_sentence_stays_undecided(text: str) -> None:
    assert language_of(text) == "und"


def test_an_opening_in_another_language_does_not_decide() -> None:
    assert language_of(SAID["hi"] * 3 + SAID["en"] * 100) == "en"


def test_tags_for_one_language_agree() -> None:
    for tag, found in (("en-GB", "en"), ("iw", "he"), ("zh-Hant", "yue"), ("nb", "no"),
                       ("pt_BR", "pt"), ("hr", "sr"), ("und", "en"), ("en", "und")):  # fmt: skip
        assert agree(tag, found), tag
    assert not agree("en", "hi")
