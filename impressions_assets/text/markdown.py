"""Markdown as the articles write it: text that cannot turn into markup, headings, anchors."""

import re
import unicodedata
from collections import Counter

from impressions_assets.text.clean import clean_line

_MARKUP = re.compile(r"[\\`*_\[\]<>~|]")
_MARKUP_IN_TITLE = re.compile(r"[\\`*_\[\]<>~|#]")
_ENTITY = re.compile(r"&(?=#?\w{1,31};)")
_BLOCK_START = re.compile(
    r"(?m)^(\s*)(#{1,6}(?=\s|$)|[-+](?=\s|$)|={3,}$|-{3,}$|(\d{1,9})([.)])(?=\s|$))"
)


def escaped(text: str) -> str:
    """Body text that renders as it reads."""
    text = _MARKUP.sub(r"\\\g<0>", text)
    if "&" in text:
        text = _ENTITY.sub("&amp;", text)
    return _BLOCK_START.sub(_escape_block_start, text)


def escaped_title(title: str) -> str:
    """A title, on one line, for a heading or the text of a link."""
    return _ENTITY.sub("&amp;", _MARKUP_IN_TITLE.sub(r"\\\g<0>", clean_line(title)))


def _escape_block_start(match: re.Match[str]) -> str:
    if match[3]:
        return f"{match[1]}{match[3]}\\{match[4]}"
    return f"{match[1]}\\{match[2]}"


class Anchors:
    """The anchors that GitHub gives to headings, in order of appearance.

    It lowers the text, drops what is no letter, mark, digit, joining line, hyphen or space, and
    turns each space into a hyphen, also one that a dropped emoji leaves in front. It documents
    this nowhere; https://github.com/Flet/github-slugger follows it case by case.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, heading: str) -> str:
        """The anchor of the next heading with this plain text."""
        slug = "".join(filter(_stays, heading.strip().lower())).replace(" ", "-")
        number = self._seen[slug]
        self._seen[slug] += 1
        return f"{slug}-{number}" if number else slug


def _stays(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character in " -_"
    # Python's `isalnum` takes ² and ½, which GitHub drops, and no vowel signs of Hindi or Thai.
    category = unicodedata.category(character)
    return category[0] in "LM" or category in ("Nd", "Nl", "Pc")
