"""How a question becomes an answer, in four steps that other packages can replace.

A procedure reads what came in, turns it into a prompt, has a model infer, and writes what came out.
Ours is `Asking`. Other packages add theirs as entry points of the group `impressions.answering`:

    [project.entry-points."impressions.answering"]
    haiku = "my_package.haiku:Haiku"

A subclass of `Asking` replaces only the steps it wants.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from impressions_assets.chat.answerer import Answerer, Message, Sampling
from impressions_assets.chat.passages import Source
from impressions_assets.chat.prompts import grounded
from impressions_assets.errors import ConfigError
from impressions_assets.plugins import loaded, plugin

GROUP = "impressions.answering"
_SAID_PLAINLY = (
    "Summarize the following answer in a neutral tone, in the third person and in few sentences."
    " Add nothing to it.\n\n"
)


class Asked(Struct, frozen=True, kw_only=True):
    """A question that was read, and what it refers to."""

    question: str
    earlier: tuple[Message, ...] = ()  # turns of the conversation before it
    sources: tuple[Source, ...] = ()
    passages: tuple[str, ...] = ()  # texts of the best of them, for the prompt


class Answer(Struct, frozen=True, kw_only=True):
    """What came out."""

    question: str
    answer: str
    in_scope: bool = True
    reason: str = ""  # why it is in scope or not
    sources: tuple[Source, ...] = ()


class Asking:
    """The procedure `plain`: the question, the channel's passages before it when asked."""

    def read(self, text: str) -> str:
        """The question in what came in.

        Raises:
            ConfigError: there is none.
        """
        question = text.strip()
        if not question:
            raise ConfigError("the question is empty: write one")
        return question

    def prompt(self, asked: Asked) -> list[Message]:
        """What the model reads."""
        return [*asked.earlier, Message("user", grounded(asked.question, asked.passages))]

    def infer(
        self, answerer: Answerer, messages: Sequence[Message], settings: Sampling
    ) -> Iterator[str]:
        """What the model says, in pieces."""
        return answerer.stream(messages, settings)

    def write(self, answer: Answer) -> str:
        """The answer as people read it: text, then sources as titles with links."""
        lines = [answer.answer.strip()]
        if answer.sources:
            lines += ["", "sources"]
            lines += [f"- {one.title} {one.link}".rstrip() for one in answer.sources]
        return "\n".join(lines)


def rest_of(said: str, written: str) -> str:
    """What stands in a written answer after what was said of it; all of it, where it is another."""
    shown = said.strip()
    return written.removeprefix(shown) if written.startswith(shown) else f"\n\n{written}"


class AskingPlainly(Asking):
    """The procedure `summary`: the model's answer, then said again by it in a neutral tone."""

    def infer(
        self, answerer: Answerer, messages: Sequence[Message], settings: Sampling
    ) -> Iterator[str]:
        """What the model makes of its own answer."""
        first = answerer.stream(messages, settings._replace(tally=None))  # it is not given out
        return _said_again(answerer, first, settings)


def _said_again(answerer: Answerer, first: Iterator[str], settings: Sampling) -> Iterator[str]:
    said = ""
    for piece in first:
        said += piece
        yield ""  # who listens can stop it here as well
    yield from answerer.stream([Message("user", f"{_SAID_PLAINLY}{said}")], settings)


_STEPS = ("read", "prompt", "infer", "write")
_OURS = {"plain": Asking, "summary": AskingPlainly}


def procedure_named(name: str) -> Asking:
    """The procedure of a name; of other packages, only this one is imported.

    Raises:
        ConfigError: there is none, or it cannot be loaded, or is none.
    """
    point = plugin(GROUP, name, _OURS, "answering procedure")
    if point is None:
        return _OURS[name]()
    try:
        made: Any = loaded(point)()
    except TypeError as error:
        raise ConfigError(f"{point.name} ({point.value}) cannot be made: {error}") from error
    if not all(callable(getattr(made, step, None)) for step in _STEPS):
        raise ConfigError(f"{point.name} ({point.value}) has no read, prompt, infer and write")
    return made  # type: ignore[no-any-return]
