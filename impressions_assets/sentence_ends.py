"""Where a sentence ends, in every script that marks it. Rooms of speech and of text both ask."""

import re
from collections.abc import Sequence

_LAST_OF_SENTENCE = frozenset(".!?…\"'”’»)]。！？؟।」』”）")
_MARKS = ".!?…。！？؟।"
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*$|[。！？؟।][」』”)）]*$")
_INNER_END = re.compile(  # what begins with one set is sought three times faster than two branches
    f"[{_MARKS}]"
    r"(?:(?<=[.!?…])[\"'”’»)\]]* (?=[^a-z\W]|[\"'“‘«¿¡(])|(?<=[。！？؟।])[」』”)）]* ?(?=\S))"
)
_ABBREVIATION = re.compile(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|vs|etc|Jr|Sr|No|e\.g|i\.e)\.$")


def ends_sentence(text: str) -> bool:
    """Whether the text stops where a sentence does."""
    near = max(0, len(text) - 6)
    if text[-1:] == ".":
        return _ABBREVIATION.search(text, near) is None
    return _SENTENCE_END.search(text, near) is not None


def hold_marks(texts: Sequence[str]) -> bool:
    """Whether any of the texts has a mark that may end a sentence; some captions have none."""
    joined = "".join(texts)
    return any(mark in joined for mark in _MARKS)


def that_end_sentences(texts: Sequence[str]) -> list[int]:
    """The numbers of the texts that stop where a sentence does; most stop elsewhere."""
    return [
        number
        for number, text in enumerate(texts)
        if text and text[-1] in _LAST_OF_SENTENCE and ends_sentence(text)
    ]


def inner_sentence_ends(text: str) -> list[int]:
    """The offsets inside the text at which a sentence ends and another begins."""
    ends: list[int] = []
    found = _INNER_END.search(text)
    while found:
        end = found.end()
        if not _ABBREVIATION.search(text[max(0, end - 8) : end].rstrip()):
            ends.append(end)
        found = _INNER_END.search(text, end)
    return ends
