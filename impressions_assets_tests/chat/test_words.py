"""Words as search compares them."""

import pytest

from impressions_assets.chat.words import analyzer_of


@pytest.mark.parametrize(
    ("language", "said", "asked"),
    [
        ("en-US", "The models were trained.", "training MODEL"),
        ("de", "Die Größe der Häuser", "grosse Haus"),
        ("fr", "Il a réglé l’éclairage", "regle"),
        ("ru", "Ещё две модели", "еще моделей"),
        ("hi", "हिन्दी में प्रश्न", "प्रश्नों"),
        ("zh", "我们在学习机器学习。", "机器学习"),
        ("ja", "モデルを学習する", "学習"),
        ("th", "การเรียนรู้ของเครื่อง", "เรียนรู้"),
        ("xx", "Ḱlinka zăwe", "klinka"),
    ],
)
def test_what_is_asked_is_found_in_other_forms_and_scripts(
    language: str, said: str, asked: str
) -> None:
    analyze = analyzer_of(language)
    assert set(analyze(asked)) <= set(analyze(said))


def test_letters_and_their_marks_stay_together() -> None:
    assert analyzer_of("hi")("हिन्दी में") == analyzer_of("hi")("हिन्दी") + analyzer_of("hi")("में")
    assert len(analyzer_of("hi")("हिन्दी")) == 1


def test_code_comes_apart_at_what_joins_it() -> None:
    assert analyzer_of("xx")("__init__ list_of(x)") == ["init", "list", "of", "x"]


def test_a_single_character_is_a_word() -> None:
    assert analyzer_of("zh")("我 a 们") == ["我", "a", "们"]
