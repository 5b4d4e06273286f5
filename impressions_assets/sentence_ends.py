"""Where a sentence ends, in every script that marks it. Rooms of speech and of text both ask."""

import re
from collections.abc import Sequence

_LAST_OF_SENTENCE = frozenset(".!?…\"'”’»)]。！？؟।」』”）")
_MARK = re.compile(r"[.!?…。！？؟।]")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*$|[。！？؟।][」』”)）]*$")
_INNER_END = re.compile(
    r"[.!?…][\"'”’»)\]]* (?=[^a-z\W]|[\"'“‘«¿¡(])|[。！？؟।][」』”)）]* ?(?=\S)"
)
_ABBREVIATION = re.compile(r"(?:\b[A-Z]|\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|Jr|Sr|No|e\.g|i\.e))\.$")


def ends_sentence(text: str) -> bool:
    """Whether the text stops where a sentence does."""
    return _SENTENCE_END.search(text, max(0, len(text) - 6)) is not None and not (
        text[-1] == "." and _ABBREVIATION.search(text, max(0, len(text) - 6))
    )


def that_end_sentences(texts: Sequence[str]) -> list[int]:
    """The numbers of the texts that stop where a sentence does; most stop elsewhere."""
    return [
        number
        for number, text in enumerate(texts)
        if text[-1:] in _LAST_OF_SENTENCE and ends_sentence(text)
    ]


def inner_sentence_ends(text: str) -> list[int]:
    """The offsets inside the text at which a sentence ends and another begins."""
    mark = _MARK.search(text)  # one set is found seven times faster than what may follow it
    if mark is None:
        return []
    ends = [match.end() for match in _INNER_END.finditer(text, mark.start())]
    return [end for end in ends if not _ABBREVIATION.search(text[max(0, end - 8) : end].rstrip())]
