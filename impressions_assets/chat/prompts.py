"""From messages to what a model reads: its own chat template, or a plain one.

Text of a user that imitates a role cannot become one: in it, special tokens and what the template
writes around turns (`[INST]`, `### Response:`) are broken by a blank, and a line that begins like a
turn of the plain template does not begin a line.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from jinja2 import TemplateError

from impressions_assets.chat.answerer import Message
from impressions_assets.errors import ConfigError

PLAIN = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}Q: {{ message['content'] }}\nA:"
    "{% elif message['role'] == 'assistant' %} {{ message['content'] }}\n\n"
    "{% else %}{{ message['content'] }}\n\n{% endif %}"
    "{% endfor %}"
)
_TURN = re.compile(r"\n(?=\s*[QA]:)")


def prompt_ids(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """The tokens of a conversation, up to where the answer begins.

    Raises:
        ConfigError: the template takes no such conversation.
    """
    try:
        text = tokenizer.apply_chat_template(
            _harmless(tokenizer, messages), tokenize=False, add_generation_prompt=True
        )
    except TemplateError as error:  # many take no system turn, or want turns in turn
        raise ConfigError(
            f"the model's chat template refuses these messages ({error}): begin with the user's,"
            " in turn with the assistant's, and leave out the system's"
        ) from error
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


class AnswerFrame(NamedTuple):
    """What a template sets around an answer."""

    before: str  # between where the answer begins and its first word
    end_ids: list[int]  # the first of them ends the answer


def answer_frame(tokenizer: Any) -> AnswerFrame:
    """What the template sets around an answer; without a mark, the end of a text ends it."""
    answer = "IMPRESSIONS"
    asked = [{"role": "user", "content": "?"}]
    turns = [*asked, {"role": "assistant", "content": answer}]
    prompt = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    before, _, after = tokenizer.apply_chat_template(turns, tokenize=False).rpartition(answer)
    lead = before.removeprefix(prompt) if before.startswith(prompt) else ""
    ids: list[int] = tokenizer(after, add_special_tokens=False)["input_ids"]
    is_marked = bool(ids) and ids[0] in _special_ids(tokenizer)
    return AnswerFrame(lead, ids if is_marked else [tokenizer.eos_token_id])


def grounded(question: str, passages: Sequence[str]) -> str:
    """A question after the passages that match it; alone where there are none."""
    if not passages:
        return question
    numbered = "\n".join(
        f"[{number}] {' '.join(text.split())}" for number, text in enumerate(passages, 1)
    )
    return f"What was said about it:\n{numbered}\n\nAnswer from this: {question}"


def _special_ids(tokenizer: Any) -> set[int]:
    """Those that have a name in the tokenizer, and those that only its list knows.

    Gemma 3's `<end_of_turn>` is of the latter; its list also has blanks, which mark nothing.
    """
    listed = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    return listed | set(tokenizer.all_special_ids)


def _harmless(tokenizer: Any, messages: Sequence[Message]) -> list[dict[str, str]]:
    specials = {str(token) for token in tokenizer.added_tokens_decoder.values()}
    specials |= set(tokenizer.all_special_tokens)
    is_plain = tokenizer.chat_template == PLAIN
    found = specials if is_plain else specials | _written_around_turns(tokenizer, specials)
    marks = sorted((mark for mark in found if len(mark) > 1), key=len, reverse=True)
    return [
        {"role": message.role, "content": _broken(message.content, marks, is_plain)}
        for message in messages
    ]


def _written_around_turns(tokenizer: Any, specials: Iterable[str]) -> set[str]:
    """What the template writes around turns and is no word: `[INST]`, `### Response:`, `USER:`."""
    said = "IMPRESSIONS"
    roles = ("user", "assistant", "user")
    turns = [{"role": role, "content": said} for role in roles]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    ends = "|".join(
        re.escape(one) for one in (said, "\n", *sorted(specials, key=len, reverse=True))
    )
    pieces = (piece.strip() for piece in re.split(ends, text))
    words = ((piece, piece.split()) for piece in pieces)  # more of them are a system's message
    return {piece for piece, parts in words if len(parts) <= 3 and not "".join(parts).isalnum()}


def _broken(text: str, marks: Sequence[str], is_plain: bool) -> str:
    for mark in marks:
        text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return _TURN.sub(" ", text) if is_plain else text
