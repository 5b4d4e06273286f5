"""A sentence's looks: the capital that opens it, the full stop that ends it.

Scripts without case get neither: what they write in a full stop's place is not ours to guess. A
letter that stands for a number ("x squared", "e to the pi") keeps its case, as mathematicians do,
and so do names of programs and files ("nanoGPT", "channels.yaml").
"""

import re

_OPENING = re.compile(r"(?!…|\.\.)\W*([^\W\d_]\S*)")
_INSIDE_WORDS = str.maketrans("", "", "'’-")
_SYMBOLS = frozenset("bcdefghjklmnpqrstuvwxyz")
_ENDED = re.compile(r"[.!?…。！？؟।][\"'”’»)\]」』）]*$")
_OPEN_END = re.compile(r"[\s,;:–—-]+$")


def is_cased(text: str) -> bool:
    """Whether the text has letters of which there are large and small ones."""
    return text.lower() != text.upper()


def opens_small(text: str) -> bool:
    """Whether the text begins with a small letter that a sentence would not begin with."""
    opening = _OPENING.match(text)
    word = opening[1].rstrip(".,;:!?…)\"'”’»") if opening else ""
    letters = word.translate(_INSIDE_WORDS)
    return letters.isalpha() and letters.islower() and word not in _SYMBOLS


def with_capital(text: str) -> str:
    """The text as a sentence begins: "and so" becomes "And so"; "...and" and "x is" stay."""
    opening = _OPENING.match(text)
    if opening is None or not opens_small(text):
        return text
    place = opening.start(1)
    return text[:place] + text[place].upper() + text[place + 1 :]


def with_stop(text: str) -> str:
    """The text as a sentence ends: "so it is," becomes "so it is."; "Why?" stays."""
    if not is_cased(text) or _ENDED.search(text):
        return text
    return _OPEN_END.sub("", text) + "."
