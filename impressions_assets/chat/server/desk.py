"""What answers at the server: models by name, the guard, and the search for sources.

The question is the last message of the user. One that has no subject of its own ("And why?") is
judged and searched for together with the one before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from impressions_assets.chat.answerer import Answerer, Message, Sampling
from impressions_assets.chat.guard import Guard, Verdict
from impressions_assets.chat.passages import Source
from impressions_assets.chat.prompts import grounded

Find = Callable[[str, int], list[Source]]


class Plan(NamedTuple):
    """What will be said to a question, before a model is asked."""

    refusal: str  # what is said instead of an answer; '' where the question belongs
    reason: str
    sources: list[Source]


@dataclass(frozen=True)
class Desk:
    """A channel, ready to be asked."""

    title: str
    models: Mapping[str, Answerer]  # the first is the one who does not choose gets
    guard: Guard | None = None
    find: Find | None = None
    most_sources: int = 3
    most_passages: int = 0  # that go into the prompt

    @property
    def default(self) -> str:
        """The model that answers when none is named."""
        return next(iter(self.models))

    def plan(self, asked: Sequence[str]) -> Plan:
        """Judge a question, and find its sources; `asked` holds the user's messages, in order."""
        question, verdict = asked[-1], self._judged(asked[-1])
        if verdict.tells_nothing and len(asked) > 1:
            question = f"{asked[-2]} {asked[-1]}"
            verdict = self._judged(question)
        if not verdict.in_scope:
            return Plan(self.guard.answer if self.guard else "", verdict.reason, [])
        most = max(self.most_sources, self.most_passages)
        return Plan("", verdict.reason, self.find(question, most) if self.find and most else [])

    def answer(
        self, model: Answerer, messages: Sequence[Message], sources: Sequence[Source], how: Sampling
    ) -> Iterator[str]:
        """Ask a model; passages that leave less than half of its room are left out."""
        texts, room = [], model.context // 2
        for source in sources[: self.most_passages]:
            room -= model.num_tokens(source.text)
            if room < 0:
                break
            texts.append(source.text)
        last = messages[-1]
        asked = Message(last.role, grounded(last.content, texts))  # as in tuning, and as `ask` does
        return model.stream([*messages[:-1], asked], how)

    def _judged(self, question: str) -> Verdict:
        return self.guard.judge(question) if self.guard else Verdict(True, 1.0, "no guard")
