"""What becomes of a question: it is judged, its sources are found, and a model answers it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from impressions_assets.chat.answerer import Answerer, Message, Sampling
from impressions_assets.chat.guard import Guard
from impressions_assets.chat.passages import Source
from impressions_assets.chat.procedures import Answer, Asked, Asking
from impressions_assets.search import ChannelSearch


class Conversation:
    """A channel that answers; what it said before counts when it `remembers`."""

    def __init__(
        self,
        answerer: Answerer,
        procedure: Asking,
        search: ChannelSearch | None = None,
        guard: Guard | None = None,
        *,
        num_sources: int = 3,
        num_passages: int = 0,
        remembers: bool = False,
    ) -> None:
        """Take what answers.

        Args:
            answerer: the model.
            procedure: how a question becomes an answer.
            search: where sources are found; None finds none.
            guard: what refuses questions outside of the subject; None answers all.
            num_sources: sources that are listed at most.
            num_passages: of their texts, how many go into the prompt.
            remembers: whether earlier turns go into the prompt.
        """
        self._answerer, self._procedure = answerer, procedure
        self._search, self._guard = search, guard
        self._num_sources, self._num_passages = num_sources, num_passages
        self._remembers, self._earlier = remembers, list[Message]()

    def ask(self, text: str, settings: Sampling) -> "Spoken":
        """Answer a question, piece by piece."""
        question = self._procedure.read(text)
        verdict = self._guard.judge(question) if self._guard else None
        if verdict and not verdict.in_scope:
            assert self._guard is not None
            return Spoken(question, iter([self._guard.answer]), (), False, verdict.reason, self)
        most = max(self._num_sources, self._num_passages)
        sources = tuple(self._search.sources(question, most)) if self._search and most else ()
        asked = Asked(
            question=question,
            earlier=tuple(self._earlier),
            sources=sources,
            num_passages=self._num_passages,
        )
        pieces = self._procedure.infer(self._answerer, self._procedure.prompt(asked), settings)
        reason = verdict.reason if verdict else ""
        return Spoken(question, pieces, sources[: self._num_sources], True, reason, self)

    def written(self, answer: Answer) -> str:
        """The answer as the procedure writes it."""
        return self._procedure.write(answer)

    def remember(self, question: str, said: str) -> None:
        """Keep a turn for the next question, where this conversation remembers."""
        if self._remembers:
            self._earlier += [Message("user", question), Message("assistant", said)]

    def forget(self) -> None:
        """Begin anew."""
        self._earlier.clear()


class Spoken:
    """An answer while it is said: iterate for its pieces, then take it whole."""

    def __init__(
        self,
        question: str,
        pieces: Iterator[str],
        sources: Sequence[Source],
        in_scope: bool,
        reason: str,
        of: Conversation,
    ) -> None:
        self._pieces, self._of = pieces, of
        self._told = _Told(question, tuple(sources), in_scope, reason)
        self._said: list[str] = []

    def __iter__(self) -> Iterator[str]:
        """The pieces as they come."""
        for piece in self._pieces:
            self._said.append(piece)
            yield piece

    def whole(self) -> Answer:
        """All of it, after saying what is left of it."""
        for _ in self:
            pass
        said, told = "".join(self._said), self._told
        if told.in_scope:
            self._of.remember(told.question, said)
        return Answer(
            question=told.question,
            answer=said,
            in_scope=told.in_scope,
            reason=told.reason,
            sources=told.sources,
        )


class _Told(NamedTuple):
    question: str
    sources: tuple[Source, ...]
    in_scope: bool
    reason: str
