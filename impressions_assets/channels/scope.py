"""What channels.yaml can set of a channel's subject, by which questions to it are judged."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from impressions_assets.channels.fields import Location, Strict, Words


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return value


class ScopeSettings(Strict):
    """What questions to a channel may be about."""

    preset: Literal["python"] | None = Field(
        default=None, description="a subject that comes along: python, for programming in Python"
    )
    learn: bool | None = Field(
        default=None,
        description="whether what the channel says is its subject; unless it is said, it is where"
        " there is no preset",
    )
    keywords: tuple[Words, ...] = Field(
        default=(), description="words and phrases of the subject, such as [gradient descent]"
    )
    patterns: tuple[Annotated[Words, AfterValidator(_pattern)], ...] = Field(
        default=(), description="regular expressions: a question that one is found in belongs"
    )
    other_patterns: tuple[Annotated[Words, AfterValidator(_pattern)], ...] = Field(
        default=(),
        description="regular expressions: a question that one is found in does not belong, even"
        " where one of `patterns` is found",
    )
    in_scope: tuple[Words, ...] = Field(default=(), description="example questions that belong")
    out_of_scope: tuple[Words, ...] = Field(
        default=(), description="example questions that do not belong, though they may sound so"
    )
    encoder: Words | Location | None = Field(
        default=None,
        description="a sentence encoder, by which example questions and the preset's teach more: a"
        " name on the Hugging Face hub, such as sentence-transformers/all-mpnet-base-v2, or the"
        " whole path of its folder",
    )
    answer: str = Field(
        default="", description="what those are told whose question does not belong"
    )

    @model_validator(mode="after")
    def _has_something_to_encode(self) -> Self:
        if self.encoder and not (self.preset or self.in_scope or self.out_of_scope):
            raise ValueError(
                "encoder has no example questions to learn from: give some in `in_scope` and"
                " `out_of_scope`, or a preset"
            )
        return self

    @property
    def learns(self) -> bool:
        """Whether what the channel says counts."""
        return self.preset is None if self.learn is None else self.learn
