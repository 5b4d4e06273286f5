"""From a channel's settings to the language model that it asks."""

from typing import Any

from impressions_assets.channels.channel import Channel, Channels
from impressions_assets.channels.writing import LanguageModelSettings
from impressions_assets.language_model.answers import Answers
from impressions_assets.language_model.endpoint import Endpoint
from impressions_assets.storage.budget import Budget
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.home import Home
from impressions_assets.text.prompts import digest

SERVICE = "language model at "  # and its address: how its allowance is called


def answers_of(home: Home, model: LanguageModelSettings, key: str) -> Answers:
    """Open a language model; nothing is asked yet."""
    endpoint = Endpoint(model.url, key, model.timeout_seconds)
    setting = "language_model.daily_requests"
    budget = Budget(home, f"{SERVICE}{model.url}", model.daily_requests, setting=setting)
    held = model.json_schema
    return Answers(home, endpoint, model.model, model.parameters, json_schema=held, budget=budget)


def daily_requests_of(channels: Channels, service: str) -> int | None:
    """Return the least that a channel allows of a language model in a day; None for no limit."""
    models = (channel.language_model for channel in channels.channels.values())
    asked = (model for model in models if model and service == f"{SERVICE}{model.url}")
    return min((model.daily_requests for model in asked if model.daily_requests), default=None)


def language_model_of(channel: Channel) -> LanguageModelSettings:
    """The language model of a channel that asks one: reading channels.yaml made sure of it."""
    assert channel.language_model is not None
    return channel.language_model


def way_to(channel: Channel) -> str:
    """Name how the language model is reached: what one way refused, another is asked anew."""
    model = channel.language_model
    return digest_of(model.url, model.json_schema) if model else ""


def asked_with(channel: Channel, instructions: str) -> dict[str, Any]:
    """What matters to rows that a language model had a part in: the model, and what it is told.

    Where it runs, how long we wait, and how many requests we make at a time does not.
    """
    model = language_model_of(channel)
    said = model.model_dump(mode="json", include={"model", "parameters", "window_words"})
    return {**said, "prompt": digest(instructions)}
