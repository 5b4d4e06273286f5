"""Texts by id out of a language model's answer: read leniently, checked strictly, asked twice.

An answer that cannot be read, or has ids that nobody gave, is no answer. One that is none, lacks
texts or has unfit ones is asked for once more; what is then still unfit is told, with the reason.
Nothing fails for that: what was there before the model was asked can stay.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from impressions_assets.errors import AnswerUnfit
from impressions_assets.text.prompts import SCHEMA, Message, messages_of
from impressions_assets.text.times import fold, stamps_in

Ask = Callable[[str, str, Sequence[Message], Mapping[str, Any]], str]
"""From video id, kind of question, messages and the answer's schema to what the model says."""

Check = Callable[[str, str], str]
"""From an id and its new text to what is wrong with it, '' when nothing is."""

_THOUGHT = re.compile(r"(?s)\A\s*<think>.*?</think>")
_SHOWN = 5


class _Text(msgspec.Struct):
    id: str
    text: str


class _Texts(msgspec.Struct):
    texts: list[_Text]


class Texts(NamedTuple):
    """What the model gave, and of the other ids, why not."""

    fit: dict[str, str]
    problems: dict[str, str]


class Question(NamedTuple):
    """What is asked about some texts of a video."""

    video_id: str
    kind: str
    instructions: str
    video: Mapping[str, Any]
    texts: Mapping[str, str]
    pictures: Mapping[str, bytes] = MappingProxyType({})
    """JPEGs by the id of the text during which each was shown."""

    def messages(self, problem: str = "") -> list[Message]:
        """The conversation; with what was wrong before, when it is asked again."""
        return messages_of(self.instructions, self.video, self.texts, self.pictures, problem)


def texts_of(ask: Ask, question: Question, check: Check) -> Texts:
    """Ask, and once more when the answer is unfit."""
    first = _asked(ask, question, check, question.kind)
    if not first.problems:
        return first
    second = _asked(ask, question, check, f"{question.kind}/again", _told(first.problems))
    missing = {key: why for key, why in second.problems.items() if key not in first.fit}
    return Texts({**first.fit, **second.fit}, missing)


def invents_times(before: str, after: str) -> bool:
    """Whether a text has a time, as clocks and players write it, that the one before has not."""
    known = {stamp.seconds for stamp in stamps_in(fold(before))}
    return any(stamp.seconds not in known for stamp in stamps_in(fold(after)))


def _asked(ask: Ask, question: Question, check: Check, kind: str, problem: str = "") -> Texts:
    try:
        said = ask(question.video_id, kind, question.messages(problem), SCHEMA)
        texts = _read(said, question.texts.keys())
    except AnswerUnfit as error:
        return Texts({}, dict.fromkeys(question.texts, str(error)))
    problems = {
        key: why
        for key in question.texts
        if (why := check(key, texts[key]) if texts.get(key) else "it is missing")
    }
    return Texts({key: texts[key] for key in question.texts if key not in problems}, problems)


def _read(said: str, known: Set[str]) -> dict[str, str]:
    """The texts of an answer by id, also when a thought stands before it, or a fence around it."""
    found = _decoded(said)
    ids = {one.id for one in found}
    if len(ids) < len(found) or ids - known:
        raise AnswerUnfit("it has ids twice, or that were not given")
    return {one.id: one.text.strip() for one in found}


def _decoded(said: str) -> list[_Text]:
    said = _THOUGHT.sub("", said)
    inside = said[said.find("{") : said.rfind("}") + 1]
    try:
        return msgspec.json.decode(inside, type=_Texts, strict=False).texts
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise AnswerUnfit(f"it is not the JSON that was asked for ({error})") from None


def _told(problems: Mapping[str, str]) -> str:
    keys: dict[str, list[str]] = {}
    for key, why in problems.items():
        keys.setdefault(why, []).append(key)
    told = list(keys.items())[:_SHOWN]
    return "; ".join(f"{', '.join(found[:_SHOWN])}: {why}" for why, found in told)
