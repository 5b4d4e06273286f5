"""What a rewrite may not do to a text, as far as its words can tell.

A paragraph's time holds only while the paragraph says what was said there. So words that only
another paragraph has may not turn up in it (texts swapped, merged or moved on), and in the same
language some of its own must. A translation shares names and numbers at most: there, the language
itself is what can be told.
"""

import re
from collections.abc import Mapping

from impressions_assets.text.clean import clean_line
from impressions_assets.text.languages import agree, can_tell, language_of
from impressions_assets.text.model_texts import invents_times
from impressions_assets.text.paragraphs import num_words_in
from impressions_assets.text.signatures import words_of

_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_MARKUP = re.compile(r"(?m)</?[a-z][^<>]*>|\*\*|^#{1,6} |```|\]\(", re.IGNORECASE)
_FEW_WORDS = 40  # of those, a filler may be all that there is
_FEWEST_OWN = 6  # words that tell a text from its neighbours
_FEWEST_LONG = 8  # words that can tell whether a text says something else
_LEAST_SHARED = 0.15


def problem_in(texts: Mapping[str, str], key: str, after: str, language: str | None = None) -> str:
    """What is wrong with the new text of one of some neighbours; '' when nothing that we can tell.

    Args:
        texts: what stood there, by id; ids of titles begin with `h`.
        key: the id of the one.
        after: its new text.
        language: the language it should be in, when it is another one.
    """
    before = texts[key]
    if key[0] == "h" and num_words_in(clean_line(after)) > 2 * num_words_in(before) + 8:
        return "it is too long for a title"
    return (
        problem_of(before, after)
        or _language_problem(before, after, language)
        or _moved(texts, key, after)
        or ("" if language else _something_else(before, after))
    )


def problem_of(before: str, after: str) -> str:
    """What a new text has that no rewrite of the old one may have; '' when nothing."""
    old, new = num_words_in(before), num_words_in(clean_line(after))
    if not any(character.isalnum() for character in after):
        return "it has no words"
    if new > 2 * old + 30 or (old > _FEW_WORDS and 4 * new < old):
        return f"it has {new} words in place of {old}"
    return addition_in(before, after)


def addition_in(before: str, after: str) -> str:
    """The link, markup or time that a text has and the one before has not; '' without any."""
    for what, pattern in (("a link", _LINK), ("markup", _MARKUP)):
        if pattern.search(after) and not pattern.search(before):
            return f"it has {what} that was not there"
    return "it has a time that was not there" if invents_times(before, after) else ""


def _language_problem(before: str, after: str, language: str | None) -> str:
    wanted = language or language_of(before)
    heard = language_of(after)
    return "" if agree(wanted, heard) or not can_tell(wanted) else f"it is in {heard}, not {wanted}"


def _moved(texts: Mapping[str, str], key: str, after: str) -> str:
    """Whether it has half of the words that one of its neighbours has alone."""
    words = {other: set(words_of(text)) for other, text in texts.items()}
    said = set(words_of(after))
    for other in texts.keys() - {key}:
        own = words[other].difference(*(found for name, found in words.items() if name != other))
        if len(own) >= _FEWEST_OWN and 2 * len(own & said) >= len(own):
            return f"it says what stands under {other}"
    return ""


def _something_else(before: str, after: str) -> str:
    """Whether a longer text has hardly any of the long words that it was made of."""
    said = {word for word in words_of(after) if len(word) > 4 or not word.isascii()}
    shared = len(said.intersection(words_of(before)))
    other = len(said) >= _FEWEST_LONG and shared < _LEAST_SHARED * len(said)
    return "it says something else" if other else ""
