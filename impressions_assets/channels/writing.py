"""What channels.yaml can set of the language model, and of the articles it may rewrite.

Without these settings no language model is asked. Its key stands in the environment alone.
"""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, JsonValue, model_validator

from impressions_assets.channels.fields import Language, Strict, Words

_OURS = frozenset({"model", "messages", "response_format", "stream", "n"})


def _endpoint(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is no address; write one such as https://api.openai.com/v1")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("holds more than an address; a key belongs into IMPRESSIONS_LLM_API_KEY")
    return value.rstrip("/")


class LanguageModelSettings(Strict):
    """Any server that speaks OpenAI's chat completions."""

    url: Annotated[str, AfterValidator(_endpoint)] = Field(
        description="address up to /v1: requests go to URL/chat/completions"
    )
    model: Words = Field(description="name of the model, as its server knows it")
    timeout_seconds: float = Field(
        default=120.0, gt=0, allow_inf_nan=False, description="seconds to wait for an answer"
    )
    concurrency: int = Field(default=4, ge=1, le=64, description="requests at the same time")
    window_words: int = Field(
        default=1500, ge=200, le=100_000, description="words of a talk in one request, about"
    )
    daily_requests: int | None = Field(
        default=None,
        ge=1,
        description="requests a day to this address, by all channels; null for no limit",
    )
    json_schema: bool = Field(
        default=True, description="whether the server takes response_format json_schema"
    )
    sees_pictures: bool = Field(
        default=False, description="whether it takes pictures: a rewrite then comes with key frames"
    )
    parameters: dict[str, JsonValue] = Field(
        default={}, description="what else each request says, e.g. temperature: 0"
    )

    @model_validator(mode="after")
    def _says_nothing_twice(self) -> Self:
        for name in sorted(_OURS & self.parameters.keys()):
            raise ValueError(f"parameters may not hold {name}, which every request says itself")
        return self


class ArticleSettings(Strict):
    """Whether a language model rewrites the articles, and in which language."""

    rewrite: bool = Field(default=False, description="whether a language model rewrites them")
    language: Language | None = Field(
        default=None, description="language to write in; that of the talk unless it is said"
    )

    key_frames: bool = Field(
        default=False,
        description="whether chapters show a picture, where the video's file lies beside captions",
    )

    @model_validator(mode="after")
    def _translates_by_rewriting(self) -> Self:
        if self.language and not self.rewrite:
            raise ValueError("language needs `rewrite: true`: a translation is a rewrite")
        return self
