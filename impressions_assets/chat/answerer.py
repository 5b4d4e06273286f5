"""What answers a conversation, whoever asks: the command line, a server, an evaluation.

No torch here: who only passes messages along need not load it.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

from msgspec import Struct

Role = Literal["system", "user", "assistant"]


class Message(Struct, frozen=True):
    """One turn of a conversation."""

    role: Role
    content: str


class Tally:
    """Counts the tokens of an answer while they are made; tells whether there was no room left."""

    def __init__(self) -> None:
        self.num_tokens = 0
        self.is_cut = (
            False  # it ended for its length: at `max_tokens`, or where the context is full
        )


class Sampling(NamedTuple):
    """How an answer is chosen, and when it ends."""

    max_tokens: int = 300
    temperature: float = 0.0  # 0 always takes the likeliest token
    top_p: float | None = None  # only the fewest tokens that have this probability together
    seed: int | None = None  # the same seed, the same answer; None: another one each time
    stop: tuple[str, ...] = ()  # texts that end the answer, and are no part of it
    may_loop: bool = False  # whether it goes on when it says the same again and again
    tally: Tally | None = None  # is told of each token that is made; the one that ends is none


class Answerer(Protocol):
    """A model that is ready to answer; may be called from several threads at once."""

    @property
    def name(self) -> str:
        """The variant's name."""

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together that it can hold."""

    def stream(self, messages: Sequence[Message], settings: Sampling) -> Iterator[str]:
        """The answer, in pieces of whole characters; closing the iterator stops the model.

        Raises:
            PromptTooLong: the conversation leaves no room for an answer.
            ConfigError: a setting makes no sense.
        """

    def complete(self, text: str, settings: Sampling) -> Iterator[str]:
        """What follows a text that is no conversation; otherwise as `stream`."""

    def num_tokens(self, text: str) -> int:
        """How many tokens a text has."""
