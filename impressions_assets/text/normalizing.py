"""Normalizes characters that look alike, so that one word is one word to a model.

Nothing changes its meaning: an en dash between numbers stays, and so do the joiners that Persian,
Indic scripts and emoji are written with, and quotation marks that point (« »), which are a
language's own.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace
from pydantic import Field

from impressions_assets.rows import Dropped, Segment
from impressions_assets.transforms import Answered, Kept, OnPairs, OnSegments

_QUOTES = str.maketrans(dict.fromkeys("‘’‚‛", "'") | dict.fromkeys("“”„‟", '"'))
_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2212", "-"))
_DASH = re.compile(r" *[\u2014\u2015][\u2014\u2015 ]*")  # Chinese writes two for one
_NOTHING = re.compile("[\u00ad\u200b\u2060\ufeff]")


class Normalize(OnSegments, OnPairs):
    """Unicode in composed form; straight quotes, two kinds of dash, plain spaces."""

    name: ClassVar[str] = "normalize"
    version: ClassVar[int] = 2
    unicode: bool = Field(default=True, description="whether characters are composed (NFC)")
    quotes: bool = Field(default=True, description="whether curly quotation marks become straight")
    dashes: bool = Field(
        default=True, description="whether hyphens become -, and long dashes – with spaces"
    )
    spaces: bool = Field(
        default=True,
        description="whether each run of spaces becomes one, and characters without width go",
    )

    def on_segments(self, segments: Sequence[Segment]) -> Kept[Segment]:
        """The talk with its texts normalized."""
        found = [(segment, self._text(segment.text)) for segment in segments]
        return Kept(
            [one if text == one.text else replace(one, text=text) for one, text in found if text],
            [Dropped("empty", one.text, one.start_seconds) for one, text in found if not text],
        )

    def on_pairs(self, pairs: Sequence[Answered]) -> Kept[Answered]:
        """The pairs with their questions normalized; their answers are segments."""
        return Kept([pair._replace(question=self._text(pair.question)) for pair in pairs])

    def _text(self, text: str) -> str:
        if self.spaces:
            text = _NOTHING.sub("", text)
        if self.quotes:
            text = text.translate(_QUOTES)
        if self.dashes:
            text = _DASH.sub(" – ", text.translate(_HYPHENS)).strip(" ")
        if self.spaces:
            text = " ".join(text.split())
        return unicodedata.normalize("NFC", text) if self.unicode else text
