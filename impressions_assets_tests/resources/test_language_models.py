"""How a language model is asked, as a channel's settings say it."""

import json

import pytest

from impressions_assets.channels.channel import Channels
from impressions_assets.channels.writing import LanguageModelSettings
from impressions_assets.errors import QuotaSpent
from impressions_assets.resources.language_models import answers_of, daily_requests_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import SHARED
from impressions_assets.text.prompts import SCHEMA, messages_of
from impressions_assets_tests.servers.language_model import LanguageModel


def test_all_channels_share_what_may_be_asked_of_an_address(home: Home) -> None:
    with LanguageModel().running() as server:
        model = LanguageModelSettings(url=server.url, model="m", daily_requests=1)
        answers = answers_of(home, model, "")
        answers.ask("v", "titles/0", messages_of("Do it.", {}, {"a": "one"}, {}), SCHEMA)
        answers.close()
        other = answers_of(home, model.model_copy(update={"model": "other"}), "")
        with pytest.raises(QuotaSpent, match="language_model.daily_requests"):
            other.ask("v", "titles/0", messages_of("Do it.", {}, {"a": "one"}, {}), SCHEMA)
    (known,) = home.table("allowances").rows(SHARED)
    asked = {"url": server.url, "model": "m"}
    channels = Channels(
        channels={
            name: {"sources": [{"archive": "/a"}], "language_model": asked | more}
            for name, more in {
                "free": {},
                "careful": {"daily_requests": 7},
                "elsewhere": {"url": "http://h/v1", "daily_requests": 3},
            }.items()
        }
    )
    assert (known.spent, daily_requests_of(channels, known.service)) == (1, 7)
    assert daily_requests_of(Channels(), known.service) is None


def test_parameters_may_hold_what_servers_nest() -> None:
    nested = {"chat_template_kwargs": {"enable_thinking": False}, "stop": ["END"]}
    model = LanguageModelSettings(url="http://h/v1", model="m", parameters=nested)
    assert json.loads(model.model_dump_json())["parameters"] == nested
