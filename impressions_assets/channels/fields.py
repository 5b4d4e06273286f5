"""The values that channels.yaml takes anywhere: days, languages, places, words, shares."""

import re
from datetime import date
from pathlib import PurePath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _day(value: object) -> object:
    """Dates in one spelling: pydantic alone would also take seconds since 1970."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("is not a date; write YYYY-MM-DD")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", value):
        raise ValueError("is not a language tag; write one such as en or pt-BR")
    return value


def _spoken_language(value: str) -> str:
    if value != "detect" and not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", value):
        raise ValueError("is no language's code; write one such as de or pt-BR, or detect")
    return value


def absolute_location(value: str) -> str:
    """A place must mean the same to every process, whatever folder it was started in."""
    if not value.strip() or not value.isprintable():
        raise ValueError("is empty or holds a control character")
    if "://" not in value and not PurePath(value).is_absolute():
        raise ValueError("is relative, and processes start in different folders")
    return value


Day = Annotated[date, BeforeValidator(_day)]
Language = Annotated[str, AfterValidator(_language)]
SpokenLanguage = Annotated[str, AfterValidator(_spoken_language)]
Location = Annotated[str, AfterValidator(absolute_location)]
Words = Annotated[str, Field(min_length=1, pattern=r"\S")]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """A mapping of the file: no unknown keys, no change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)
