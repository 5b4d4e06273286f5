"""What a chat model learns from: exchanges of a question and its answer, as token ids.

Loss is on the answer alone, and on the token that ends it. An answer that does not fit is cut into
parts: each follows the question and the end of the part before it, on which there is no loss, so
that every token of an answer is learned exactly once.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from impressions_assets.chat.answerer import Message
from impressions_assets.chat.prompts import answer_frame, grounded, prompt_ids
from impressions_assets.rows import Split

MASKED = -100  # a label that no loss is on


class Found(Struct, frozen=True):
    """A passage that was found for a question."""

    video_id: str
    text: str


class Exchange(Struct, frozen=True, kw_only=True):
    """A pair, or a document without a question."""

    video_id: str
    split: Split
    question: str = ""
    answer: str
    passages: tuple[Found, ...] = ()  # where prompts hold passages

    @property
    def messages(self) -> list[Message]:
        """What is asked."""
        texts = [passage.text for passage in self.passages]
        return [Message("user", grounded(self.question, texts))]


class Example(NamedTuple):
    """A row of the training data."""

    input_ids: list[int]
    labels: list[int]


class Examples(NamedTuple):
    """Examples, and what became of the tokens they are made of."""

    rows: list[Example]
    num_answer_tokens: int  # of all answers, ends included
    num_lost_tokens: int  # of those, without any label
    num_cut_prompt_tokens: int  # of questions and passages too long for the context


def save_exchanges(path: Path, exchanges: Sequence[Exchange]) -> None:
    """Write them, one a line."""
    path.write_bytes(msgspec.json.Encoder().encode_lines(exchanges))


def load_exchanges(path: Path) -> list[Exchange]:
    """Read what `save_exchanges` wrote."""
    return msgspec.json.Decoder(Exchange).decode_lines(path.read_bytes())


def examples_of(tokenizer: Any, exchanges: Sequence[Exchange], max_length: int) -> Examples:
    """The training data of some exchanges."""
    frame = answer_frame(tokenizer)
    rows: list[Example] = []
    num_tokens = num_cut = 0
    for exchange in exchanges:
        answer = _ids(tokenizer, frame.before + exchange.answer) + frame.end_ids[:1]
        prompt = [_before_texts(tokenizer)]
        if exchange.question:
            prompt, cut = fitting(tokenizer, exchange, max_length)
            num_cut += cut
        num_tokens += len(answer)
        rows += _parts(prompt, answer, max_length)
    num_kept = sum(label != MASKED for row in rows for label in row.labels)
    return Examples(rows, num_tokens, num_tokens - num_kept, num_cut)


def fitting(tokenizer: Any, exchange: Exchange, max_length: int) -> tuple[list[int], int]:
    """The prompt of an exchange, and how many of its tokens were cut for the answer's sake.

    It takes half of the context at most: with fewer passages, then fewer words of the question.
    """
    most = max_length // 2
    whole = prompt_ids(tokenizer, exchange.messages)
    ids, words, passages = whole, exchange.question.split(), exchange.passages
    while len(ids) > most and (passages or len(words) > 1):
        if passages:
            passages = passages[:-1]
        else:
            words = words[: len(words) // 2]
        shorter = msgspec.structs.replace(exchange, passages=passages, question=" ".join(words))
        ids = prompt_ids(tokenizer, shorter.messages)
    ids = ids[-most:]  # one word of thousands of letters
    return ids, len(whole) - len(ids)


def _before_texts(tokenizer: Any) -> int:
    """What a document follows, so that its first word is learned, too: the start, or an end."""
    start: int | None = tokenizer.bos_token_id
    return tokenizer.eos_token_id if start is None else start


def _parts(prompt: list[int], answer: list[int], max_length: int) -> Iterator[Example]:
    room, start = max_length - len(prompt), 0
    overlap = room // 4
    while start < len(answer):
        before = answer[max(0, start - overlap) : start]
        new = answer[start : start + room - len(before)]
        masked = [MASKED] * (len(prompt) + len(before))
        yield Example([*prompt, *before, *new], [*masked, *new])
        start += len(new)


def _ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids
