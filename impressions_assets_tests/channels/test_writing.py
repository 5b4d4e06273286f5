"""Mistakes in the settings of the language model are told, and a key has no place in them."""

import pytest

from impressions_assets.channels.file import parse_channels
from impressions_assets.errors import ConfigError

MODEL = "language_model: {url: 'http://127.0.0.1:8000/v1/', model: m}"


def channel(*lines: str) -> str:
    said = "\n".join(f"    {line}" for line in ("sources: [{archive: /a}]", *lines))
    return f"channels:\n  talks:\n{said}\n"


def test_a_channel_may_name_a_language_model_and_what_it_is_asked() -> None:
    lines = ("chapters: {titles: language_model}", "articles: {rewrite: true, language: de}")
    found = parse_channels(channel(MODEL, *lines)).channels["talks"]
    assert found.language_model is not None
    assert found.language_model.url == "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chapters: {titles: language_model}", "needs `language_model`"),
        ("articles: {rewrite: true}", "needs `language_model`"),
        ("articles: {language: de}", "needs `rewrite: true`"),
        ("language_model: {model: m}", "url"),
        ("language_model: {url: localhost, model: m}", "is no address"),
        ("language_model: {url: 'https://k@h/v1', model: m}", "IMPRESSIONS_LLM_API_KEY"),
        ("language_model: {url: 'https://h/v1?key=k', model: m}", "IMPRESSIONS_LLM_API_KEY"),
        ("language_model: {url: 'https://h/v1', model: m, key: k}", "key"),
        ("language_model: {url: 'https://h', model: m, parameters: {n: 2}}", "may not hold n"),
    ],
)
def test_a_mistake_is_told(line: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_channels(channel(line))
