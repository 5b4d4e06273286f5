"""What becomes of a question, whoever asks: it is judged, its sources are found, a model answers.

A question that has no subject of its own ("And why?") is judged and searched for together with
those before it. How it is read, asked and written is a procedure's (`procedures`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from impressions_assets.chat.answerer import Answerer, Message, Sampling
from impressions_assets.chat.guard import Guard, Verdict
from impressions_assets.chat.passages import Source
from impressions_assets.chat.procedures import Answer, Asked, Asking

Find = Callable[[str, int], list[Source]]


class Plan(NamedTuple):
    """What will be said to a question, before a model is asked."""

    question: str
    earlier: tuple[Message, ...] = ()
    found: tuple[Source, ...] = ()  # best first
    num_sources: int = 0  # of these, how many the answer lists
    refusal: str = ""  # what is said instead of an answer; '' where the question belongs
    reason: str = ""

    def answer(self, said: str, *, listed: bool = True) -> Answer:
        """What was said, with what is told beside it."""
        return Answer(
            question=self.question,
            answer=said,
            in_scope=not self.refusal,
            reason=self.reason,
            sources=self.found[: self.num_sources] if listed else (),
        )


@dataclass(frozen=True)
class Desk:
    """A channel, ready to be asked."""

    title: str
    models: Mapping[str, Answerer]  # the first is the one who does not choose gets
    guard: Guard | None = None
    find: Find | None = None
    procedure: Asking = field(default_factory=Asking)
    most_sources: int = 3
    most_passages: int = 0  # that go into the prompt

    @property
    def default(self) -> str:
        """The model that answers when none is named."""
        return next(iter(self.models))

    def plan(self, text: str, earlier: Sequence[Message] = ()) -> Plan:
        """Judge a question after the turns before it, and find its sources.

        Raises:
            ConfigError: the text holds no question.
        """
        question = searched = self.procedure.read(text)
        verdict = told = self._judged(question)
        for turn in reversed(earlier):
            if turn.role == "user" and told.tells_nothing:
                searched = f"{turn.content} {searched}"
                told = self._judged(searched)
        verdict = verdict if verdict.in_scope else told
        if not verdict.in_scope:
            assert self.guard is not None
            return Plan(question, refusal=self.guard.answer, reason=verdict.reason)
        most = max(self.most_sources, self.most_passages)
        found = tuple(self.find(searched, most)) if self.find and most else ()
        return Plan(question, tuple(earlier), found, self.most_sources, reason=verdict.reason)

    def answer(self, model: Answerer, plan: Plan, how: Sampling) -> Iterator[str]:
        """Say what was planned; passages that leave less than half of a model's room stay out."""
        if plan.refusal:
            return iter([plan.refusal])
        passages, room = list[str](), model.context // 2
        for source in plan.found[: self.most_passages]:
            room -= model.num_tokens(source.text)
            if room < 0:
                break
            passages.append(source.text)
        asked = Asked(
            question=plan.question,
            earlier=plan.earlier,
            sources=plan.found,
            passages=tuple(passages),
        )
        return self.procedure.infer(model, self.procedure.prompt(asked), how)

    def _judged(self, question: str) -> Verdict:
        return self.guard.judge(question) if self.guard else Verdict(True, 1.0, "no guard")
